package q8

import "github.com/mixnet-go/mixnet/internal/kernel"

// DWFilter is the filter of one depthwise group, packed for Depthwise.
//
// It is stored in blocks of 16 channels: tap (i, j) of channel c is byte
// j mod 4 of element c mod 16 of row i·⌈Kernel/4⌉+j/4 of block c/16. Zeros fill
// rows and the last block.
type DWFilter struct {
	Kernel, Channels int
	blocks           []int8
}

// PackDW packs w, a (channels, 1, kernel, kernel) tensor.
func PackDW(w []int8, kernel, channels int) *DWFilter {
	f := &DWFilter{Kernel: kernel, Channels: channels}
	f.blocks = make([]int8, ceilDiv(channels, panelCols)*f.blockLen())
	w = w[:channels*kernel*kernel]
	for c := range channels {
		for i := range kernel {
			for j := range kernel {
				f.blocks[f.index(c, i, j)] = w[(c*kernel+i)*kernel+j]
			}
		}
	}
	return f
}

// blockLen returns the length of a block.
func (f *DWFilter) blockLen() int { return f.Kernel * ceilDiv(f.Kernel, quad) * panelCols * quad }

func (f *DWFilter) index(c, i, j int) int {
	row := i*ceilDiv(f.Kernel, quad) + j/quad
	return c/panelCols*f.blockLen() + row*panelCols*quad + c%panelCols*quad + j%quad
}

// FoldZero subtracts from the bias of each channel what the zero point of the
// inputs adds to its sum.
func (f *DWFilter) FoldZero(bias []int32, zero uint8) {
	bias = bias[:f.Channels]
	for c := range bias {
		sum := int32(0)
		for i := range f.Kernel {
			for j := range f.Kernel {
				sum += int32(f.blocks[f.index(c, i, j)])
			}
		}
		bias[c] -= int32(zero) * sum
	}
}

// Range returns the filter of the channels [from, to) of f, which shares its
// memory. from is a multiple of 16.
func (f *DWFilter) Range(from, to int) DWFilter {
	return DWFilter{Kernel: f.Kernel, Channels: to - from, blocks: f.blocks[from/panelCols*f.blockLen():]}
}

// Depthwise computes output rows [from, to) of a depthwise convolution, whose
// image is surrounded by zero, a code. scratch has at least DepthwiseScratch
// elements. dst must not overlap src.
func Depthwise(dst, src []uint8, w *DWFilter, g *kernel.DW, zero uint8, ep *Epilogue, from, to int, scratch []uint8) {
	if g.Kernel < 1 || g.Stride < 1 || g.Dilation < 1 || w.Kernel != g.Kernel || w.Channels < g.Channels {
		panic("q8: depthwise filter does not fit its geometry")
	}
	if from < 0 || from > to || to > g.OutH {
		panic("q8: depthwise rows outside the image")
	}
	need("depthwise output", dst, g.OutH*g.OutW, g.DstStride, g.Channels)
	needSource("depthwise input", src, g.H*g.W, g.SrcStride, g.Channels)
	need("depthwise scratch", scratch, 1, 0, DepthwiseScratch(g))
	ep.check(g.OutH*g.OutW, g.Channels)
	depthwiseGeneric(dst, src, w, g, zero, ep, from, to)
}

// DepthwiseScratch returns the length of scratch that Depthwise needs.
func DepthwiseScratch(*kernel.DW) int { return 0 }

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
			w := f.blocks[f.index(c0, i, j):]
			if iy < 0 || iy >= g.H || ix < 0 || ix >= g.W {
				for c := range sums {
					sums[c] += int32(zero) * int32(w[c*quad])
				}
				continue
			}
			in := src[(iy*g.W+ix)*g.SrcStride+c0:][:len(sums)]
			for c, v := range in {
				sums[c] += int32(v) * int32(w[c*quad])
			}
		}
	}
}
