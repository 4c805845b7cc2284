package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkPointwise runs shapes of MixNet-S, -M and -L. Each call does one
// group of a 1×1 convolution of one image.
func BenchmarkPointwise(b *testing.B) {
	peak := PeakFLOPS()
	for _, s := range []struct{ rows, k, n, kStride, nStride int }{
		{12544, 8, 48, 16, 96},
		{3136, 48, 12, 96, 24},
		{3136, 12, 36, 24, 72},
		{3136, 36, 12, 72, 24},
		{3136, 24, 144, 24, 144},
		{784, 144, 40, 144, 40},
		{784, 20, 120, 40, 240},
		{784, 120, 20, 240, 40},
		{784, 40, 240, 40, 240},
		{196, 120, 40, 240, 80},
		{196, 80, 480, 80, 480},
		{196, 240, 40, 480, 80},
		{196, 240, 60, 480, 120},
		{196, 60, 180, 120, 360},
		{196, 180, 60, 360, 120},
		{196, 120, 720, 120, 720},
		{49, 720, 200, 720, 200},
		{49, 200, 1200, 200, 1200},
		{49, 600, 100, 1200, 200},
		{49, 200, 1536, 200, 1536},
		{49, 264, 1584, 264, 1584},
		{49, 1584, 264, 1584, 264},
		{12544, 24, 72, 24, 72},
		{3136, 32, 96, 32, 96},
		{1, 1536, 1000, 1536, 1000},
		{1, 240, 20, 240, 20},
		{1, 20, 240, 20, 240},
	} {
		b.Run(fmt.Sprintf("%dx%dx%d", s.rows, s.k, s.n), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			src, dst := randoms(r, s.rows*s.kStride), make([]float32, s.rows*s.nStride)
			m := PackMatrix(randoms(r, s.n*s.k), s.n, s.k)
			ep := &Epilogue{Bias: randoms(r, s.n)}
			t := fastest(b, func() { Pointwise(dst, s.nStride, src, s.kStride, s.rows, m, ep) })
			flops := float64(2*s.rows*s.k*s.n) / t
			b.ReportMetric(flops/1e9, "GFLOP/s")
			b.ReportMetric(100*flops/peak, "%peak")
			b.ReportMetric(t*1e6, "µs")
		})
	}
}

// BenchmarkMulTransA runs the same kind of shapes, on tiles of pixels that
// fit the second-level cache.
func BenchmarkMulTransA(b *testing.B) {
	peak := PeakFLOPS()
	for _, s := range []struct{ rows, in, out int }{
		{256, 16, 96},
		{256, 24, 72},
		{256, 72, 24},
		{256, 40, 240},
		{196, 240, 40},
		{196, 120, 360},
		{128, 256, 256},
		{98, 200, 1200},
		{98, 512, 1024},
		{49, 1536, 200},
	} {
		b.Run(fmt.Sprintf("%dx%dx%d", s.rows, s.in, s.out), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			x, dy, dw := randoms(r, s.rows*s.in), randoms(r, s.rows*s.out), make([]float32, s.in*s.out)
			t := fastest(b, func() { MulTransA(dw, s.in, dy, s.out, s.out, x, s.in, s.in, s.rows) })
			flops := float64(2*s.rows*s.in*s.out) / t
			b.ReportMetric(flops/1e9, "GFLOP/s")
			b.ReportMetric(100*flops/peak, "%peak")
		})
	}
}
