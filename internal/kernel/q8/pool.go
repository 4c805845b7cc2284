package q8

import (
	"math"

	"github.com/mixnet-go/mixnet/internal/kernel"
)

// MaxPool computes output rows [y0, y1) of the maximum over windows. Padding
// does not take part; a window that holds nothing else gives zero, a code.
func MaxPool(dst, src []uint8, s *kernel.PoolShape, zero uint8, y0, y1 int) {
	pool(dst, src, s, y0, y1, func(sum, most, pixels int) uint8 {
		if pixels == 0 {
			return zero
		}
		return uint8(most)
	})
}

// MeanPool computes output rows [y0, y1) of the mean over windows, rounded to
// the nearest code, ties to even, over the pixels inside the image or, if
// countPad, as if zero surrounded it.
func MeanPool(dst, src []uint8, s *kernel.PoolShape, zero uint8, countPad bool, y0, y1 int) {
	pool(dst, src, s, y0, y1, func(sum, most, pixels int) uint8 {
		if countPad {
			sum += int(zero) * (s.K*s.K - pixels)
			pixels = s.K * s.K
		}
		if pixels == 0 {
			return zero
		}
		return uint8(math.RoundToEven(float64(sum) / float64(pixels)))
	})
}

// pool sets each code of output rows [y0, y1) to what f makes of the sum and
// the maximum over the pixels inside its window, and of their number.
func pool(dst, src []uint8, s *kernel.PoolShape, y0, y1 int, f func(sum, most, pixels int) uint8) {
	if y0 < 0 || y0 > y1 || y1 > s.OutH {
		panic("q8: pool rows outside the image")
	}
	need("pool output", dst, s.OutH*s.OutW, s.DstStride, s.C)
	need("pool input", src, s.H*s.W, s.SrcStride, s.C)
	for p := y0 * s.OutW; p < y1*s.OutW; p++ {
		top, bottom := inside(p/s.OutW*s.Stride-s.Top, s.K, s.H)
		left, right := inside(p%s.OutW*s.Stride-s.Left, s.K, s.W)
		out := dst[p*s.DstStride:][:s.C]
		for c := range out {
			sum, most, n := 0, 0, 0
			for y := top; y < bottom; y++ {
				for x := left; x < right; x++ {
					q := int(src[(y*s.W+x)*s.SrcStride+c])
					sum, most, n = sum+q, max(most, q), n+1
				}
			}
			out[c] = f(sum, most, n)
		}
	}
}

// inside returns the part inside [0, size) of n pixels from first on.
func inside(first, n, size int) (from, to int) { return max(first, 0), min(first+n, size) }
