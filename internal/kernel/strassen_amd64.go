//go:build !purego

package kernel

import "github.com/mixnet-go/mixnet/internal/cpu"

func strassenSumsAsm(dst []float32, dstStride, next int, src []float32, srcStride, right, below, rows, n int) bool {
	if rows == 0 || n == 0 {
		return false
	}
	switch cpu.Current() {
	case cpu.AVX512:
		strassenSumsAVX512(p(dst), 4*dstStride, 4*next, p(src), 4*srcStride, 4*right, 4*below, rows, n)
	case cpu.AVX2:
		strassenSumsAVX2(p(dst), 4*dstStride, 4*next, p(src), 4*srcStride, 4*right, 4*below, rows, n)
	default:
		return false
	}
	return true
}
