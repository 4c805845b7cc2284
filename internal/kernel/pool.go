package kernel

// PoolShape is the geometry of a pool over the windows of one NHWC image.
type PoolShape struct {
	H, W                 int // input rows and columns
	C                    int // channels
	SrcStride, DstStride int // distance between pixels in elements
	K, Stride            int // rows and columns of the window, and its step
	Top, Left            int // padding before the first row and column
	OutH, OutW           int // output rows and columns
}

// window returns the rows and columns of the input under output pixel (y, x).
func (s *PoolShape) window(y, x int) (y0, y1, x0, x1 int) {
	y0, x0 = y*s.Stride-s.Top, x*s.Stride-s.Left
	y1, x1 = min(y0+s.K, s.H), min(x0+s.K, s.W)
	return max(y0, 0), y1, max(x0, 0), x1
}

func (s *PoolShape) check(dst, src []float32, y0, y1 int) {
	if y0 < 0 || y0 > y1 || y1 > s.OutH {
		panic("kernel: pool rows outside the image")
	}
	need("pool output", dst, s.OutH*s.OutW, s.DstStride, s.C)
	need("pool input", src, s.H*s.W, s.SrcStride, s.C)
}

// MaxPool computes output rows [y0, y1) of the maximum over windows. Padding
// does not take part; a window that holds nothing else gives zero.
func MaxPool(dst, src []float32, s *PoolShape, y0, y1 int) {
	s.check(dst, src, y0, y1)
	for y := y0; y < y1; y++ {
		for x := range s.OutW {
			out := dst[(y*s.OutW+x)*s.DstStride:][:s.C]
			wy0, wy1, wx0, wx1 := s.window(y, x)
			if wy0 >= wy1 || wx0 >= wx1 {
				clear(out)
				continue
			}
			copy(out, src[(wy0*s.W+wx0)*s.SrcStride:])
			for iy := wy0; iy < wy1; iy++ {
				for ix := wx0; ix < wx1; ix++ {
					MaxVec(out, out, src[(iy*s.W+ix)*s.SrcStride:])
				}
			}
		}
	}
}

// MeanPool computes output rows [y0, y1) of the mean over windows, each
// divided by the number of its pixels inside the image, or by K² if countPad.
// A window outside the image gives zero.
func MeanPool(dst, src []float32, s *PoolShape, countPad bool, y0, y1 int) {
	s.check(dst, src, y0, y1)
	for y := y0; y < y1; y++ {
		for x := range s.OutW {
			out := dst[(y*s.OutW+x)*s.DstStride:][:s.C]
			clear(out)
			wy0, wy1, wx0, wx1 := s.window(y, x)
			if wy0 >= wy1 || wx0 >= wx1 {
				continue
			}
			for iy := wy0; iy < wy1; iy++ {
				SumRows(out, src[(iy*s.W+wx0)*s.SrcStride:], s.SrcStride, wx1-wx0)
			}
			n := s.K * s.K
			if !countPad {
				n = (wy1 - wy0) * (wx1 - wx0)
			}
			ScaleVec(out, out, 1/float32(n))
		}
	}
}
