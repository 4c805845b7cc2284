package jpeg

import "encoding/binary"

func putUint64(b []uint8, v uint64) { binary.LittleEndian.PutUint64(b, v) }

// spread makes RGB of grey.
func spread(dst, row []uint8) {
	for _, v := range row {
		dst[0], dst[1], dst[2] = v, v, v
		dst = dst[3:]
	}
}

// grey makes grey of RGB with Pillow's weights.
func grey(dst, rgb []uint8) {
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

// fromYCC converts with libjpeg's 16-bit factors of JFIF's equations.
func fromYCC(dst []uint8, rows *[4][]uint8) {
	ys := rows[0]
	cbs, crs := rows[1][:len(ys)], rows[2][:len(ys)]
	for i, y := range ys {
		r, g, b := rgb(int32(y), int32(cbs[i])-128, int32(crs[i])-128)
		d := dst[3*i : 3*i+3]
		d[0], d[1], d[2] = r, g, b
	}
}

func rgb(y, cb, cr int32) (r, g, b uint8) {
	const half = 1 << 15
	return clamp(y + (cr*91881+half)>>16),
		clamp(y + (-cb*22554-cr*46802+half)>>16),
		clamp(y + (cb*116130+half)>>16)
}

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
		r, g, b := rgb(int32(y[i]), int32(cb[i])-128, int32(cr[i])-128)
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
