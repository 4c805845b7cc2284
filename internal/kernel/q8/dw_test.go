package q8

import (
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
	"github.com/mixnet-go/mixnet/internal/kernel"
)

// geometries are random ones, and those of MixNet's layers.
func geometries(r *rand.Rand) (all []*kernel.DW) {
	for range 60 {
		all = append(all, geometry(r))
	}
	for k := 3; k <= 13; k += 2 {
		for _, size := range [][2]int{{7, 1}, {14, 1}, {14, 2}, {28, 1}, {56, 2}} {
			g := &kernel.DW{H: size[0], W: size[0], Channels: 24, SrcStride: 50, DstStride: 50, Kernel: k, Stride: size[1], Dilation: 1}
			g.PadTop, g.PadLeft = k/2, k/2
			g.OutH, g.OutW = (g.H-1)/g.Stride+1, (g.W-1)/g.Stride+1
			all = append(all, g)
		}
	}
	far := &kernel.DW{H: 5, W: 5, OutH: 3, OutW: 3, Channels: 20, SrcStride: 20, DstStride: 20, Kernel: 3, Stride: 1, Dilation: 1}
	near := *far
	far.PadTop, far.PadLeft = 7, 9 // no window reads the image
	near.PadTop, near.PadLeft = -1, -1
	return append(all, far, &near)
}

// depthwiseCase is a depthwise convolution, and what is to become of it.
type depthwiseCase struct {
	g        *kernel.DW
	w        *DWFilter
	src      []uint8
	ep       *Epilogue
	zero     uint8
	from, to int
	want     []uint8
}

func depthwiseCases(r *rand.Rand) (all []depthwiseCase) {
	for i, g := range geometries(r) {
		taps := g.Kernel * g.Kernel
		c := depthwiseCase{g: g, w: PackDW(signed(r, g.Channels*taps), g.Channels, g.Kernel, g.Stride, g.Dilation), to: g.OutH}
		c.src = codes(r, (g.H*g.W-1)*g.SrcStride+g.Channels)
		c.ep, c.zero = epilogue(r, g.Channels, taps, i%3 == 0), uint8(r.Uint32())
		if i%2 == 0 {
			c.from = r.IntN(g.OutH + 1)
			c.to = c.from + r.IntN(g.OutH-c.from+1)
		}
		c.want = filled((g.OutH*g.OutW-1)*g.DstStride + g.Channels)
		depthwiseGeneric(c.want, c.src, c.w, g, c.zero, c.ep, c.from, c.to)
		all = append(all, c)
	}
	return all
}

func TestDepthwise(t *testing.T) {
	cases := depthwiseCases(source(13))
	dst, src, mem := newGuarded(t, 1<<19), newGuarded(t, 1<<19), newGuarded(t, 1<<19)
	cputest.EachWith(t, sets, func(t *testing.T) {
		if cpu.Current() == cpu.Generic {
			t.Skip("the loop in Go itself")
		}
		for _, c := range cases {
			got, scratch := dst.slice(len(c.want)), mem.slice(DepthwiseScratch(c.g))
			Depthwise(got, src.source(c.src), c.w, c.g, c.zero, c.ep, c.from, c.to, scratch)
			same(t, got, c.want, "%+v, rows %d to %d", *c.g, c.from, c.to)
			dst.check(t, len(c.want))
			mem.check(t, len(scratch))
		}
	})
}
