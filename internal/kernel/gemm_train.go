package kernel

// GradWeight adds the gradient of a linear layer's weight, for rows pixels:
//
//	dw[n·dwStride+k] += Σ_r dy[r·dyStride+n]·x[r·xStride+k]
//
// for n < out and k < in. With dwStride = in, dw is in PyTorch's layout. The
// gradient of the input is Pointwise with a matrix from PackTransposed.
func GradWeight[T Float](dw []T, dwStride int, dy []T, dyStride, out int, x []T, xStride, in, rows int) {
	need("weight gradient", dw, out, dwStride, in)
	need("gradient", dy, rows, dyStride, out)
	need("source", x, rows, xStride, in)
	if d, ok := any(dw).([]float32); ok && gradWeightAsm(d, dwStride, any(dy).([]float32), dyStride, out, any(x).([]float32), xStride, in, rows) {
		return
	}
	gradWeightGeneric(dw, dwStride, dy, dyStride, out, x, xStride, in, rows)
}
