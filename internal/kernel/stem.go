package kernel

// ConvShape is the geometry of a dense convolution on one NHWC image.
type ConvShape struct {
	H, W       int // input rows and columns
	C          int // input channels that the convolution reads
	Pixel      int // distance between input pixels in elements, at least C
	K          int // rows and columns of the window
	Stride     int
	Dilation   int // distance between window positions, 1 for a plain window
	Top, Left  int // padding before the first row and column
	OutH, OutW int // output rows and columns
}

// convPixels is how many output pixels are gathered at a time.
const convPixels = 48

// ConvScratch returns the length of scratch that Conv and ConvBytes need.
func (s *ConvShape) ConvScratch() int { return min(convPixels, s.OutW*s.OutH) * s.K * s.K * s.C }

// PackConv packs the weights of a dense convolution, (out, in, k, k) in
// PyTorch's order, for Conv.
func PackConv[T Float](w []T, out, in, k int) *MatrixOf[T] {
	m := NewMatrix[T](out, in*k*k)
	w = w[:out*in*k*k]
	for n := range out {
		p := m.panel(n / panelCols)[n%panelCols:]
		for c := range in {
			for t := range k * k {
				p[(t*in+c)*panelCols] = w[(n*in+c)*k*k+t]
			}
		}
	}
	return m
}

// Conv computes the output rows [y0, y1) of a dense convolution. dst starts
// at row y0 and has pixels dstStride apart; ep.Add likewise. w comes from
// PackConv, and scratch has at least s.ConvScratch elements.
func Conv[T Float](dst []T, dstStride int, src []T, s *ConvShape, y0, y1 int, w *MatrixOf[T], ep *EpilogueOf[T], scratch []T) {
	convGather(dst, dstStride, src, s, y0, y1, w, ep, scratch, nil)
}

// ConvBytes is Conv on an image of bytes, with a value for the padding of
// each channel, length s.C. With a normalisation (x-mean)/std folded into the
// weights by FoldNormalisation, the padding is the mean.
func ConvBytes(dst []float32, dstStride int, src []uint8, s *ConvShape, pad []float32, y0, y1 int, w *Matrix, ep *Epilogue, scratch []float32) {
	convGather(dst, dstStride, src, s, y0, y1, w, ep, scratch, pad[:s.C])
}

// FoldNormalisation changes the weights (out, in, k, k) and the bias, length
// out, of a convolution on (x-mean)/std, so that on x it gives the same. mean
// and std have a value for each input channel, in the units of x.
func FoldNormalisation[T Float](w, bias []T, in int, mean, std []T) {
	perOut := len(w) / len(bias)
	taps := perOut / in
	for n := range bias {
		for c := range in {
			for t := range taps {
				i := n*perOut + c*taps + t
				w[i] /= std[c]
				bias[n] -= w[i] * mean[c]
			}
		}
	}
}

// convGather collects the window of each output pixel into a row of scratch
// and multiplies. pad is what lies outside the image, nil for zeros.
func convGather[T Float, S Float | ~uint8](dst []T, dstStride int, src []S, s *ConvShape, y0, y1 int, w *MatrixOf[T], ep *EpilogueOf[T], scratch []T, pad []T) {
	if ep == nil {
		ep = &EpilogueOf[T]{}
	}
	need("image", src, s.H*s.W, s.Pixel, s.C)
	need("scratch", scratch, 1, 0, s.ConvScratch())
	e := *ep
	chunk := min(convPixels, s.OutW*s.OutH)
	for p := y0 * s.OutW; p < y1*s.OutW; p += chunk {
		n := min(chunk, y1*s.OutW-p)
		for i := range n {
			gatherWindow(scratch[i*w.K:][:w.K], src, s, (p+i)/s.OutW, (p+i)%s.OutW, pad)
		}
		at := p - y0*s.OutW
		if ep.Add != nil {
			e.Add = ep.Add[at*ep.AddStride:]
		}
		Pointwise(dst[at*dstStride:], dstStride, scratch, w.K, n, w, &e)
	}
}

// gatherWindow copies the window of output pixel (y, x) to row, in the order
// of PackConv.
func gatherWindow[T Float, S Float | ~uint8](row []T, src []S, s *ConvShape, y, x int, pad []T) {
	for ky := range s.K {
		iy := y*s.Stride - s.Top + ky*s.Dilation
		for kx := range s.K {
			ix := x*s.Stride - s.Left + kx*s.Dilation
			d := row[:s.C]
			row = row[s.C:]
			if iy < 0 || iy >= s.H || ix < 0 || ix >= s.W {
				if pad == nil {
					clear(d)
				} else {
					copy(d, pad)
				}
				continue
			}
			for c, v := range src[(iy*s.W+ix)*s.Pixel:][:s.C] {
				d[c] = T(v)
			}
		}
	}
}
