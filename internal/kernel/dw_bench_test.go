package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// dwShapes are shapes of MixNets and MobileNets.
var dwShapes = []struct{ size, channels, kernel, stride int }{
	{112, 16, 3, 1},
	{112, 64, 3, 1},
	{112, 64, 3, 2},
	{112, 72, 3, 2},
	{56, 24, 3, 1},
	{56, 144, 3, 1},
	{56, 40, 5, 2},
	{56, 48, 7, 1},
	{56, 24, 11, 1},
	{56, 128, 3, 1},
	{28, 16, 3, 1},
	{28, 60, 3, 1},
	{28, 60, 5, 1},
	{28, 60, 7, 1},
	{28, 60, 9, 1},
	{28, 60, 9, 2},
	{28, 60, 11, 1},
	{28, 60, 13, 1},
	{28, 120, 3, 2},
	{28, 256, 3, 1},
	{14, 16, 3, 1},
	{14, 480, 3, 1},
	{14, 512, 3, 1},
	{14, 512, 7, 1},
	{14, 120, 5, 1},
	{14, 120, 7, 1},
	{14, 120, 9, 1},
	{14, 120, 11, 1},
	{14, 120, 11, 2},
	{14, 120, 13, 1},
	{7, 960, 3, 1},
	{7, 1024, 3, 1},
	{7, 200, 5, 1},
	{7, 200, 7, 1},
	{7, 200, 9, 1},
	{7, 200, 11, 1},
	{7, 200, 13, 1},
	{4, 128, 3, 1},
	{4, 128, 9, 1},
	{56, 480, 3, 1},
	{56, 128, 3, 2},
	{28, 128, 3, 1},
	{28, 256, 3, 2},
	{14, 256, 3, 1},
	{14, 512, 3, 2},
	{56, 240, 5, 1},
}

// benchDW times one function on every shape. The figures count the
// multiply-adds of taps that lie inside the image.
func benchDW(b *testing.B, f func(out, in []float32, w *DWFilter, g *DW)) {
	peak := PeakFLOPS()
	for _, s := range dwShapes {
		b.Run(fmt.Sprintf("%dx%d/k%d/s%d", s.size, s.channels, s.kernel, s.stride), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			pad := s.kernel / 2
			out := (s.size-1)/s.stride + 1
			g := DW{
				H: s.size, W: s.size, OutH: out, OutW: out,
				Channels: s.channels, SrcStride: s.channels, DstStride: s.channels,
				Kernel: s.kernel, Stride: s.stride, Dilation: 1, PadTop: pad, PadLeft: pad,
			}
			taps := 0
			for y := range out {
				lo, hi := tapRange(y*s.stride-pad, s.size, s.kernel, 1)
				taps += hi - lo
			}
			x, y := randoms(r, s.size*s.size*s.channels), randoms(r, out*out*s.channels)
			w := PackDW(randoms(r, s.channels*s.kernel*s.kernel), s.kernel, s.channels)
			t := fastest(b, func() { f(y, x, w, &g) })
			flops := float64(2*taps*taps*s.channels) / t
			b.ReportMetric(flops/1e9, "GFLOP/s")
			b.ReportMetric(100*flops/peak, "%peak")
			b.ReportMetric(t*1e6, "µs")
		})
	}
}

func BenchmarkDepthwise(b *testing.B) {
	benchDW(b, func(y, x []float32, w *DWFilter, g *DW) { Depthwise(y, x, w, g, nil, Identity, 0, g.OutH, nil) })
}

func BenchmarkDepthwiseGradInput(b *testing.B) {
	benchDW(b, func(dy, dx []float32, w *DWFilter, g *DW) { DepthwiseGradInput(dx, dy, w, g, 0, g.H) })
}

func BenchmarkDepthwiseGradWeight(b *testing.B) {
	benchDW(b, func(dy, x []float32, dw *DWFilter, g *DW) { DepthwiseGradWeight(dw, x, dy, g, 0, g.OutH) })
}
