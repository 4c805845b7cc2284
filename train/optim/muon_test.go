package optim

import (
	"fmt"
	"math"
	"testing"
)

// Single precision is enough, also for a matrix whose singular values span
// seven decades, and the result's lie where Jordan's polynomial leaves them.
func TestOrthogonalize(t *testing.T) {
	for _, m := range []matrix{{out: 40, in: 120}, {out: 120, in: 40}, {out: 33, in: 33}, {out: 1, in: 9}, {out: 9, in: 1}} {
		for _, decades := range []float64{0, 7} {
			t.Run(fmt.Sprintf("%d×%d,%g", m.out, m.in, decades), func(t *testing.T) {
				wide := make([]float64, m.out*m.in)
				signed(wide, "x", 1)
				for i := range wide {
					part := float64(i/m.in) / float64(m.out)
					if m.out > m.in {
						part = float64(i%m.in) / float64(m.in)
					}
					wide[i] *= math.Pow(10, -decades*part)
				}
				narrow := make([]float32, len(wide))
				for i, v := range wide {
					narrow[i] = float32(v)
				}
				scale, want, got := 1/norm(wide), make([]float64, len(wide)), make([]float32, len(wide))
				orthogonalize(want, wide, m, scale, make([]float64, m.scratchLen()))
				orthogonalize(got, narrow, m, float32(scale), make([]float32, m.scratchLen()))
				for i, w := range want {
					if d := math.Abs(float64(got[i]) - w); !(d < 2e-3) { // bfloat16, which PyTorch computes in, is coarser
						t.Fatalf("value %d: %g, in double precision %g", i, got[i], w)
					}
				}
				if energy := norm(want) * norm(want) / float64(m.short()); decades == 0 && (energy < 0.4 || energy > 1.4) {
					t.Errorf("mean square of the singular values %.3f, want about 1", energy)
				}
			})
		}
	}
}
