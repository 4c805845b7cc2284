package vision

import "image"

// convertVP8 converts the planes of a lossy WebP as libwebp does: chroma is
// interpolated between its four neighbours, and luma runs from 16 to 235.
func convertVP8(dst *Image, m *image.YCbCr, channels int) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	dst.reset(w, h, channels)
	chroma := make([]uint8, 2*w)
	u, v := chroma[:w], chroma[w:]
	last := (h+1)/2 - 1
	for y := range h {
		// Row y lies a quarter of a chroma row from near, three from far.
		near := y / 2
		far := min(max(near-1+2*(y&1), 0), last)
		upsampleVP8(u, m.Cb[near*m.CStride:], m.Cb[far*m.CStride:])
		upsampleVP8(v, m.Cr[near*m.CStride:], m.Cr[far*m.CStride:])
		out := writer{pix: dst.Pix[y*w*channels:], gray: channels == 1}
		for x, l := range m.Y[y*m.YStride:][:w] {
			out.put(rgbVP8(int(l), int(u[x]), int(v[x])))
		}
	}
}

// upsampleVP8 fills a row of chroma from its near and its far row, weighed 9,
// 3, 3 and 1 with libwebp's two roundings.
func upsampleVP8(dst, near, far []uint8) {
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

// rgbVP8 converts one pixel with libwebp's 14-bit factors.
func rgbVP8(y, u, v int) (r, g, b uint8) {
	l := y * 19077 >> 8
	return clipVP8(l + v*26149>>8 - 14234),
		clipVP8(l - u*6419>>8 - v*13320>>8 + 8708),
		clipVP8(l + u*33050>>8 - 17685)
}

func clipVP8(v int) uint8 { return uint8(min(max(v>>6, 0), 255)) }
