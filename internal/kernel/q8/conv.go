package q8

import "github.com/mixnet-go/mixnet/internal/kernel"

// PackConv packs the weights of a dense convolution, (out, in, k, k) in
// PyTorch's order, for Conv: input (ky·k+kx)·in+c of the matrix is the weight
// of channel c at row ky and column kx of the window.
func PackConv(w []int8, out, in, k int) *Matrix {
	ordered := make([]int8, out*in*k*k)
	for i := range ordered {
		c, kx, ky, n := i%in, i/in%k, i/in/k%k, i/in/k/k
		ordered[i] = w[((n*in+c)*k+ky)*k+kx]
	}
	return PackMatrix(ordered, out, in*k*k)
}

// Conv computes the output rows [y0, y1) of a dense convolution, whose image is
// surrounded by pad, a code for each channel. dst starts at row y0 and has
// pixels dstStride apart; ep.Add likewise. w comes from PackConv, and scratch
// has at least ConvScratch elements.
func Conv(dst []uint8, dstStride int, src []uint8, s *kernel.ConvShape, pad []uint8, y0, y1 int, w *Matrix, ep *Epilogue, scratch []uint8) {
	need("image", src, s.H*s.W, s.Pixel, s.C)
	need("padding", pad, 1, 0, s.C)
	need("scratch", scratch, 1, 0, ConvScratch(s))
	e := *ep
	stride := windowStride(s)
	end := y1 * s.OutW
	for p := y0 * s.OutW; p < end; p += windowsAtOnce {
		n := min(windowsAtOnce, end-p)
		layWindows(scratch, src, s, p, n, pad)
		at := p - y0*s.OutW
		if ep.Add != nil {
			e.Add = ep.Add[at*ep.AddStride:]
		}
		Pointwise(dst[at*dstStride:], dstStride, scratch[:n*stride], stride, n, w, &e)
	}
}

// windowsAtOnce is how many windows are laid out for one product.
const windowsAtOnce = 56

// ConvScratch returns the length of scratch that Conv needs.
func ConvScratch(s *kernel.ConvShape) int { return windowsAtOnce*windowStride(s) + Slack }

// windowStride returns the distance between windows.
func windowStride(s *kernel.ConvShape) int { return ceilDiv(s.K*s.K*s.C, quad) * quad }

// layWindows lays out the windows of n output pixels from p on.
func layWindows(dst, src []uint8, s *kernel.ConvShape, p, n int, pad []uint8) {
	stride, size := windowStride(s), s.K*s.K*s.C
	for n > 0 {
		y, x := p/s.OutW, p%s.OutW
		done := wholeWindows(s, y, x, n)
		if !windowsAsm(dst, src, s, y, x, done) {
			done = 1
			window(dst[:size], src, s, y, x, pad)
		}
		dst, p, n = dst[done*stride:], p+done, n-done
	}
}

// wholeWindows returns how many of n windows from output pixel (y, x) on, in its
// row, lie inside the image.
func wholeWindows(s *kernel.ConvShape, y, x, n int) int {
	top, left := y*s.Stride-s.Top, x*s.Stride-s.Left
	if s.Dilation != 1 || top < 0 || top+s.K > s.H || left < 0 || left+s.K > s.W {
		return 0
	}
	return min(n, s.OutW-x, (s.W-s.K-left)/s.Stride+1)
}

// window copies the window of output pixel (y, x).
func window(dst, src []uint8, s *kernel.ConvShape, y, x int, pad []uint8) {
	left := x*s.Stride - s.Left
	for ky := range s.K {
		iy := y*s.Stride - s.Top + ky*s.Dilation
		d := dst[ky*s.K*s.C:][:s.K*s.C]
		if s.Dilation == 1 && s.Pixel == s.C && iy >= 0 && iy < s.H && left >= 0 && left+s.K <= s.W {
			copy(d, src[(iy*s.W+left)*s.C:])
			continue
		}
		for kx := range s.K {
			ix := left + kx*s.Dilation
			if iy < 0 || iy >= s.H || ix < 0 || ix >= s.W {
				copy(d[kx*s.C:], pad[:s.C])
				continue
			}
			copy(d[kx*s.C:][:s.C], src[(iy*s.W+ix)*s.Pixel:])
		}
	}
}
