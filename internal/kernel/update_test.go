package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
)

// Optimizer steps are bit for bit those of the generic twins, so that training
// takes the same course at every level.
func TestUpdatesEqualGeneric(t *testing.T) {
	var guards [4]*guarded
	for i := range guards {
		guards[i] = newGuarded(t, 256)
	}
	steps := map[string][2]func(x [4][]float32){
		"RMSProp": {
			func(x [4][]float32) { RMSProp(x[0], x[1], x[2], x[3], 0.01, 0.1, 0.9, 1e-3, 0.02) },
			func(x [4][]float32) { rmspropGeneric(x[0], x[1], x[2], x[3], 0.01, 0.1, 0.9, 1e-3, 0.02) },
		},
		"Nesterov": {
			func(x [4][]float32) { Nesterov(x[0], x[1], x[2], 0.01, 0.9, 0.02) },
			func(x [4][]float32) { nesterovGeneric(x[0], x[1], x[2], 0.01, 0.9, 0.02) },
		},
		"AdamW": {
			func(x [4][]float32) { AdamW(x[0], x[1], x[3], x[2], 0.99, 0.1, 0.01, 0.02, 1.1, 1e-8) },
			func(x [4][]float32) { adamwGeneric(x[0], x[1], x[3], x[2], 0.99, 0.1, 0.01, 0.02, 1.1, 1e-8) },
		},
		"Approach": {
			func(x [4][]float32) { Approach(x[0], x[1], 0.125) },
			func(x [4][]float32) { approachGeneric(x[0], x[1], 0.125) },
		},
	}
	cputest.Each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(15, 16))
		for name, step := range steps {
			for n := range 70 {
				var got, want [4][]float32
				for i := range want {
					want[i] = randoms(r, n)
					if i == 2 { // mean squares
						mulVecGeneric(want[i], want[i], want[i])
					}
					got[i] = guards[i].copyOf(want[i])
				}
				step[0](got)
				step[1](want)
				for i := range want {
					guards[i].check(t, n)
					if !slices.Equal(got[i], want[i]) {
						t.Fatalf("%s of %d: operand %d is %v, want %v", name, n, i, got[i], want[i])
					}
				}
			}
		}
	})
}
