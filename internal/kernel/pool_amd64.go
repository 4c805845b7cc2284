//go:build !purego

package kernel

import "github.com/mixnet-go/mixnet/internal/cpu"

func poolAsm(dst, src []float32, s *PoolShape, w *poolWindows) bool {
	var pool func(dst *float32, dstStride int, src *float32, step, pix, row, rows, cols, n, c int, scale float32)
	switch level := cpu.Current(); {
	case level < cpu.AVX2:
		return false
	case level == cpu.AVX512 && w.maximum:
		pool = poolMaxAVX512
	case level == cpu.AVX512:
		pool = poolSumAVX512
	case w.maximum:
		pool = poolMaxAVX2
	default:
		pool = poolSumAVX2
	}
	pool(p(dst), 4*s.DstStride, p(src), 4*s.Stride*s.SrcStride, 4*s.SrcStride, 4*s.W*s.SrcStride, w.rows, w.cols, w.n, s.C, w.scale)
	return true
}
