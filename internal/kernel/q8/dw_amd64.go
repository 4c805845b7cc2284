//go:build !purego

package q8

import (
	"unsafe"

	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/internal/kernel"
)

// dwArgs is what the assembly of depthwise convolutions reads beside what it is
// given pointers to. Distances are in bytes. The generator of the assembly knows
// the fields.
type dwArgs struct {
	dstPix, dstRow int
	pitch          int     // between quads of a column
	kernel         int     // columns of the filter
	quads          int     // that all rows of a group read
	mask           uint64  // of the channels
	groups, left   int     // whole groups of rows, and rows after them
	upper          int     // whether half of the rows read one quad more
	tiles          [3]int  // tiles of each size in a row
	_, _           uintptr // the assembly's own
}

// quadArgs is what the assembly that lays out quads reads.
type quadArgs struct {
	pix, row              int // between pixels and rows
	first, height         int // row of the image, and its rows
	quads                 int
	before, inside, after int     // columns
	_, _                  uintptr // the assembly's own
}

// dwTiles are the sizes of tiles, by stride.
var dwTiles = [3][3]int{1: {4, 3, 1}, 2: {7, 4, 1}}

// depthwiseAsm is Depthwise in assembly; ok tells whether this CPU has it.
func depthwiseAsm(dst, src []uint8, w *DWFilter, g *kernel.DW, zero uint8, ep *Epilogue, from, to int, scratch []uint8) (ok bool) {
	if cpu.Current() < cpu.AVX2 || ep.Add != nil || g.H < 1 || g.W < 1 || g.OutW < 1 {
		return false
	}
	if !cpu.Has(vnni) || w.blocks == nil {
		if g.Kernel*g.Kernel > mostExact {
			return false
		}
		depthwiseFloats(dst, src, w, g, zero, ep, from, to, scratch)
		return true
	}
	var consts epilogueVectors
	consts.set(ep)
	b := newBand(g)
	var border [panelCols]uint8
	for i := range border {
		border[i] = zero
	}
	scratch = lineAligned(scratch)
	q := quadArgs{pix: g.SrcStride, row: g.W * g.SrcStride, height: g.H}
	q.before = min(max(g.PadLeft, 0), b.cols)
	first := max(-g.PadLeft, 0) // column of the image
	q.inside = max(min(g.W-first, b.cols-q.before), 0)
	q.after = b.cols - q.before - q.inside
	a := dwArgs{
		dstPix: g.DstStride, dstRow: g.OutW * g.DstStride, pitch: b.pitch(), kernel: w.span(), quads: b.quads,
		tiles: tiles(g.OutW, &dwTiles[g.Stride]),
	}
	if w.span()%quad == quad-1 {
		a.quads--
		a.upper = 1
	}
	for y := from; y < to; y += b.groups * b.group {
		rows := min(b.groups*b.group, to-y)
		q.first = y*g.Stride - g.PadTop
		q.quads = ceilDiv(rows, b.group) + b.quads - 1
		for c := 0; c < g.Channels; c += panelCols {
			quadsVNNI(&scratch[0], &src[min(first, g.W-1)*g.SrcStride+c], &border[0], &q.pix)
			consts.setOutputs(ep, c)
			out, weights := &dst[y*a.dstRow+c], &w.blocks[c/panelCols*w.blockLen()]
			a.mask = 1<<min(panelCols, g.Channels-c) - 1
			a.groups, a.left = rows/b.group, rows%b.group
			if g.Stride == 1 {
				dw1VNNI(out, &scratch[0], weights, &consts.bias[0], ep.Table.pointer(), &a.dstPix)
			} else {
				dw2VNNI(out, &scratch[0], weights, &consts.bias[0], ep.Table.pointer(), &a.dstPix)
			}
		}
	}
	return true
}

// tiles returns how many tiles of each size make n columns, the last of size 1:
// few of that, and as many as then can be of the first.
func tiles(n int, sizes *[3]int) (count [3]int) {
	least := n
	for first := n / sizes[0]; first >= 0; first-- {
		rest := n - first*sizes[0]
		if ones := rest % sizes[1]; ones < least || count == [3]int{} {
			least = ones
			count = [3]int{first, rest / sizes[1], ones}
		}
	}
	return count
}

// lineAligned returns buf from its first cache line on.
func lineAligned(buf []uint8) []uint8 {
	offset := int(uintptr(unsafe.Pointer(&buf[0])) % cacheLine)
	return buf[(cacheLine-offset)%cacheLine:]
}
