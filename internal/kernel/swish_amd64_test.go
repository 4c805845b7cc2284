//go:build !purego

package kernel

import (
	"math"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu"
)

// swishTwin is what AVX-512's assembly of swish computes, step by step: max(x, 0)
// less a polynomial in a = |x|, of the piece that the upper bits of a+2 name.
func swishTwin(x float32) float32 {
	if x != x {
		return x
	}
	a := min(max(x, -x), 18)
	piece := math.Float32bits(a+2) >> 20 % 32
	r := swishPieces[4*32+piece]
	for d := 3; d >= 0; d-- {
		r = float32(math.FMA(float64(r), float64(a), float64(swishPieces[32*d+int(piece)])))
	}
	return max(x, 0) - r
}

// The assembly of AVX-512 equals its twin, but for a bit where a sum is rounded
// to a float64 before.
func TestSwishTwin(t *testing.T) {
	restore, err := cpu.Set(cpu.AVX512)
	if err != nil {
		t.Skip(err)
	}
	defer restore()
	var x []float32
	for b := uint32(0); b < 0xff<<23; b += 50021 {
		v := math.Float32frombits(b)
		x = append(x, v, -v)
	}
	y := make([]float32, len(x))
	Activate(y, x, Swish)
	for i, v := range x {
		if want := swishTwin(v); math.Abs(float64(y[i]-want)) > 1e-7*max(1, math.Abs(float64(want))) {
			t.Fatalf("swish(%g) = %g, want %g", v, y[i], want)
		}
	}
	negative, infinite := float32(math.Copysign(0, -1)), float32(math.Inf(1))
	special := []float32{0, negative, infinite, -infinite, float32(math.NaN()), -math.SmallestNonzeroFloat32, 18, -18, -17.99999}
	y = y[:len(special)]
	Activate(y, special, Swish)
	for i, v := range special {
		want := swishTwin(v)
		if i == 1 {
			want = negative
		}
		if math.Float32bits(y[i]) != math.Float32bits(want) && y[i] == y[i] {
			t.Errorf("swish(%g) = %g, want %g", v, y[i], want)
		}
	}
	if y[4] == y[4] {
		t.Errorf("swish(NaN) = %g", y[4])
	}
}
