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

// inside returns the rows, or columns, of the input in the window of output
// row, or column, i, of size input ones after pad of padding.
func (s *PoolShape) inside(i, pad, size int) (from, to int) {
	from = i*s.Stride - pad
	return max(from, 0), min(from+s.K, size)
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
	s.each(dst, src, y0, y1, func(int) float32 { return 0 }, true)
}

// MeanPool computes output rows [y0, y1) of the mean over windows, each
// divided by the number of its pixels inside the image, or by K² if countPad.
// A window outside the image gives zero.
func MeanPool(dst, src []float32, s *PoolShape, countPad bool, y0, y1 int) {
	s.check(dst, src, y0, y1)
	scale := func(pixels int) float32 {
		if countPad {
			pixels = s.K * s.K
		}
		return 1 / float32(pixels)
	}
	s.each(dst, src, y0, y1, scale, false)
}

// each computes output rows [y0, y1): maxima, or sums multiplied by the scale
// for their number of pixels.
func (s *PoolShape) each(dst, src []float32, y0, y1 int, scale func(pixels int) float32, maximum bool) {
	for y := y0; y < y1; y++ {
		top, bottom := s.inside(y, s.Top, s.H)
		for x, n := 0, 0; x < s.OutW; x += n {
			left, right := s.inside(x, s.Left, s.W)
			n = 1
			out := dst[(y*s.OutW+x)*s.DstStride:]
			if top >= bottom || left >= right {
				clear(out[:s.C])
				continue
			}
			n = s.alike(x)
			w := poolWindows{
				rows: bottom - top, cols: right - left, n: n, maximum: maximum,
				scale: scale((bottom - top) * (right - left)),
			}
			w.pool(out, src[(top*s.W+left)*s.SrcStride:], s)
		}
	}
}

// alike returns the number of output columns from x on whose windows are of
// equal size, one stride apart.
func (s *PoolShape) alike(x int) int {
	if x*s.Stride < s.Left || s.W+s.Left < s.K {
		return 1
	}
	last := min((s.W-s.K+s.Left)/s.Stride, s.OutW-1) // whose window ends inside
	return max(1, last-x+1)
}

// poolWindows is a number of windows in a row that are rows×cols pixels inside
// the image.
type poolWindows struct {
	rows, cols, n int
	maximum       bool
	scale         float32 // of a sum
}

// pool computes the windows of which the first starts at src.
func (w *poolWindows) pool(dst, src []float32, s *PoolShape) {
	if s.C == 0 || poolAsm(dst, src, s, w) {
		return
	}
	for i := range w.n {
		out := dst[i*s.DstStride:][:s.C]
		clear(out)
		if first := src[i*s.Stride*s.SrcStride:]; w.maximum {
			copy(out, first)
		}
		for y := range w.rows {
			for x := range w.cols {
				in := src[(i*s.Stride+y*s.W+x)*s.SrcStride:]
				if w.maximum {
					MaxVec(out, out, in)
				} else {
					addVecGeneric(out, out, in)
				}
			}
		}
		if !w.maximum {
			ScaleVec(out, out, w.scale)
		}
	}
}
