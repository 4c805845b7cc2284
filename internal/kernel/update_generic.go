package kernel

import "math"

// Products are converted to T before they are added, which keeps the compiler
// from fusing the two: every processor rounds alike.

func rmspropGeneric[T Float](w, g, square, momentum []T, decay, keep, m, eps, lr T) {
	for i := range w {
		d := g[i] + T(decay*w[i])
		square[i] += T(keep * (T(d*d) - square[i]))
		momentum[i] = T(m*momentum[i]) + lr*d/sqrt(square[i]+eps)
		w[i] -= momentum[i]
	}
}

func nesterovGeneric[T Float](w, g, momentum []T, decay, m, lr T) {
	for i := range w {
		d := g[i] + T(decay*w[i])
		momentum[i] = T(m*momentum[i]) + d
		w[i] -= T(lr * (d + T(m*momentum[i])))
	}
}

func adamwGeneric[T Float](w, g, mean, square []T, shrink, k1, k2, rate, root, eps T) {
	for i := range w {
		mean[i] += T(k1 * (g[i] - mean[i]))
		square[i] += T(k2 * (T(g[i]*g[i]) - square[i]))
		w[i] = T(shrink*w[i]) - rate*mean[i]/(T(root*sqrt(square[i]))+eps)
	}
}

func approachGeneric[T Float](dst, x []T, part T) {
	for i := range dst {
		dst[i] += T(part * (x[i] - dst[i]))
	}
}

// sqrt returns the square root rounded to T.
func sqrt[T Float](x T) T { return T(math.Sqrt(float64(x))) }
