package q8

import "github.com/mixnet-go/mixnet/internal/kernel"

// DWFilter is the filter of one depthwise group, packed for Depthwise. With a
// dilation, it is the larger filter that has zeros in between.
//
// Assembly computes rows of output together, in groups, and reads the input in
// quads: four bytes of a channel, from four rows of a column, of which the first
// is the first that the group reads. So weights are stored in blocks of 16
// channels, and for each quad, column of the filter and row of the group in
// turn, 16 quads of weights, with zeros where the row has none. The last block
// is filled with zeros.
type DWFilter struct {
	Kernel, Channels int
	Stride, Dilation int
	taps             []int8 // tap (i, j) of channel c is element (i·Kernel+j)·16 + c mod 16 of block c/16
	blocks           []int8
	floats           *kernel.DWFilter // the same, for processors that add no products of bytes
	total            []int32          // sum of each channel's weights
}

// PackDW packs w, a (channels, 1, size, size) tensor.
func PackDW(w []int8, channels, size, stride, dilation int) *DWFilter {
	f := &DWFilter{Kernel: size, Channels: channels, Stride: stride, Dilation: dilation}
	n := ceilDiv(channels, panelCols)
	f.taps, f.total = make([]int8, n*f.tapsLen()), make([]int32, channels)
	floats := make([]float32, channels*size*size)
	for i, x := range w[:len(floats)] {
		c := i / (size * size)
		f.taps[c/panelCols*f.tapsLen()+i%(size*size)*panelCols+c%panelCols] = x
		f.total[c] += int32(x)
		floats[i] = float32(x)
	}
	f.floats = kernel.PackDW(floats, size, channels)
	if group := f.group(); group > 0 {
		f.blocks = make([]int8, n*f.blockLen())
		for c := range channels {
			f.packChannel(c, group)
		}
	}
	return f
}

// packChannel packs the weights of a channel for assembly.
func (f *DWFilter) packChannel(c, group int) {
	block := f.blocks[c/panelCols*f.blockLen():]
	for r := range group {
		for i := range f.Kernel {
			row := r*f.Stride + i*f.Dilation // of those that the group reads
			for j := range f.Kernel {
				at := (row/quad*f.span()+j*f.Dilation)*group + r
				block[at*panelCols*quad+c%panelCols*quad+row%quad] = f.tap(c, i, j)
			}
		}
	}
}

// group returns the rows of output that assembly computes together: those that
// begin in one quad. There are none for other strides than 1 and 2.
func (f *DWFilter) group() int {
	if f.Stride > 2 {
		return 0
	}
	return quad / f.Stride
}

// span returns the pixels from the first to the last that a window reads in one
// direction.
func (f *DWFilter) span() int { return (f.Kernel-1)*f.Dilation + 1 }

// quads returns how many quads a group of rows reads of a column.
func (f *DWFilter) quads() int { return ceilDiv((f.group()-1)*f.Stride+f.span(), quad) }

// tapsLen and blockLen return the lengths of a block.
func (f *DWFilter) tapsLen() int  { return f.Kernel * f.Kernel * panelCols }
func (f *DWFilter) blockLen() int { return f.quads() * f.span() * f.group() * panelCols * quad }

// tap returns a weight.
func (f *DWFilter) tap(c, i, j int) int8 {
	return f.taps[c/panelCols*f.tapsLen()+(i*f.Kernel+j)*panelCols+c%panelCols]
}

// FoldZero subtracts from the bias of each channel what the zero point of the
// inputs adds to its sum.
func (f *DWFilter) FoldZero(bias []int32, zero uint8) {
	bias = bias[:f.Channels]
	for c := range bias {
		bias[c] -= int32(zero) * f.total[c]
	}
}

// Range returns the filter of the channels [from, to) of f, which shares its
// memory. from is a multiple of 16.
func (f *DWFilter) Range(from, to int) DWFilter {
	part := *f
	part.Channels = to - from
	part.taps, part.total = f.taps[from/panelCols*f.tapsLen():], f.total[from:to]
	floats := f.floats.Range(from, to)
	part.floats = &floats
	if f.blocks != nil {
		part.blocks = f.blocks[from/panelCols*f.blockLen():]
	}
	return part
}

// Depthwise computes output rows [from, to) of a depthwise convolution, whose
// image is surrounded by zero, a code. scratch has at least DepthwiseScratch
// elements. dst must not overlap src.
func Depthwise(dst, src []uint8, w *DWFilter, g *kernel.DW, zero uint8, ep *Epilogue, from, to int, scratch []uint8) {
	if w.Kernel != g.Kernel || w.Stride != g.Stride || w.Dilation != g.Dilation || w.Channels < g.Channels {
		panic("q8: depthwise filter does not fit its geometry")
	}
	if from < 0 || from > to || to > g.OutH {
		panic("q8: depthwise rows outside the image")
	}
	need("depthwise output", dst, g.OutH*g.OutW, g.DstStride, g.Channels)
	needSource("depthwise input", src, g.H*g.W, g.SrcStride, g.Channels)
	need("depthwise scratch", scratch, 1, 0, DepthwiseScratch(g))
	ep.check(g.OutH*g.OutW, g.Channels)
	if !depthwiseAsm(dst, src, w, g, zero, ep, from, to, scratch) {
		depthwiseGeneric(dst, src, w, g, zero, ep, from, to)
	}
}

// DepthwiseScratch returns the length of scratch that Depthwise needs.
func DepthwiseScratch(g *kernel.DW) int {
	b, f := newBand(g), newFloatsBand(g)
	return max(b.size(), f.size()) + cacheLine
}

const cacheLine = 64

func depthwiseGeneric(dst, src []uint8, w *DWFilter, g *kernel.DW, zero uint8, ep *Epilogue, from, to int) {
	var sums [panelCols]int32
	for y := from; y < to; y++ {
		for x := range g.OutW {
			p := y*g.OutW + x
			for c0 := 0; c0 < g.Channels; c0 += panelCols {
				cols := min(panelCols, g.Channels-c0)
				for i := range cols {
					sums[i] = ep.start(c0 + i)
				}
				w.add(sums[:cols], src, g, zero, y, x, c0)
				ep.finish(dst[p*g.DstStride+c0:][:cols], sums[:cols], p, c0)
			}
		}
	}
}

// add adds the products of the window of output pixel (y, x) to the sums of the
// channels from c0 on.
func (f *DWFilter) add(sums []int32, src []uint8, g *kernel.DW, zero uint8, y, x, c0 int) {
	for i := range g.Kernel {
		iy := y*g.Stride + i*g.Dilation - g.PadTop
		for j := range g.Kernel {
			ix := x*g.Stride + j*g.Dilation - g.PadLeft
			w := f.taps[c0/panelCols*f.tapsLen()+(i*f.Kernel+j)*panelCols:]
			if iy < 0 || iy >= g.H || ix < 0 || ix >= g.W {
				for c := range sums {
					sums[c] += int32(zero) * int32(w[c])
				}
				continue
			}
			in := src[(iy*g.W+ix)*g.SrcStride+c0:][:len(sums)]
			for c, v := range in {
				sums[c] += int32(v) * int32(w[c])
			}
		}
	}
}
