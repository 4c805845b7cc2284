package kernel

// AddVec sets dst[i] = a[i] + b[i] for all i < len(dst). dst may be a or b.
func AddVec[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	if d, ok := any(dst).([]float32); ok && addVecAsm(d, any(a).([]float32), any(b).([]float32)) {
		return
	}
	addVecGeneric(dst, a, b)
}

// MulVec sets dst[i] = a[i]·b[i] for all i < len(dst). dst may be a or b.
func MulVec[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	if d, ok := any(dst).([]float32); ok && mulVecAsm(d, any(a).([]float32), any(b).([]float32)) {
		return
	}
	mulVecGeneric(dst, a, b)
}

// MulAdd adds a·x[i] to dst[i] for all i < len(dst).
func MulAdd[T Float](dst []T, a T, x []T) {
	x = x[:len(dst)]
	if d, ok := any(dst).([]float32); ok && mulAddAsm(d, float32(a), any(x).([]float32)) {
		return
	}
	mulAddGeneric(dst, a, x)
}

// ScaleRows multiplies each channel of rows pixels by its factor,
// dst[r·dstStride+c] = src[r·srcStride+c]·scale[c] for c < len(scale). dst may
// be src.
func ScaleRows[T Float](dst []T, dstStride int, src []T, srcStride, rows int, scale []T) {
	need("destination", dst, rows, dstStride, len(scale))
	need("source", src, rows, srcStride, len(scale))
	if d, ok := any(dst).([]float32); ok && scaleRowsAsm(d, dstStride, any(src).([]float32), srcStride, rows, any(scale).([]float32)) {
		return
	}
	scaleRowsGeneric(dst, dstStride, src, srcStride, rows, scale)
}

// SumRows adds each channel of rows pixels to dst: dst[c] += Σ_r
// src[r·stride+c] for c < len(dst). Global pooling is SumRows into zeros.
func SumRows[T Float](dst, src []T, stride, rows int) {
	need("source", src, rows, stride, len(dst))
	if d, ok := any(dst).([]float32); ok && sumRowsAsm(d, any(src).([]float32), stride, rows) {
		return
	}
	sumRowsGeneric(dst, src, stride, rows)
}
