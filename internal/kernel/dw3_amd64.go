//go:build !purego

package kernel

import (
	"math"

	"github.com/mixnet-go/mixnet/internal/cpu"
)

// 3×3 windows have little arithmetic for each pixel they read. Their own loops
// walk along two output rows at a time with all nine taps in registers, and
// load each pixel of the four or five input rows once.

// dw3Strip is one or two output rows. Offsets are in bytes.
type dw3Strip struct {
	dst [2]int
	src [5]int // of the input rows, -1 for those outside the image
	_   int
}

// dw3Args is what the assembly reads beside the tensors.
type dw3Args struct {
	srcPix, dstPix int // bytes between pixels
	count          int // of output pixels but one
	first, last    int // whether the first and last window have their left and right column inside, at stride 2
	lanes          int // channels of a tail
	low, high      [16]float32
}

// Narrow images are walked through too soon for it to pay, and the rows of wide
// ones do not fit the first-level cache.
const dw3Least, dw3Most = 12, 64

// dw3Strips is the most strips that are computed for all channels before the
// next.
const dw3Strips = 16

// dw3Zeros stands for pixels outside the image.
var dw3Zeros [16]float32

// dw3Fits tells whether the loops for 3×3 windows can compute g.
func dw3Fits(g *DW, act Act) bool {
	if g.Kernel != 3 || g.Dilation != 1 || act > ReLU6 || g.Channels%8 != 0 || g.OutW < dw3Least || g.W > dw3Most {
		return false
	}
	switch g.Stride {
	case 1:
		return g.PadLeft == 1 && g.OutW == g.W
	case 2:
		center := 2*(g.OutW-1) + 1 - g.PadLeft // column in the middle of the last window
		return (g.PadLeft == 0 || g.PadLeft == 1) && center < g.W
	}
	return false
}

// depthwise3 is Depthwise for a geometry that dw3Fits.
func depthwise3(level cpu.Level, dst, src []float32, w *DWFilter, g *DW, bias []float32, act Act, from, to int, sums []float32) {
	var strips [dw3Strips]dw3Strip
	a := dw3Args{srcPix: 4 * g.SrcStride, dstPix: 4 * g.DstStride, count: g.OutW - 1}
	if g.Stride == 2 {
		if g.PadLeft == 0 {
			a.first = 1
		}
		if 2*(g.OutW-1)+2-g.PadLeft < g.W {
			a.last = 1
		}
	}
	low, high := float32(math.Inf(-1)), float32(math.Inf(1))
	if act != Identity {
		low = 0
	}
	if act == ReLU6 {
		high = 6
	}
	for i := range a.low {
		a.low[i], a.high[i] = low, high
	}
	lanes := 8
	if level == cpu.AVX512 {
		lanes = 16
	}
	step := 2 * dw3Rows(g)
	for y := from; y < to; y += step {
		pairs, odd := min(step, to-y)/2, min(step, to-y)%2
		for i := range pairs {
			strips[i].set(g, y+2*i, 2)
		}
		if odd > 0 {
			strips[pairs].set(g, y+2*pairs, 1)
		}
		for c, n := 0, 0; c < g.Channels; c += n {
			var b, total [16]float32
			n = min(16, g.Channels-c) // 16 or 8
			if bias != nil {
				copy(b[:n], bias[c:])
			}
			call := dw3Call{level: level, g: g, dst: &dst[c], src: &src[c], w: &w.channel(c)[0], bias: &b[0], args: &a}
			if sums != nil {
				call.sums = &total[0]
			}
			if n > lanes {
				call.halves = 32
			}
			a.lanes = n
			if n < lanes { // one row at a time
				var single [2]dw3Strip
				for i := y; i < min(y+step, to); i++ {
					single[0].set(g, i, 1)
					call.tail(&single[0].dst[0], 1)
				}
			} else {
				if pairs > 0 {
					call.rows(&strips[0].dst[0], pairs, 2)
				}
				if odd > 0 {
					call.rows(&strips[pairs].dst[0], 1, 1)
				}
			}
			if sums != nil {
				for i, v := range total[:n] {
					sums[c+i] += v
				}
			}
		}
	}
}

// dw3Rows returns how many pairs of output rows to compute for all channels
// before the next, so that their input stays in the second-level cache.
func dw3Rows(g *DW) int {
	const cache = 192 << 10
	line := 4 * g.W * g.Channels * g.Stride
	return max(1, min(dw3Strips-1, (cache/line-1)/2))
}

// set describes a strip from output row y on.
func (s *dw3Strip) set(g *DW, y, rows int) {
	for r := range rows {
		s.dst[r] = 4 * (y + r) * g.OutW * g.DstStride
	}
	for i := range s.src {
		iy := y*g.Stride - g.PadTop + i
		s.src[i] = -1
		if iy >= 0 && iy < g.H {
			s.src[i] = 4 * iy * g.W * g.SrcStride
		}
	}
}

// dw3Call is what calls of the assembly for a vector of channels have in common.
type dw3Call struct {
	level                   cpu.Level
	g                       *DW
	dst, src, w, bias, sums *float32
	args                    *dw3Args
	halves                  int // 32 where two vectors make a block of channels, otherwise 0
}

func (c *dw3Call) rows(strips *int, n, rows int) {
	a := &c.args.srcPix
	switch wide := c.level == cpu.AVX512; {
	case wide && c.g.Stride == 1 && rows == 2:
		dw3s1r2AVX512(c.dst, c.src, &dw3Zeros[0], c.w, c.bias, c.sums, strips, n, c.halves, a)
	case wide && c.g.Stride == 1:
		dw3s1r1AVX512(c.dst, c.src, &dw3Zeros[0], c.w, c.bias, c.sums, strips, n, c.halves, a)
	case wide && rows == 2:
		dw3s2r2AVX512(c.dst, c.src, &dw3Zeros[0], c.w, c.bias, c.sums, strips, n, c.halves, a)
	case wide:
		dw3s2r1AVX512(c.dst, c.src, &dw3Zeros[0], c.w, c.bias, c.sums, strips, n, c.halves, a)
	case c.g.Stride == 1 && rows == 2:
		dw3s1r2AVX2(c.dst, c.src, &dw3Zeros[0], c.w, c.bias, c.sums, strips, n, c.halves, a)
	case c.g.Stride == 1:
		dw3s1r1AVX2(c.dst, c.src, &dw3Zeros[0], c.w, c.bias, c.sums, strips, n, c.halves, a)
	case rows == 2:
		dw3s2r2AVX2(c.dst, c.src, &dw3Zeros[0], c.w, c.bias, c.sums, strips, n, c.halves, a)
	default:
		dw3s2r1AVX2(c.dst, c.src, &dw3Zeros[0], c.w, c.bias, c.sums, strips, n, c.halves, a)
	}
}

// tail is rows for half a vector of AVX-512 and one row at a time.
func (c *dw3Call) tail(strips *int, n int) {
	a := &c.args.srcPix
	if c.g.Stride == 1 {
		dw3s1tailAVX512(c.dst, c.src, &dw3Zeros[0], c.w, c.bias, c.sums, strips, n, c.halves, a)
	} else {
		dw3s2tailAVX512(c.dst, c.src, &dw3Zeros[0], c.w, c.bias, c.sums, strips, n, c.halves, a)
	}
}
