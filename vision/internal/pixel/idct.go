package pixel

import "encoding/binary"

// The inverse DCT of Loeffler, Ligtenberg and Moschytz as libjpeg computes it:
// 13-bit factors, columns first, two more bits between the passes.
const (
	constBits = 13
	passBits  = 2

	fix0_298631336 = 2446
	fix0_390180644 = 3196
	fix0_541196100 = 4433
	fix0_765366865 = 6270
	fix0_899976223 = 7373
	fix1_175875602 = 9633
	fix1_501321110 = 12299
	fix1_847759065 = 15137
	fix1_961570560 = 16069
	fix2_053119869 = 16819
	fix2_562915447 = 20995
	fix3_072711026 = 25172
)

// IDCT writes the 8×8 samples of a block of dequantised coefficients, in natural
// order, to dst, whose rows are stride apart.
func IDCT(dst []uint8, stride int, b *[64]int16) {
	dst = dst[:7*stride+8]
	if !idctAsm(dst, stride, b) {
		idctGeneric(dst, stride, b)
	}
}

// idctGeneric is the spec of IDCT.
func idctGeneric(dst []uint8, stride int, b *[64]int16) {
	var ws [64]int32
	for x := range 8 {
		if b[8+x]|b[16+x]|b[24+x]|b[32+x]|b[40+x]|b[48+x]|b[56+x] == 0 {
			dc := int32(b[x]) << passBits
			ws[x], ws[8+x], ws[16+x], ws[24+x] = dc, dc, dc, dc
			ws[32+x], ws[40+x], ws[48+x], ws[56+x] = dc, dc, dc, dc
			continue
		}
		const round, shift = 1 << (constBits - passBits - 1), constBits - passBits
		e0, e1, e2, e3 := evenPart(int32(b[x]), int32(b[16+x]), int32(b[32+x]), int32(b[48+x]))
		o0, o1, o2, o3 := oddPart(int32(b[8+x]), int32(b[24+x]), int32(b[40+x]), int32(b[56+x]))
		e0, e1, e2, e3 = e0+round, e1+round, e2+round, e3+round
		ws[x] = (e0 + o0) >> shift
		ws[8+x] = (e1 + o1) >> shift
		ws[16+x] = (e2 + o2) >> shift
		ws[24+x] = (e3 + o3) >> shift
		ws[32+x] = (e3 - o3) >> shift
		ws[40+x] = (e2 - o2) >> shift
		ws[48+x] = (e1 - o1) >> shift
		ws[56+x] = (e0 - o0) >> shift
	}
	for y := range 8 {
		const round, shift = 1<<(constBits+passBits+2) + 128<<(constBits+passBits+3), constBits + passBits + 3
		w := (*[8]int32)(ws[8*y:])
		d := (*[8]uint8)(dst[y*stride:])
		e0, e1, e2, e3 := evenPart(w[0], w[2], w[4], w[6])
		e0, e1, e2, e3 = e0+round, e1+round, e2+round, e3+round
		o0, o1, o2, o3 := oddPart(w[1], w[3], w[5], w[7])
		d[0] = clamp((e0 + o0) >> shift)
		d[1] = clamp((e1 + o1) >> shift)
		d[2] = clamp((e2 + o2) >> shift)
		d[3] = clamp((e3 + o3) >> shift)
		d[4] = clamp((e3 - o3) >> shift)
		d[5] = clamp((e2 - o2) >> shift)
		d[6] = clamp((e1 - o1) >> shift)
		d[7] = clamp((e0 - o0) >> shift)
	}
}

// evenPart combines the coefficients of even frequency.
func evenPart(c0, c2, c4, c6 int32) (e0, e1, e2, e3 int32) {
	z := (c2 + c6) * fix0_541196100
	t2, t3 := z-c6*fix1_847759065, z+c2*fix0_765366865
	t0, t1 := (c0+c4)<<constBits, (c0-c4)<<constBits
	return t0 + t3, t1 + t2, t1 - t2, t0 - t3
}

// oddPart combines the coefficients of odd frequency.
func oddPart(c1, c3, c5, c7 int32) (o0, o1, o2, o3 int32) {
	z1, z2, z3, z4 := c7+c1, c5+c3, c7+c3, c5+c1
	z5 := (z3 + z4) * fix1_175875602
	z1, z2 = z1*-fix0_899976223, z2*-fix2_562915447
	z3, z4 = z5-z3*fix1_961570560, z5-z4*fix0_390180644
	return c1*fix1_501321110 + z1 + z4,
		c3*fix3_072711026 + z2 + z3,
		c5*fix2_053119869 + z2 + z4,
		c7*fix0_298631336 + z1 + z3
}

// FillBlock is IDCT of a block with nothing but its first coefficient.
func FillBlock(dst []uint8, stride int, dc int16) {
	v := uint64(clamp((int32(dc)<<passBits+1<<(passBits+2))>>(passBits+3) + 128))
	v *= 0x0101010101010101
	for y := range 8 {
		binary.LittleEndian.PutUint64(dst[y*stride:], v)
	}
}

// clamp limits v to a sample.
func clamp(v int32) uint8 {
	if uint32(v) > 255 {
		return uint8(^(v >> 31)) // 0 below, 255 above
	}
	return uint8(v)
}
