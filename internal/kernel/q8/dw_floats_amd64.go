//go:build !purego

package q8

import (
	"unsafe"

	"github.com/mixnet-go/mixnet/internal/kernel"
)

// floatsRun is a depthwise convolution by way of floats: without the instruction
// that adds four products of bytes, nothing is quicker than those of package
// kernel. They are exact: sums of up to mostExact products of codes are whole
// numbers below 2^24. Codes are taken less their zero point, so that what surrounds the
// image is zero.
type floatsRun struct {
	floatsBand
	g        *kernel.DW
	w        *DWFilter
	zero     uint8
	ep       *Epilogue
	in, out  []float32
	consts   *epilogueVectors
	args     gemmArgs
	dst, src []uint8
}

// mostExact is 2^24 over the largest product.
const mostExact = 1 << 24 / (255 * 127)

func depthwiseFloats(dst, src []uint8, w *DWFilter, g *kernel.DW, zero uint8, ep *Epilogue, from, to int, scratch []uint8) {
	var consts epilogueVectors
	consts.set(ep)
	r := floatsRun{floatsBand: newFloatsBand(g), g: g, w: w, zero: zero, ep: ep, dst: dst, src: src, consts: &consts}
	mem := unsafe.Slice((*float32)(unsafe.Pointer(&lineAligned(scratch)[0])), r.size()/4)
	r.in, r.out = mem[:r.span*g.W*r.channels], mem[r.span*g.W*r.channels:]
	for y := from; y < to; y += r.rows {
		for c := 0; c < g.Channels; c += r.channels {
			r.block(y, min(r.rows, to-y), c, min(r.channels, g.Channels-c))
		}
	}
}

// block computes n rows of output from y on, of channels from c on.
func (r *floatsRun) block(y, n, c, channels int) {
	g := *r.g
	first := max(y*g.Stride-g.PadTop, 0)
	end := min((y+n-1)*g.Stride-g.PadTop+r.w.span(), g.H)
	wide := ceilDiv(channels, panelCols) * panelCols // in memory, where the last are unused
	out := r.out[:n*g.OutW*wide]
	if first >= end {
		clear(out)
	} else {
		for i := 0; i < wide; i += panelCols {
			widenAVX2(&r.in[i], 4*wide, &r.src[first*g.W*g.SrcStride+c+i], g.SrcStride, (end-first)*g.W, int32(r.zero))
		}
		g.PadTop += first - y*g.Stride
		g.H, g.OutH, g.Channels, g.SrcStride, g.DstStride = end-first, n, wide, wide, wide
		w := r.w.floats.Range(c, c+wide)
		kernel.Depthwise(out, r.in, &w, &g, nil, kernel.Identity, 0, n, nil)
	}
	for i := 0; i < channels; i += panelCols {
		r.narrow(out[i:], wide, y*g.OutW, n*g.OutW, c+i)
	}
}

// narrow makes codes of the sums of pixels from the first on, of up to 16
// channels from c on.
func (r *floatsRun) narrow(sums []float32, stride, first, pixels, c int) {
	r.consts.setOutputs(r.ep, c)
	cols := min(panelCols, r.g.Channels-c)
	for i, total := range r.w.total[c:][:cols] {
		r.consts.bias[i] += int32(r.zero) * total
	}
	a, consts, table := &r.args, &r.consts.bias[0], r.ep.Table.pointer()
	a.srcStride = 4 * stride
	if cols == panelCols {
		a.dstStride, a.rows = r.g.DstStride, pixels
		narrowAVX2(&r.dst[first*r.g.DstStride+c], bytesOf(sums), nil, consts, table, nil, &a.dstStride)
		return
	}
	var buf [tailRows * panelCols]uint8
	a.dstStride = panelCols
	for p := 0; p < pixels; p += a.rows {
		a.rows = min(tailRows, pixels-p)
		narrowAVX2(&buf[0], bytesOf(sums[p*stride:]), nil, consts, table, nil, &a.dstStride)
		for i := range a.rows {
			copy(r.dst[(first+p+i)*r.g.DstStride+c:][:cols], buf[i*panelCols:])
		}
	}
}

// bytesOf returns where s begins.
func bytesOf(s []float32) *uint8 { return (*uint8)(unsafe.Pointer(&s[0])) }
