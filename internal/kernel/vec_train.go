package kernel

// ActivateGrad multiplies dy[i] by the derivative of a at x[i], the value
// before activation, for all i < len(dy). The derivative at a kink is that of
// the flat side, as in PyTorch.
func ActivateGrad[T Float](dy, x []T, a Act) {
	x = x[:len(dy)]
	if d, ok := any(dy).([]float32); ok && actGradAsm(d, any(x).([]float32), a) {
		return
	}
	actGradGeneric(dy, x, a)
}

// AffineAct is a batch norm with known statistics and an activation:
//
//	dst[r·dstStride+c] = act(src[r·srcStride+c]·scale[c] + shift[c])
//
// for r < rows and c < len(shift). dst may be src.
func AffineAct[T Float](dst []T, dstStride int, src []T, srcStride, rows int, scale, shift []T, act Act) {
	c := len(shift)
	scale = scale[:c]
	need("destination", dst, rows, dstStride, c)
	need("source", src, rows, srcStride, c)
	if d, ok := any(dst).([]float32); ok && affineActAsm(d, dstStride, any(src).([]float32), srcStride, rows, any(scale).([]float32), any(shift).([]float32), act) {
		return
	}
	affineActGeneric(dst, dstStride, src, srcStride, rows, scale, shift, act)
}

// AffineActGrad takes a gradient back through AffineAct's activation and
// gathers the sums that a batch norm's own gradient needs. With y =
// z·scale[c]+shift[c], it multiplies g in place by act'(y), and then adds each
// g to sum[c] and g·(z-mean[c]) to dot[c], for c < len(sum).
func AffineActGrad[T Float](g []T, gStride int, z []T, zStride, rows int, scale, shift, mean []T, act Act, sum, dot []T) {
	c := len(sum)
	scale, shift, mean, dot = scale[:c], shift[:c], mean[:c], dot[:c]
	need("gradient", g, rows, gStride, c)
	need("source", z, rows, zStride, c)
	if d, ok := any(g).([]float32); ok && affineActGradAsm(d, gStride, any(z).([]float32), zStride, rows,
		any(scale).([]float32), any(shift).([]float32), any(mean).([]float32), act, any(sum).([]float32), any(dot).([]float32)) {
		return
	}
	affineActGradGeneric(g, gStride, z, zStride, rows, scale, shift, mean, act, sum, dot)
}

// AffineSwishGrad is AffineActGrad for swish where its values y are at hand.
// The derivative follows from them without an exponential: σ(x) = swish(x)/x.
func AffineSwishGrad[T Float](g []T, gStride int, z []T, zStride int, y []T, yStride, rows int, scale, shift, mean []T, sum, dot []T) {
	c := len(sum)
	scale, shift, mean, dot = scale[:c], shift[:c], mean[:c], dot[:c]
	need("gradient", g, rows, gStride, c)
	need("source", z, rows, zStride, c)
	need("value", y, rows, yStride, c)
	if d, ok := any(g).([]float32); ok && affineSwishGradAsm(d, gStride, any(z).([]float32), zStride, any(y).([]float32), yStride, rows,
		any(scale).([]float32), any(shift).([]float32), any(mean).([]float32), any(sum).([]float32), any(dot).([]float32)) {
		return
	}
	affineSwishGradGeneric(g, gStride, z, zStride, y, yStride, rows, scale, shift, mean, sum, dot)
}

// Affine2 sets dst[c] = ag[c]·g[c] + az[c]·z[c] + shift[c] for each of rows
// pixels and c < len(shift), which is a batch norm's gradient with respect to
// its input. dst may be g or z.
func Affine2[T Float](dst []T, dstStride int, g []T, gStride int, z []T, zStride, rows int, ag, az, shift []T) {
	c := len(shift)
	ag, az = ag[:c], az[:c]
	need("destination", dst, rows, dstStride, c)
	need("gradient", g, rows, gStride, c)
	need("source", z, rows, zStride, c)
	if d, ok := any(dst).([]float32); ok && affine2Asm(d, dstStride, any(g).([]float32), gStride, any(z).([]float32), zStride, rows,
		any(ag).([]float32), any(az).([]float32), any(shift).([]float32)) {
		return
	}
	affine2Generic(dst, dstStride, g, gStride, z, zStride, rows, ag, az, shift)
}

// Moments adds the difference of each channel of rows pixels from its pivot to
// sum, and the square of that to squares, for c < len(sum). A pivot near the
// mean keeps the variance of values that are large beside it.
func Moments[T Float](src []T, stride, rows int, pivot, sum, squares []T) {
	pivot, squares = pivot[:len(sum)], squares[:len(sum)]
	need("source", src, rows, stride, len(sum))
	if s, ok := any(src).([]float32); ok && momentsAsm(s, stride, rows, any(pivot).([]float32), any(sum).([]float32), any(squares).([]float32)) {
		return
	}
	momentsGeneric(src, stride, rows, pivot, sum, squares)
}

// DotRows adds the products of two matrices of rows pixels by channel:
// dst[c] += Σ_r a[r·aStride+c]·b[r·bStride+c] for c < len(dst).
func DotRows[T Float](dst, a []T, aStride int, b []T, bStride, rows int) {
	need("source", a, rows, aStride, len(dst))
	need("source", b, rows, bStride, len(dst))
	if d, ok := any(dst).([]float32); ok && dotRowsAsm(d, any(a).([]float32), aStride, any(b).([]float32), bStride, rows) {
		return
	}
	dotRowsGeneric(dst, a, aStride, b, bStride, rows)
}
