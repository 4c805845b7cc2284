package q8

import "math"

// Add sets each code of dst to that of the sum of two:
//
//	round(float32(a-aZero)·aMul + float32(b-bZero)·bMul) + zero, between Lo and Hi
//
// with each operation rounded to float32.
type Add struct {
	AZero, BZero uint8
	AMul, BMul   float32 // the scales of a and b over that of dst, at most MaxAddMul
	Zero         uint8
	Lo, Hi       uint8
}

// Rows adds rows of n codes. dst may be a or b.
func (s *Add) Rows(dst []uint8, dstStride int, a []uint8, aStride int, b []uint8, bStride, n, rows int) {
	need("destination", dst, rows, dstStride, n)
	needSource("first summand", a, rows, aStride, n)
	needSource("second summand", b, rows, bStride, n)
	if dstStride == n && aStride == n && bStride == n {
		n, rows = n*rows, min(1, rows)
	}
	if n == 0 || rows == 0 {
		return
	}
	if i := addAsm(s, dst, dstStride, a, aStride, b, bStride, n, rows); i < n {
		s.generic(dst[i:], dstStride, a[i:], aStride, b[i:], bStride, n-i, rows)
	}
}

func (s *Add) generic(dst []uint8, dstStride int, a []uint8, aStride int, b []uint8, bStride, n, rows int) {
	for r := range rows {
		x, y := a[r*aStride:][:n], b[r*bStride:][:n]
		for i, d := 0, dst[r*dstStride:][:n]; i < n; i++ {
			v := float32(float32(int32(x[i])-int32(s.AZero)) * s.AMul)
			v = float32(v + float32(float32(int32(y[i])-int32(s.BZero))*s.BMul))
			t := int(math.RoundToEven(float64(v))) + int(s.Zero)
			d[i] = uint8(min(max(t, int(s.Lo)), int(s.Hi)))
		}
	}
}

// ScaleRows multiplies each channel of rows of pixels by a factor, as
// squeeze-excite does: code q of channel c becomes
//
//	round(float32(q-srcZero)·mul[c]) + zero, between 0 and 255
//
// where mul is the factor times the scale of src over that of dst, and at most
// MaxAddMul. dst may be src.
func ScaleRows(dst []uint8, dstStride int, zero uint8, src []uint8, srcStride int, srcZero uint8, mul []float32, rows int) {
	n := len(mul)
	need("destination", dst, rows, dstStride, n)
	needSource("source", src, rows, srcStride, n)
	if n == 0 || rows == 0 {
		return
	}
	if c := scaleRowsAsm(dst, dstStride, zero, src, srcStride, srcZero, mul, rows); c < n {
		scaleRowsGeneric(dst[c:], dstStride, zero, src[c:], srcStride, srcZero, mul[c:], rows)
	}
}

func scaleRowsGeneric(dst []uint8, dstStride int, zero uint8, src []uint8, srcStride int, srcZero uint8, mul []float32, rows int) {
	n := len(mul)
	for r := range rows {
		x, d := src[r*srcStride:][:n], dst[r*dstStride:][:n]
		for c, m := range mul {
			v := float32(float32(int32(x[c])-int32(srcZero)) * m)
			t := int(math.RoundToEven(float64(v))) + int(zero)
			d[c] = uint8(min(max(t, 0), 255))
		}
	}
}

// SumRows adds the codes of rows of pixels to sums, channel by channel: for a
// mean, which is scale·(sum/rows-zero). There are at most 1<<23 rows.
func SumRows(sums []int32, src []uint8, stride, rows int) {
	needSource("source", src, rows, stride, len(sums))
	if len(sums) == 0 || rows == 0 {
		return
	}
	if c := sumRowsAsm(sums, src, stride, rows); c < len(sums) {
		sumRowsGeneric(sums[c:], src[c:], stride, rows)
	}
}

func sumRowsGeneric(sums []int32, src []uint8, stride, rows int) {
	for r := range rows {
		for c, q := range src[r*stride:][:len(sums)] {
			sums[c] += int32(q)
		}
	}
}

// Lookup sets dst[i] = table[src[i]] for rows of n codes: any function of one
// code, such as a change of scale. dst may be src.
func Lookup(dst []uint8, dstStride int, src []uint8, srcStride, n, rows int, table *[256]uint8) {
	need("destination", dst, rows, dstStride, n)
	needSource("source", src, rows, srcStride, n)
	if dstStride == n && srcStride == n {
		n, rows = n*rows, min(1, rows)
	}
	if n > 0 && rows > 0 && !lookupAsm(dst, dstStride, src, srcStride, n, rows, table) {
		lookupGeneric(dst, dstStride, src, srcStride, n, rows, table)
	}
}

func lookupGeneric(dst []uint8, dstStride int, src []uint8, srcStride, n, rows int, table *[256]uint8) {
	for r := range rows {
		d := dst[r*dstStride:][:n]
		for i, q := range src[r*srcStride:][:n] {
			d[i] = table[q]
		}
	}
}

// Quantize sets dst to the codes of src: round(x/scale) + zero, between 0 and
// 255. NaN becomes 0.
func Quantize(dst []uint8, src []float32, scale float32, zero uint8) {
	dst = dst[:len(src)]
	done := quantizeAsm(dst, src, scale, zero)
	quantizeGeneric(dst[done:], src[done:], scale, zero)
}

func quantizeGeneric(dst []uint8, src []float32, scale float32, zero uint8) {
	for i, x := range src {
		dst[i] = clampCode(math.RoundToEven(float64(x/scale)) + float64(zero))
	}
}

// Dequantize sets dst to what the codes of src stand for: float32(q-zero)·scale.
func Dequantize(dst []float32, src []uint8, scale float32, zero uint8) {
	dst = dst[:len(src)]
	done := dequantizeAsm(dst, src, scale, zero)
	dequantizeGeneric(dst[done:], src[done:], scale, zero)
}

func dequantizeGeneric(dst []float32, src []uint8, scale float32, zero uint8) {
	for i, q := range src {
		dst[i] = float32(int32(q)-int32(zero)) * scale
	}
}
