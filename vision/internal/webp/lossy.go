package webp

import "image"

// lossy converts the planes of a lossy frame as libwebp does: chroma is
// interpolated between its four neighbours, and luma runs from 16 to 235.
type lossy struct {
	planes *image.YCbCr
	u, v   []uint8 // chroma of a row
}

func newLossy(m *image.YCbCr) *lossy {
	w := m.Rect.Dx()
	return &lossy{m, make([]uint8, w), make([]uint8, w)}
}

// row writes row y to rgb.
func (l *lossy) row(rgb []uint8, y int) {
	m := l.planes
	last := (m.Rect.Dy()+1)/2 - 1
	// Row y lies a quarter of a chroma row from near, three from far.
	near := y / 2
	far := min(max(near-1+2*(y&1), 0), last)
	upsample(l.u, m.Cb[near*m.CStride:], m.Cb[far*m.CStride:])
	upsample(l.v, m.Cr[near*m.CStride:], m.Cr[far*m.CStride:])
	for x, luma := range m.Y[y*m.YStride:][:len(l.u)] {
		rgb[3*x], rgb[3*x+1], rgb[3*x+2] = toRGB(int(luma), int(l.u[x]), int(l.v[x]))
	}
}

// upsample fills a row of chroma from its near and its far row, weighed 9,
// 3, 3 and 1 with libwebp's two roundings.
func upsample(dst, near, far []uint8) {
	end := len(dst) - 1
	dst[0] = uint8((3*uint(near[0]) + uint(far[0]) + 2) >> 2)
	for x := 1; x < end; x += 2 {
		i := x / 2
		nl, nr, fl, fr := uint(near[i]), uint(near[i+1]), uint(far[i]), uint(far[i+1])
		sum := nl + nr + fl + fr + 8
		dst[x] = uint8(((sum+2*(nr+fl))>>3 + nl) >> 1)
		dst[x+1] = uint8(((sum+2*(nl+fr))>>3 + nr) >> 1)
	}
	if end&1 == 1 {
		dst[end] = uint8((3*uint(near[end/2]) + uint(far[end/2]) + 2) >> 2)
	}
}

// toRGB converts one pixel with libwebp's 14-bit factors.
func toRGB(y, u, v int) (r, g, b uint8) {
	l := y * 19077 >> 8
	return clip(l + v*26149>>8 - 14234),
		clip(l - u*6419>>8 - v*13320>>8 + 8708),
		clip(l + u*33050>>8 - 17685)
}

func clip(v int) uint8 { return uint8(min(max(v>>6, 0), 255)) }
