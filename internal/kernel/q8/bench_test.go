package q8

import (
	"fmt"
	"testing"

	"github.com/mixnet-go/mixnet/internal/kernel"
)

// products are 1×1 convolutions of MixNet and MobileNet: pixels, inputs and
// outputs.
var products = [][3]int{
	{12544, 8, 48},
	{12544, 16, 96},
	{12544, 32, 16},
	{12544, 32, 64},
	{3136, 12, 72},
	{3136, 24, 144},
	{3136, 72, 12},
	{3136, 144, 24},
	{3136, 128, 128},
	{784, 40, 240},
	{784, 240, 40},
	{784, 256, 256},
	{196, 80, 480},
	{196, 240, 40},
	{196, 480, 80},
	{196, 512, 512},
	{49, 200, 1200},
	{49, 1200, 200},
	{49, 1024, 1024},
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

// depthwises are depthwise convolutions of MixNet and MobileNet: kernel,
// stride, rows and columns of the input, and channels.
var depthwises = [][4]int{
	{3, 1, 112, 32},
	{3, 2, 112, 96},
	{3, 1, 56, 144},
	{3, 1, 28, 240},
	{3, 1, 14, 512},
	{3, 1, 7, 1024},
	{5, 1, 28, 240},
	{5, 1, 14, 120},
	{7, 1, 28, 48},
	{7, 1, 14, 120},
	{9, 1, 14, 120},
	{9, 1, 7, 396},
	{11, 1, 7, 240},
	{5, 2, 112, 64},
	{7, 2, 112, 64},
	{3, 2, 28, 120},
	{5, 2, 28, 120},
	{9, 2, 14, 120},
}

func BenchmarkDepthwise(b *testing.B) {
	r := source(22)
	for _, s := range depthwises {
		g := &kernel.DW{H: s[2], W: s[2], Channels: s[3], SrcStride: s[3], DstStride: s[3], Kernel: s[0], Stride: s[1], Dilation: 1}
		g.PadTop, g.PadLeft = s[0]/2, s[0]/2
		g.OutH, g.OutW = (g.H-1)/g.Stride+1, (g.W-1)/g.Stride+1
		report := func(b *testing.B) {
			macs := float64(g.OutH * g.OutW * g.Channels * g.Kernel * g.Kernel)
			b.ReportMetric(macs*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GMAC/s")
		}
		name := fmt.Sprintf("%dx%ds%d_%d_%d", s[0], s[0], s[1], s[2], s[3])
		src, dst := codes(r, g.H*g.W*g.Channels), make([]uint8, g.OutH*g.OutW*g.Channels)
		taps := g.Channels * g.Kernel * g.Kernel
		w, scratch := PackDW(signed(r, taps), g.Channels, g.Kernel, g.Stride, 1), make([]uint8, DepthwiseScratch(g))
		for _, table := range []bool{false, true} {
			e := epilogue(r, g.Channels, g.Kernel*g.Kernel, table)
			kind := "q8"
			if table {
				kind = "q8table"
			}
			b.Run(name+"/"+kind, func(b *testing.B) {
				for b.Loop() {
					Depthwise(dst, src, w, g, 128, e, 0, g.OutH, scratch)
				}
				report(b)
			})
		}
		x, y, fw := make([]float32, len(src)), make([]float32, len(dst)), kernel.PackDW(make([]float32, taps), g.Kernel, g.Channels)
		for _, act := range []kernel.Act{kernel.ReLU, kernel.Swish} {
			b.Run(fmt.Sprintf("%s/float%d", name, act), func(b *testing.B) {
				for b.Loop() {
					kernel.Depthwise(y, x, fw, g, y[:g.Channels], act, 0, g.OutH, nil)
				}
				report(b)
			})
		}
	}
}
