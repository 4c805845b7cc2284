package weights

import "math"

// halfToFloat widens an IEEE 754 binary16 number; the result is exact.
func halfToFloat(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exp := uint32(h>>10) & 0x1f
	frac := uint32(h & 0x3ff)
	switch exp {
	case 0: // zero and subnormals: frac·2^-24
		v := float32(frac) / (1 << 24)
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 0x1f: // infinity and NaN
		return math.Float32frombits(sign | 0xff<<23 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+127-15)<<23 | frac<<13)
}

// floatToHalf rounds to the nearest binary16 number, ties to even. Values of
// 65520 and above become infinite.
func floatToHalf(f float32) uint16 {
	bits := math.Float32bits(f)
	sign := uint16(bits >> 16 & 0x8000)
	bits &= 0x7fffffff
	switch {
	case bits > 0xff<<23:
		return sign | 0x7e00
	case bits >= 0x477ff000: // 65520
		return sign | 0x7c00
	case bits < 0x38800000: // below 2^-14: the unit in the last place is 2^-24
		v := math.RoundToEven(float64(math.Float32frombits(bits)) * (1 << 24))
		return sign | uint16(v)
	}
	bits += 0xfff + bits>>13&1
	return sign | uint16(bits>>13-(127-15)<<10)
}

// floatToBFloat rounds to the nearest bfloat16 number, ties to even.
func floatToBFloat(f float32) uint16 {
	bits := math.Float32bits(f)
	if bits&0x7fffffff > 0xff<<23 {
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}
