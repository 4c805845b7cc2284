package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkWinograd is the layers of ResNets at 224×224. The figures count the
// multiply-adds of the direct form.
func BenchmarkWinograd(b *testing.B) {
	for _, l := range []struct{ size, channels int }{{56, 64}, {28, 128}, {14, 256}, {7, 512}} {
		for _, form := range winogradForms {
			for _, together := range []int{12, 16, 24, 28, 36, 49, 98, 196, 400} {
				s := &ConvShape{
					H: l.size, W: l.size, C: l.channels, Pixel: l.channels + 16, K: 3, Stride: form.Stride, Dilation: 1, Top: 1, Left: 1,
					OutH: l.size / form.Stride, OutW: l.size / form.Stride,
				}
				r := rand.New(rand.NewPCG(1, 2))
				m := WinogradIn(make([]float32, WinogradLen(form, l.channels, l.channels)), form, randoms(r, 9*l.channels*l.channels), l.channels, l.channels, nil)
				tiles := m.Tiles(s)
				if together > tiles && together/2 >= tiles {
					continue
				}
				together = min(together, tiles)
				b.Run(fmt.Sprintf("%dx%d/tile%ds%d/%d", l.size, l.channels, form.Tile, form.Stride, together), func(b *testing.B) {
					src, dst := randoms(r, s.H*s.W*s.Pixel), make([]float32, s.H*s.W*s.Pixel)
					v, scratch := make([]float32, m.InputLen(together)), make([]float32, m.ScratchLen(together))
					ep := &Epilogue{Bias: randoms(r, m.Out), Act: ReLU}
					parts := (tiles + together - 1) / together
					t := fastest(b, func() {
						for i := range parts {
							block := Tiles{tiles * i / parts, tiles * (i + 1) / parts}
							m.Input(v, src, s, block, block)
							m.Output(dst, s.Pixel, v, s, block, 0, m.Groups(), ep, scratch)
						}
					})
					b.ReportMetric(float64(2*9*s.OutH*s.OutW*s.C*m.Out)/t/1e9, "GFLOP/s")
					b.ReportMetric(t*1e6, "µs")
				})
			}
		}
	}
}
