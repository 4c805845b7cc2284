package pixel

// YCC converts a row of YCbCr to RGB with libjpeg's 16-bit factors of JFIF's
// equations: dst has three bytes for each of y, cb and cr.
func YCC(dst, y, cb, cr []uint8) {
	n := len(y)
	dst, cb, cr = dst[:3*n], cb[:n], cr[:n]
	done := yccAsm(dst, y, cb, cr)
	yccGeneric(dst[3*done:], y[done:], cb[done:], cr[done:])
}

// yccGeneric is the spec of YCC.
func yccGeneric(dst, y, cb, cr []uint8) {
	cb, cr = cb[:len(y)], cr[:len(y)]
	for i, l := range y {
		d := dst[3*i : 3*i+3]
		d[0], d[1], d[2] = RGB(l, cb[i], cr[i])
	}
}

// RGB converts one pixel of YCbCr.
func RGB(y, cb, cr uint8) (r, g, b uint8) {
	const half = 1 << 15
	l, u, v := int32(y), int32(cb)-128, int32(cr)-128
	return clamp(l + (v*91881+half)>>16),
		clamp(l + (-u*22554-v*46802+half)>>16),
		clamp(l + (u*116130+half)>>16)
}

// SumRows sets dst to three times near plus far.
func SumRows(dst []uint16, near, far []uint8) {
	near, far = near[:len(dst)], far[:len(dst)]
	done := sumRowsAsm(dst, near, far)
	sumRowsGeneric(dst[done:], near[done:], far[done:])
}

// sumRowsGeneric is the spec of SumRows.
func sumRowsGeneric(dst []uint16, near, far []uint8) {
	near, far = near[:len(dst)], far[:len(dst)]
	for i := range dst {
		dst[i] = 3*uint16(near[i]) + uint16(far[i])
	}
}

// Widen doubles the samples of s but its first and last: each becomes two,
// three parts itself and one part its neighbour on that side, with even or odd
// added before the sum is shifted.
func Widen(dst []uint8, s []uint16, even, odd uint16, shift int) {
	dst = dst[:2*(len(s)-2)]
	done := widenAsm(dst, s, even, odd, shift)
	widenGeneric(dst[2*done:], s[done:], even, odd, shift)
}

// widenGeneric is the spec of Widen.
func widenGeneric(dst []uint8, s []uint16, even, odd uint16, shift int) {
	for i := 0; i+2 < len(s); i++ {
		v := 3 * s[i+1]
		dst[2*i] = uint8((v + s[i] + even) >> shift)
		dst[2*i+1] = uint8((v + s[i+2] + odd) >> shift)
	}
}
