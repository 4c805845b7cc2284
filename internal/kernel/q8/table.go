package q8

import (
	"math"

	"github.com/mixnet-go/mixnet/internal/kernel"
)

// ActTable returns the table of an activation, from codes of the given step and
// zero point, which is theirs from 0 to 511, to codes of another.
func ActTable(act kernel.Act, step float64, zero int, outStep float64, outZero uint8) *Table {
	t := &Table{}
	for i := range t {
		x := [1]float64{step * float64(i-zero)}
		kernel.Activate(x[:], x[:], act)
		t[i] = clampCode(math.RoundToEven(x[0]/outStep) + float64(outZero))
	}
	return t
}

// clampCode returns the code nearest to x; of NaN, 0.
func clampCode(x float64) uint8 {
	if !(x > 0) {
		return 0
	}
	return uint8(min(x, 255))
}
