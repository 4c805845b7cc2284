package q8

import (
	"fmt"
	"testing"

	"github.com/mixnet-go/mixnet/internal/kernel"
)

// products are 1×1 convolutions of MixNet and MobileNet: pixels, inputs and
// outputs.
var products = [][3]int{
	{12544, 8, 48}, {12544, 16, 96}, {12544, 32, 16}, {12544, 32, 64}, {3136, 12, 72}, {3136, 24, 144}, {3136, 72, 12},
	{3136, 144, 24}, {3136, 128, 128}, {784, 40, 240}, {784, 240, 40}, {784, 256, 256}, {196, 80, 480},
	{196, 240, 40}, {196, 480, 80}, {196, 512, 512}, {49, 200, 1200}, {49, 1200, 200}, {49, 1024, 1024},
}

func BenchmarkPointwise(b *testing.B) {
	r := source(21)
	for _, s := range products {
		m, k, n := s[0], s[1], s[2]
		macs := float64(m) * float64(k) * float64(n)
		report := func(b *testing.B) {
			b.ReportMetric(macs*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GMAC/s")
		}
		src, dst := codes(r, m*k), make([]uint8, m*n)
		w := PackMatrix(signed(r, n*k), n, k)
		for _, table := range []bool{false, true} {
			e := epilogue(r, n, k, table)
			name := "q8"
			if table {
				name = "q8table"
			}
			b.Run(fmt.Sprintf("%dx%dx%d/%s", m, k, n, name), func(b *testing.B) {
				for b.Loop() {
					Pointwise(dst, n, src, k, m, w, e)
				}
				report(b)
			})
		}
		x, y, fw := make([]float32, m*k), make([]float32, m*n), kernel.PackMatrix(make([]float32, k*n), n, k)
		for _, act := range []kernel.Act{kernel.ReLU, kernel.Swish} {
			b.Run(fmt.Sprintf("%dx%dx%d/float%d", m, k, n, act), func(b *testing.B) {
				for b.Loop() {
					kernel.Pointwise(y, n, x, k, m, fw, &kernel.Epilogue{Bias: y[:n], Act: act})
				}
				report(b)
			})
		}
	}
}
