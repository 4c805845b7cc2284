package kernel

// Banded tells whether the windows of s can be laid out by Band, and are
// better that way than one after the other.
func (s *ConvShape) Banded() bool { return s.banded() }

// BandStride returns the distance between the windows of neighbours in a band.
func (s *ConvShape) BandStride() int { return s.Stride * s.K * s.C }

// BandLen returns the length of a band.
func (s *ConvShape) BandLen() int { return s.bandCols() * s.K * s.C }

// Band lays out the windows of output row y of an image: that of output
// column x is dst[x·BandStride:][:K·K·C], with channel c at row ky and column
// kx of the window in place (kx·K+ky)·C+c. Zeros surround the image.
func Band[T Float](dst, src []T, s *ConvShape, y int) {
	need("image", src, s.H*s.W, s.Pixel, s.C)
	need("band", dst, 1, 0, s.BandLen())
	fillBand(dst, src, s, y, nil)
}
