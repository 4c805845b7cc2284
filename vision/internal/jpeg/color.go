package jpeg

import "github.com/mixnet-go/mixnet/vision/internal/pixel"

// spread makes RGB of grey.
func spread(dst, row []uint8) {
	for _, v := range row {
		dst[0], dst[1], dst[2] = v, v, v
		dst = dst[3:]
	}
}

// gray makes grey of RGB with Pillow's weights.
func gray(dst, rgb []uint8) {
	for i := range dst {
		dst[i] = uint8((uint32(rgb[0])*19595 + uint32(rgb[1])*38470 + uint32(rgb[2])*7471 + 1<<15) >> 16)
		rgb = rgb[3:]
	}
}

func fromRGB(dst []uint8, rows *[4][]uint8) {
	r, g, b := rows[0], rows[1], rows[2]
	for i := range r {
		dst[0], dst[1], dst[2] = r[i], g[i], b[i]
		dst = dst[3:]
	}
}

func fromYCC(dst []uint8, rows *[4][]uint8) { pixel.YCC(dst, rows[0], rows[1], rows[2]) }

// fromCMYK converts inks that are stored inverted, as Adobe and so all do.
func fromCMYK(dst []uint8, rows *[4][]uint8) {
	c, m, y, k := rows[0], rows[1], rows[2], rows[3]
	for i := range c {
		dst[0], dst[1], dst[2] = ink(c[i], k[i]), ink(m[i], k[i]), ink(y[i], k[i])
		dst = dst[3:]
	}
}

// fromYCCK converts YCbCr of inverted inks, and black.
func fromYCCK(dst []uint8, rows *[4][]uint8) {
	y, cb, cr, k := rows[0], rows[1], rows[2], rows[3]
	for i := range y {
		r, g, b := pixel.RGB(y[i], cb[i], cr[i])
		dst[0], dst[1], dst[2] = ink(255-r, k[i]), ink(255-g, k[i]), ink(255-b, k[i])
		dst = dst[3:]
	}
}

// ink returns what is left of the light after an inverted ink and inverted
// black, by Pillow's rounding.
func ink(inverted, black uint8) uint8 {
	t := uint32(255-inverted)*uint32(black) + 128
	return uint8(max(int32(black)-int32((t>>8+t)>>8), 0))
}
