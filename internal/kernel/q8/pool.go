package q8

import (
	"math"

	"github.com/mixnet-go/mixnet/internal/kernel"
)

// MaxPool computes output rows [y0, y1) of the maximum over windows. Padding
// does not take part; a window that holds nothing else gives zero, a code.
func MaxPool(dst, src []uint8, s *kernel.PoolShape, zero uint8, y0, y1 int) {
	checkPool(dst, src, s, y0, y1)
	for y := y0; y < y1; y++ {
		out := dst[y*s.OutW*s.DstStride:]
		top, bottom := inside(y*s.Stride-s.Top, s.K, s.H)
		for x := range s.OutW {
			left, right := inside(x*s.Stride-s.Left, s.K, s.W)
			fill := uint8(0)
			if top >= bottom || left >= right {
				fill = zero
			}
			pixel := out[x*s.DstStride:][:s.C]
			for c := range pixel {
				pixel[c] = fill
			}
		}
		for iy := top; iy < bottom; iy++ {
			for kx := range s.K {
				first, end := reading(s, kx)
				if first < end {
					in := src[(iy*s.W+first*s.Stride-s.Left+kx)*s.SrcStride:]
					maxRows(out[first*s.DstStride:], s.DstStride, in, s.Stride*s.SrcStride, s.C, end-first)
				}
			}
		}
	}
}

// reading returns the range of output columns whose windows' column kx lies inside
// the image.
func reading(s *kernel.PoolShape, kx int) (first, end int) {
	first = ceilDiv(max(s.Left-kx, 0), s.Stride)
	last := s.W - 1 + s.Left - kx
	if last < 0 {
		return 0, 0
	}
	return first, min(s.OutW, last/s.Stride+1)
}

// maxRows raises rows of n codes of dst to those of src.
func maxRows(dst []uint8, dstStride int, src []uint8, srcStride, n, rows int) {
	done := maxRowsAsm(dst, dstStride, src, srcStride, n, rows)
	if done == n {
		return
	}
	for r := range rows {
		d, x := dst[r*dstStride:][done:n], src[r*srcStride:][done:n]
		for i, q := range x {
			d[i] = max(d[i], q)
		}
	}
}

// MeanPool computes output rows [y0, y1) of the mean over windows, rounded to
// the nearest code, ties to even, over the pixels inside the image or, if
// countPad, as if zero surrounded it.
func MeanPool(dst, src []uint8, s *kernel.PoolShape, zero uint8, countPad bool, y0, y1 int) {
	checkPool(dst, src, s, y0, y1)
	for p := y0 * s.OutW; p < y1*s.OutW; p++ {
		top, bottom := inside(p/s.OutW*s.Stride-s.Top, s.K, s.H)
		left, right := inside(p%s.OutW*s.Stride-s.Left, s.K, s.W)
		pixels := max(bottom-top, 0) * max(right-left, 0)
		out := dst[p*s.DstStride:][:s.C]
		for c := range out {
			sum, n := 0, pixels
			for y := top; y < bottom; y++ {
				for x := left; x < right; x++ {
					sum += int(src[(y*s.W+x)*s.SrcStride+c])
				}
			}
			if countPad || n == 0 {
				sum, n = sum+int(zero)*(s.K*s.K-n), s.K*s.K
			}
			out[c] = uint8(math.RoundToEven(float64(sum) / float64(n)))
		}
	}
}

func checkPool(dst, src []uint8, s *kernel.PoolShape, y0, y1 int) {
	if y0 < 0 || y0 > y1 || y1 > s.OutH {
		panic("q8: pool rows outside the image")
	}
	need("pool output", dst, s.OutH*s.OutW, s.DstStride, s.C)
	need("pool input", src, s.H*s.W, s.SrcStride, s.C)
}

// inside returns the part inside [0, size) of n pixels from first on.
func inside(first, n, size int) (from, to int) { return max(first, 0), min(first+n, size) }
