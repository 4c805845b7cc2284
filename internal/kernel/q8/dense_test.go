package q8

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
	"github.com/mixnet-go/mixnet/internal/kernel"
)

func TestDenseLevels(t *testing.T) {
	r := source(16)
	cputest.Each(t, func(t *testing.T) {
		for n := 1; n < 300; n += 7 {
			k := 1 + r.IntN(50)
			w, bias, x := floats(r, n*k), floats(r, n), floats(r, k)
			d := PackDense(w, bias, n, k)
			for act := kernel.Identity; act <= kernel.HardSigmoid; act++ {
				sums := make([]float32, ceilDiv(n, panelCols)*panelCols)
				d.generic(sums, x, 0)
				activateGeneric(sums, act)
				got := make([]float32, n)
				d.Apply(got, x, act)
				if !slices.Equal(got, sums[:n]) {
					t.Fatalf("%d×%d, activation %d: %v, want %v", k, n, act, got, sums[:n])
				}
			}
		}
	})
}

// floats returns random ones, some of them large.
func floats(r *rand.Rand, n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		if s[i] = float32(r.NormFloat64()); r.IntN(20) == 0 {
			s[i] *= 50
		}
	}
	return s
}
