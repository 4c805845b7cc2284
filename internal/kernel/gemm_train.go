package kernel

// MulTransA adds the product of the transpose of a with b, both of rows rows:
//
//	dst[i·dstStride+j] += Σ_r a[r·aStride+i]·b[r·bStride+j]
//
// for i < m and j < n. It is the gradient of a linear layer's weight, in
// PyTorch's layout if dstStride = n, where a is that of the output and b the
// input. The gradient of the input is Pointwise with a matrix from
// PackTransposed.
func MulTransA[T Float](dst []T, dstStride int, a []T, aStride, m int, b []T, bStride, n, rows int) {
	need("destination", dst, m, dstStride, n)
	need("first factor", a, rows, aStride, m)
	need("second factor", b, rows, bStride, n)
	if d, ok := any(dst).([]float32); ok && mulTransAAsm(d, dstStride, any(a).([]float32), aStride, m, any(b).([]float32), bStride, n, rows) {
		return
	}
	mulTransAGeneric(dst, dstStride, a, aStride, m, b, bStride, n, rows)
}
