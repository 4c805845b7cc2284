package kernel

// The steps of the optimizers. All slices have the length of w, the weights;
// g is their gradient.

// RMSProp does one step as TensorFlow does, with ε under the root and the rate
// inside the momentum:
//
//	d = g + decay·w
//	square += keep·(d² - square)
//	momentum = m·momentum + lr·d/√(square+eps)
//	w -= momentum
func RMSProp[T Float](w, g, square, momentum []T, decay, keep, m, eps, lr T) {
	g, square, momentum = g[:len(w)], square[:len(w)], momentum[:len(w)]
	if f, ok := any(w).([]float32); ok && rmspropAsm(f, any(g).([]float32), any(square).([]float32), any(momentum).([]float32),
		float32(decay), float32(keep), float32(m), float32(eps), float32(lr)) {
		return
	}
	rmspropGeneric(w, g, square, momentum, decay, keep, m, eps, lr)
}

// Nesterov does one step of gradient descent, as PyTorch with nesterov=True:
//
//	d = g + decay·w
//	momentum = m·momentum + d
//	w -= lr·(d + m·momentum)
func Nesterov[T Float](w, g, momentum []T, decay, m, lr T) {
	g, momentum = g[:len(w)], momentum[:len(w)]
	if f, ok := any(w).([]float32); ok && nesterovAsm(f, any(g).([]float32), any(momentum).([]float32), float32(decay), float32(m), float32(lr)) {
		return
	}
	nesterovGeneric(w, g, momentum, decay, m, lr)
}

// AdamW does one step with weights shrunk apart from the gradient:
//
//	mean += k1·(g - mean)
//	square += k2·(g² - square)
//	w = shrink·w - rate·mean/(root·√square + eps)
//
// where rate and root carry the corrections of the first steps' bias.
func AdamW[T Float](w, g, mean, square []T, shrink, k1, k2, rate, root, eps T) {
	g, mean, square = g[:len(w)], mean[:len(w)], square[:len(w)]
	if f, ok := any(w).([]float32); ok && adamwAsm(f, any(g).([]float32), any(mean).([]float32), any(square).([]float32),
		float32(shrink), float32(k1), float32(k2), float32(rate), float32(root), float32(eps)) {
		return
	}
	adamwGeneric(w, g, mean, square, shrink, k1, k2, rate, root, eps)
}

// Approach moves dst towards x by a part of the way, dst += part·(x - dst):
// one step of an exponential moving average.
func Approach[T Float](dst, x []T, part T) {
	x = x[:len(dst)]
	if f, ok := any(dst).([]float32); ok && approachAsm(f, any(x).([]float32), float32(part)) {
		return
	}
	approachGeneric(dst, x, part)
}
