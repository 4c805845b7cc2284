package kernel

// AddVec sets dst[i] = a[i] + b[i] for all i < len(dst). dst may be a or b.
func AddVec[T Float](dst, a, b []T) {
	addVecGeneric(dst, a, b)
}

// MulVec sets dst[i] = a[i]·b[i] for all i < len(dst). dst may be a or b.
func MulVec[T Float](dst, a, b []T) {
	mulVecGeneric(dst, a, b)
}

// MulAdd adds a·x[i] to dst[i] for all i < len(dst).
func MulAdd[T Float](dst []T, a T, x []T) {
	mulAddGeneric(dst, a, x)
}

// ScaleRows multiplies each channel of rows pixels by its factor,
// dst[r·dstStride+c] = src[r·srcStride+c]·scale[c] for c < len(scale). dst may
// be src.
func ScaleRows[T Float](dst []T, dstStride int, src []T, srcStride, rows int, scale []T) {
	need("destination", dst, rows, dstStride, len(scale))
	need("source", src, rows, srcStride, len(scale))
	scaleRowsGeneric(dst, dstStride, src, srcStride, rows, scale)
}

// SumRows adds each channel of rows pixels to dst: dst[c] += Σ_r
// src[r·stride+c] for c < len(dst). Global pooling is SumRows into zeros.
func SumRows[T Float](dst, src []T, stride, rows int) {
	need("source", src, rows, stride, len(dst))
	sumRowsGeneric(dst, src, stride, rows)
}
