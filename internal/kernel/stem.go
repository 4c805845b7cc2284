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

// PackConv packs the weights of a dense convolution, (out, in, k, k) in
// PyTorch's order, for Conv: input (kx·k+ky)·in+c of the matrix is the weight
// of channel c at row ky and column kx of the window.
func PackConv[T Float](w []T, out, in, k int) *MatrixOf[T] {
	m := NewMatrix[T](out, in*k*k)
	w = w[:out*in*k*k]
	for n := range out {
		p := m.panel(n / panelCols)[n%panelCols:]
		for c := range in {
			for ky := range k {
				for kx := range k {
					p[((kx*k+ky)*in+c)*panelCols] = w[((n*in+c)*k+ky)*k+kx]
				}
			}
		}
	}
	return m
}

// FoldNormalization changes the weights (out, in, k, k) and the bias, length
// out, of a convolution on (x-mean)/std, so that on x it gives the same. mean
// and std have a value for each input channel, in the units of x.
func FoldNormalization[T Float](w, bias []T, in int, mean, std []T) {
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

// Conv computes the output rows [y0, y1) of a dense convolution. dst starts
// at row y0 and has pixels dstStride apart; ep.Add likewise. w comes from
// PackConv, and scratch has at least s.ConvScratch elements.
func Conv[T Float](dst []T, dstStride int, src []T, s *ConvShape, y0, y1 int, w *MatrixOf[T], ep *EpilogueOf[T], scratch []T) {
	conv(dst, dstStride, src, s, y0, y1, w, ep, scratch, nil)
}

// ConvBytes is Conv on an image of bytes, with a value for the padding of
// each channel, length s.C. With a normalisation (x-mean)/std folded into the
// weights by FoldNormalization, the padding is the mean.
func ConvBytes(dst []float32, dstStride int, src []uint8, s *ConvShape, pad []float32, y0, y1 int, w *Matrix, ep *Epilogue, scratch []float32) {
	conv(dst, dstStride, src, s, y0, y1, w, ep, scratch, pad[:s.C])
}

// ConvScratch returns the length of scratch that Conv and ConvBytes need.
func (s *ConvShape) ConvScratch() int {
	if s.banded() {
		return s.bandCols() * s.K * s.C
	}
	return min(gatherMost, s.OutH*s.OutW) * s.gatherStride()
}

// gatherStride returns the distance between gathered windows: not a multiple
// of 512 bytes, at which windows compete for few places of a cache.
func (s *ConvShape) gatherStride() int {
	n := s.K * s.K * s.C
	if n%128 == 0 {
		n += 16
	}
	return n
}

// minBand is how many output columns make a band worthwhile, and gatherPixels
// how many output pixels are gathered otherwise: enough for a pass over the
// weights. gatherMost are gathered rather than leave a few for another pass.
const minBand, gatherPixels, gatherMost = 24, 48, 72

// banded tells which of two ways to lay out the windows is taken.
//
// A band has, for each input column, the values of all rows of the window.
// The window of an output pixel is then a run of the band, and those of its
// neighbours overlap it: each input value is copied K times. Narrow images,
// whose rows are too short a product, and windows with holes are gathered
// pixel by pixel, which copies each value up to K² times.
func (s *ConvShape) banded() bool { return s.Dilation == 1 && s.OutW >= minBand }

// single tells whether every window is one pixel of the image.
func (s *ConvShape) single() bool {
	return s.K == 1 && s.Top == 0 && s.Left == 0 && (s.OutH-1)*s.Stride < s.H && (s.OutW-1)*s.Stride < s.W
}

// bandCols returns the columns of a band.
func (s *ConvShape) bandCols() int { return (s.OutW-1)*s.Stride + s.K }

// conv is Conv for either type of image. pad is what lies outside of it, nil
// for zeros.
func conv[T Float, S Float | ~uint8](dst []T, dstStride int, src []S, s *ConvShape, y0, y1 int, w *MatrixOf[T], ep *EpilogueOf[T], scratch, pad []T) {
	var e EpilogueOf[T]
	if ep != nil {
		e = *ep
	}
	need("image", src, s.H*s.W, s.Pixel, s.C)
	need("scratch", scratch, 1, 0, s.ConvScratch())
	pixels, stride := s.OutW, s.Stride*s.K*s.C
	inPlace, ok := any(src).([]T)
	if !ok || !s.banded() || !s.single() {
		inPlace = nil
	}
	if !s.banded() {
		stride = s.gatherStride()
	}
	for p := y0 * s.OutW; p < y1*s.OutW; p += pixels {
		if !s.banded() {
			if pixels = y1*s.OutW - p; pixels > gatherMost {
				pixels = gatherPixels
			}
		}
		rows := scratch
		if inPlace != nil {
			rows, stride = inPlace[p/s.OutW*s.Stride*s.W*s.Pixel:], s.Stride*s.Pixel
		} else if s.banded() {
			fillBand(scratch, src, s, p/s.OutW, pad)
		} else {
			for i := range pixels {
				gatherWindow(scratch[i*stride:][:w.K], src, s, (p+i)/s.OutW, (p+i)%s.OutW, pad)
			}
		}
		at := p - y0*s.OutW
		if ep != nil && ep.Add != nil {
			e.Add = ep.Add[at*ep.AddStride:]
		}
		Pointwise(dst[at*dstStride:], dstStride, rows, stride, pixels, w, &e)
	}
}

// fillBand lays out the windows of output row y.
func fillBand[T Float, S Float | ~uint8](band []T, src []S, s *ConvShape, y int, pad []T) {
	cols, step := s.bandCols(), s.K*s.C
	from, to := min(s.Left, cols), min(s.Left+s.W, cols) // columns inside the image
	top := y*s.Stride - s.Top
	done := 0 // columns of all rows together
	if s.K == 3 && s.C == 3 && s.Pixel == 3 && top >= 0 && top+s.K <= s.H {
		done = fillRGB(band[from*step:], src[top*s.W*3:], s.W*3, to-from)
	}
	for ky := range s.K {
		b := band[ky*s.C:]
		if top+ky < 0 || top+ky >= s.H {
			for x := range cols {
				fillPad(b[x*step:][:s.C], pad)
			}
			continue
		}
		for x := range from {
			fillPad(b[x*step:][:s.C], pad)
		}
		if first := from + done; first < to {
			fillPixels(b[first*step:], step, src[((top+ky)*s.W+first-s.Left)*s.Pixel:], s, to-first)
		}
		for x := to; x < cols; x++ {
			fillPad(b[x*step:][:s.C], pad)
		}
	}
}

// fillPixels copies n pixels to places step apart.
func fillPixels[T Float, S Float | ~uint8](band []T, step int, src []S, s *ConvShape, n int) {
	if s.C == 3 { // an image: no inner loop
		for x := range n {
			d, v := band[x*step:][:3], src[x*s.Pixel:][:3]
			d[0], d[1], d[2] = T(v[0]), T(v[1]), T(v[2])
		}
		return
	}
	if s.C == 1 {
		for x := range n {
			band[x*step] = T(src[x*s.Pixel])
		}
		return
	}
	for x := range n {
		d := band[x*step:][:s.C]
		for c, v := range src[x*s.Pixel:][:s.C] {
			d[c] = T(v)
		}
	}
}

// gatherWindow copies the window of output pixel (y, x) to row.
func gatherWindow[T Float, S Float | ~uint8](row []T, src []S, s *ConvShape, y, x int, pad []T) {
	for kx := range s.K {
		ix := x*s.Stride - s.Left + kx*s.Dilation
		for ky := range s.K {
			iy := y*s.Stride - s.Top + ky*s.Dilation
			d := row[:s.C]
			row = row[s.C:]
			if iy < 0 || iy >= s.H || ix < 0 || ix >= s.W {
				fillPad(d, pad)
				continue
			}
			if same, ok := any(src).([]T); ok {
				copy(d, same[(iy*s.W+ix)*s.Pixel:])
				continue
			}
			for c, v := range src[(iy*s.W+ix)*s.Pixel:][:s.C] {
				d[c] = T(v)
			}
		}
	}
}

// fillPad sets d to pad, or to zeros if it is nil.
func fillPad[T Float](d, pad []T) {
	if pad == nil {
		clear(d)
		return
	}
	copy(d, pad)
}
