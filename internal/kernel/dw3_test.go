package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
)

// 3×3 windows of all strides, borders and ranges of rows, on windows of larger
// images too, equal the generic twin, and nothing else is touched.
func TestDepthwise3(t *testing.T) {
	var mem [4]*guarded
	for i := range mem {
		mem[i] = newGuarded(t, 1<<16)
	}
	cputest.Each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(41, 42))
		for i := range 300 {
			g := &DW{
				H: 1 + r.IntN(12), W: 12 + r.IntN(54), Channels: 8 * (1 + r.IntN(5)), Kernel: 3, Stride: 1 + i%2, Dilation: 1,
				PadTop: r.IntN(6) - 3, PadLeft: r.IntN(2), OutH: 1 + r.IntN(9),
			}
			g.OutW = (g.W + g.PadLeft + r.IntN(2) - 3 + g.Stride) / g.Stride
			g.SrcStride, g.DstStride = g.Channels+r.IntN(3), g.Channels+r.IntN(3)
			act := Act(r.IntN(3))
			src := randoms(r, (g.H*g.W-1)*g.SrcStride+g.Channels)
			if i%3 == 0 {
				src[r.IntN(len(src))] = specials[r.IntN(len(specials))]
			}
			before := randoms(r, (g.OutH*g.OutW-1)*g.DstStride+g.Channels)
			f := PackDW(randoms(r, 9*g.Channels), 3, g.Channels)
			var bias, sums, wantSums []float32
			if r.IntN(3) > 0 {
				bias = randoms(r, g.Channels)
			}
			if r.IntN(2) > 0 {
				sums = make([]float32, g.Channels)
				wantSums = make([]float32, g.Channels)
			}
			from := r.IntN(g.OutH)
			to := from + 1 + r.IntN(g.OutH-from)
			want := append([]float32(nil), before...)
			depthwiseGeneric(want, src, f, g, bias, act, from, to, wantSums)
			f.blocks = mem[2].copyOf(f.blocks)
			got := mem[0].copyOf(before)
			Depthwise(got, mem[1].copyOf(src), f, g, mem[3].copyOf(bias), act, from, to, sums)
			mem[0].check(t, len(got))
			for j := range want {
				if !near(got[j], want[j], 1e-5) {
					t.Fatalf("%+v act %d rows %d to %d: dst[%d] = %g, want %g", *g, act, from, to, j, got[j], want[j])
				}
			}
			for c := range sums {
				if w := float64(wantSums[c]); !near(sums[c], wantSums[c], 1e-4) && !math.IsNaN(w) && !math.IsInf(w, 0) {
					t.Fatalf("%+v act %d rows %d to %d: sum of channel %d is %g, want %g", *g, act, from, to, c, sums[c], w)
				}
			}
		}
	})
}
