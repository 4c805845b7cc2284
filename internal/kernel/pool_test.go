package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
)

// Pools equal their definition for windows of every place and size, NaN and
// infinities included, and touch nothing else.
func TestPool(t *testing.T) {
	from, to := newGuarded(t, 1<<14), newGuarded(t, 1<<14)
	cputest.Each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(31, 32))
		for i := range 400 {
			s := &PoolShape{H: 1 + r.IntN(9), W: 1 + r.IntN(9), C: 1 + r.IntN(70), K: 1 + r.IntN(4), Stride: 1 + r.IntN(3), Top: r.IntN(3), Left: r.IntN(3)}
			s.OutH, s.OutW = 1+r.IntN(6), 1+r.IntN(6)
			s.SrcStride, s.DstStride = s.C+r.IntN(3), s.C+r.IntN(3)
			src := randoms(r, (s.H*s.W-1)*s.SrcStride+s.C)
			if i%2 == 0 {
				src[r.IntN(len(src))] = specials[r.IntN(len(specials))]
			}
			before := randoms(r, (s.OutH*s.OutW-1)*s.DstStride+s.C)
			dst := to.copyOf(before)
			y0 := r.IntN(s.OutH)
			y1 := y0 + r.IntN(s.OutH-y0) + 1
			kind := r.IntN(3) // maximum, mean, mean that counts padding
			if kind == 0 {
				MaxPool(dst, from.copyOf(src), s, y0, y1)
			} else {
				MeanPool(dst, from.copyOf(src), s, kind == 2, y0, y1)
			}
			to.check(t, len(dst))
			for j, got := range dst {
				pixel, c := j/s.DstStride, j%s.DstStride
				want := float64(before[j])
				if y := pixel / s.OutW; c < s.C && y >= y0 && y < y1 {
					want = refPool(src, s, kind, y, pixel%s.OutW, c)
				}
				if !near(got, float32(want), 1e-6) {
					t.Fatalf("kind %d, %+v, rows %d to %d: dst[%d][%d] = %g, want %g", kind, *s, y0, y1, pixel, c, got, want)
				}
			}
		}
	})
}

func refPool(src []float32, s *PoolShape, kind, y, x, c int) float64 {
	sum, most, n := 0.0, math.Inf(-1), 0
	for i := range s.K {
		for j := range s.K {
			iy, ix := y*s.Stride+i-s.Top, x*s.Stride+j-s.Left
			if iy < 0 || iy >= s.H || ix < 0 || ix >= s.W {
				continue
			}
			v := float64(src[(iy*s.W+ix)*s.SrcStride+c])
			sum, most, n = sum+v, max(most, v), n+1
		}
	}
	switch {
	case n == 0:
		return 0
	case kind == 0:
		return most
	case kind == 2:
		n = s.K * s.K
	}
	return sum / float64(n)
}
