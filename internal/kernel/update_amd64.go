//go:build !purego

package kernel

import "github.com/mixnet-go/mixnet/internal/cpu"

func rmspropAsm(w, g, square, momentum []float32, decay, keep, m, eps, lr float32) bool {
	switch cpu.Current() {
	case cpu.AVX512:
		rmspropAVX512(p(w), p(g), p(square), p(momentum), len(w), decay, keep, m, eps, lr)
	case cpu.AVX2:
		rmspropAVX2(p(w), p(g), p(square), p(momentum), len(w), decay, keep, m, eps, lr)
	default:
		return false
	}
	return true
}

func nesterovAsm(w, g, momentum []float32, decay, m, lr float32) bool {
	switch cpu.Current() {
	case cpu.AVX512:
		nesterovAVX512(p(w), p(g), p(momentum), len(w), decay, m, lr)
	case cpu.AVX2:
		nesterovAVX2(p(w), p(g), p(momentum), len(w), decay, m, lr)
	default:
		return false
	}
	return true
}

func adamwAsm(w, g, mean, square []float32, shrink, k1, k2, rate, root, eps float32) bool {
	switch cpu.Current() {
	case cpu.AVX512:
		adamwAVX512(p(w), p(g), p(mean), p(square), len(w), shrink, k1, k2, rate, root, eps)
	case cpu.AVX2:
		adamwAVX2(p(w), p(g), p(mean), p(square), len(w), shrink, k1, k2, rate, root, eps)
	default:
		return false
	}
	return true
}

func approachAsm(dst, x []float32, part float32) bool {
	switch cpu.Current() {
	case cpu.AVX512:
		approachAVX512(p(dst), p(x), len(dst), part)
	case cpu.AVX2:
		approachAVX2(p(dst), p(x), len(dst), part)
	default:
		return false
	}
	return true
}
