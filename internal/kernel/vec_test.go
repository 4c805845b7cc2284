package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
)

// specials are values that kernels must treat like their generic twins do.
var specials = []float32{
	float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 0, float32(math.Copysign(0, -1)),
	math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 1e-39, 3, -3, 6, -88, 88,
}

// values returns n values between -8 and 8, and now and then a special one.
func values(r *rand.Rand, n int, special bool) []float32 {
	s := randoms(r, n)
	for i := range s {
		s[i] *= 8
		if special && r.IntN(16) == 0 {
			s[i] = specials[r.IntN(len(specials))]
		}
	}
	return s
}

// near tells whether got is want, both NaN, or as close as tol relative to
// the larger of |want| and 1.
func near(got, want float32, tol float64) bool {
	if got == want || got != got && want != want {
		return true
	}
	return math.Abs(float64(got)-float64(want)) <= tol*max(1, math.Abs(float64(want)))
}

// loop is one kernel as the tests see it: some matrices and some vectors of
// channels, an activation, and the two implementations.
type loop struct {
	name     string
	mats     int
	chans    int
	act      bool
	dispatch func(x *operands)
	generic  func(x *operands)
}

// operands is what a loop works on.
type operands struct {
	mat     [3][]float32
	stride  [3]int
	chans   [5][]float32
	rows, c int
	act     Act
}

var loops = []loop{
	{
		"AddVec", 3, 0, false,
		func(x *operands) { AddVec(x.mat[0], x.mat[1], x.mat[2]) },
		func(x *operands) { addVecGeneric(x.mat[0], x.mat[1], x.mat[2]) },
	}, {
		"MulVec", 3, 0, false,
		func(x *operands) { MulVec(x.mat[0], x.mat[1], x.mat[2]) },
		func(x *operands) { mulVecGeneric(x.mat[0], x.mat[1], x.mat[2]) },
	}, {
		"MulAdd", 2, 0, false,
		func(x *operands) { MulAdd(x.mat[0], 0.75, x.mat[1]) },
		func(x *operands) { mulAddGeneric(x.mat[0], 0.75, x.mat[1]) },
	}, {
		"Activate", 2, 0, true,
		func(x *operands) { Activate(x.mat[0], x.mat[1], x.act) },
		func(x *operands) { activateGeneric(x.mat[0], x.mat[1], x.act) },
	}, {
		"ActivateGrad", 2, 0, true,
		func(x *operands) { ActivateGrad(x.mat[0], x.mat[1], x.act) },
		func(x *operands) { actGradGeneric(x.mat[0], x.mat[1], x.act) },
	}, {
		"ScaleRows", 2, 1, false,
		func(x *operands) { ScaleRows(x.mat[0], x.stride[0], x.mat[1], x.stride[1], x.rows, x.chans[0]) },
		func(x *operands) { scaleRowsGeneric(x.mat[0], x.stride[0], x.mat[1], x.stride[1], x.rows, x.chans[0]) },
	}, {
		"SumRows", 1, 1, false,
		func(x *operands) { SumRows(x.chans[0], x.mat[0], x.stride[0], x.rows) },
		func(x *operands) { sumRowsGeneric(x.chans[0], x.mat[0], x.stride[0], x.rows) },
	}, {
		"DotRows", 2, 1, false,
		func(x *operands) { DotRows(x.chans[0], x.mat[0], x.stride[0], x.mat[1], x.stride[1], x.rows) },
		func(x *operands) { dotRowsGeneric(x.chans[0], x.mat[0], x.stride[0], x.mat[1], x.stride[1], x.rows) },
	}, {
		"Moments", 1, 3, false,
		func(x *operands) { Moments(x.mat[0], x.stride[0], x.rows, x.chans[0], x.chans[1], x.chans[2]) },
		func(x *operands) { momentsGeneric(x.mat[0], x.stride[0], x.rows, x.chans[0], x.chans[1], x.chans[2]) },
	}, {
		"AffineAct", 2, 2, true,
		func(x *operands) {
			AffineAct(x.mat[0], x.stride[0], x.mat[1], x.stride[1], x.rows, x.chans[0], x.chans[1], x.act)
		},
		func(x *operands) {
			affineActGeneric(x.mat[0], x.stride[0], x.mat[1], x.stride[1], x.rows, x.chans[0], x.chans[1], x.act)
		},
	}, {
		"AffineActGrad", 2, 5, true,
		func(x *operands) {
			AffineActGrad(x.mat[0], x.stride[0], x.mat[1], x.stride[1], x.rows, x.chans[0], x.chans[1], x.chans[2], x.act, x.chans[3], x.chans[4])
		},
		func(x *operands) {
			affineActGradGeneric(x.mat[0], x.stride[0], x.mat[1], x.stride[1], x.rows, x.chans[0], x.chans[1], x.chans[2], x.act, x.chans[3], x.chans[4])
		},
	}, {
		"AffineSwishGrad", 3, 5, false,
		func(x *operands) {
			AffineSwishGrad(x.mat[0], x.stride[0], x.mat[1], x.stride[1], x.mat[2], x.stride[2], x.rows, x.chans[0], x.chans[1], x.chans[2], x.chans[3], x.chans[4])
		},
		func(x *operands) {
			affineSwishGradGeneric(x.mat[0], x.stride[0], x.mat[1], x.stride[1], x.mat[2], x.stride[2], x.rows, x.chans[0], x.chans[1], x.chans[2], x.chans[3], x.chans[4])
		},
	}, {
		"Affine2", 3, 3, false,
		func(x *operands) {
			Affine2(x.mat[0], x.stride[0], x.mat[1], x.stride[1], x.mat[2], x.stride[2], x.rows, x.chans[0], x.chans[1], x.chans[2])
		},
		func(x *operands) {
			affine2Generic(x.mat[0], x.stride[0], x.mat[1], x.stride[1], x.mat[2], x.stride[2], x.rows, x.chans[0], x.chans[1], x.chans[2])
		},
	},
}

// Every loop equals its generic twin for any number of channels up to two
// vectors and a bit beyond the largest block, touches nothing else, and treats
// special values alike. The tolerance allows for a different order of, and
// fused, rounding: values are up to 8 and products of three of them up to 512.
func TestLoopsEqualGeneric(t *testing.T) {
	var guards [8]*guarded
	for i := range guards {
		guards[i] = newGuarded(t, 4096)
	}
	cputest.Each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		for _, l := range loops {
			for c := 1; c <= 140; c += 1 + c/40 {
				for _, special := range []bool{false, true} {
					x := operands{rows: 1 + r.IntN(7), c: c}
					if l.act {
						x.act = Act(c % int(HardSigmoid+1))
					}
					checkLoop(t, r, &l, x, special, guards[:])
				}
			}
		}
	})
}

func checkLoop(t *testing.T, r *rand.Rand, l *loop, x operands, special bool, guards []*guarded) {
	t.Helper()
	if l.chans == 0 { // plain vectors
		x.rows = 1
	}
	for i := range l.mats {
		x.stride[i] = x.c + r.IntN(3)*r.IntN(20)
		x.mat[i] = values(r, (x.rows-1)*x.stride[i]+x.c, special)
	}
	for i := range l.chans {
		x.chans[i] = values(r, x.c, special)
	}
	got := x
	for i := range x.mat {
		got.mat[i] = guards[i].copyOf(x.mat[i])
	}
	for i := range x.chans {
		got.chans[i] = guards[3+i].copyOf(x.chans[i])
	}
	l.dispatch(&got)
	l.generic(&x)
	name := fmt.Sprintf("%s rows=%d c=%d act=%d special=%v", l.name, x.rows, x.c, x.act, special)
	tol := 1e-6 * 512 * float64(x.rows)
	compare := func(what string, g *guarded, got, want []float32) {
		g.check(t, len(want))
		for i := range want {
			if !near(got[i], want[i], tol) {
				t.Fatalf("%s: %s[%d] = %g, want %g", name, what, i, got[i], want[i])
			}
		}
	}
	for i := range l.mats {
		compare(fmt.Sprint("matrix ", i), guards[i], got.mat[i], x.mat[i])
	}
	for i := range l.chans {
		compare(fmt.Sprint("channels ", i), guards[3+i], got.chans[i], x.chans[i])
	}
}

// Activations and their slopes are those of float64 mathematics, within 4
// units in the last place where nothing cancels, over all of the range. The
// pieces of AVX-512's swish are right to 4 units in the last place of x/2: less
// is left of negative x, of which the others keep as many digits.
func TestActivationAccuracy(t *testing.T) {
	var x []float32
	for b := uint32(0); b < 0xff<<23; b += 100003 {
		v := math.Float32frombits(b)
		x = append(x, v, -v)
	}
	for v := float32(-90); v < 90; v += 0.00317 {
		x = append(x, v)
	}
	cputest.Each(t, func(t *testing.T) {
		y := make([]float32, len(x))
		for a := Identity; a <= HardSigmoid; a++ {
			Activate(y, x, a)
			worst, at := 0.0, float32(0)
			for i, v := range x {
				want := actRef(float64(v), a)
				// The smallest σ is e^-87.33.
				err := math.Abs(float64(y[i]) - want)
				if float64(y[i]) == want || err <= 1.2e-38*max(1, math.Abs(float64(v))) {
					continue
				}
				unit := math.Abs(want)
				if a == Swish && cpu.Current() == cpu.AVX512 {
					unit = max(unit, math.Abs(float64(v))/2)
				}
				if e := err / unit * 0x1p23; !(e <= worst) {
					worst, at = e, v
				}
			}
			if !(worst <= 4) {
				t.Errorf("activation %d is wrong by %.2f units in the last place at %g", a, worst, at)
			}
		}
	})
}

// The slope of swish is the same from its values as from what it is applied
// to.
func TestSwishGrad(t *testing.T) {
	var x []float32
	for b := uint32(0); b < 0x43000000; b += 1000003 {
		v := math.Float32frombits(b)
		x = append(x, v, -v)
	}
	one, zero := []float32{1}, []float32{0}
	cputest.Each(t, func(t *testing.T) {
		y, want, got := make([]float32, len(x)), slices.Repeat([]float32{1}, len(x)), slices.Repeat([]float32{1}, len(x))
		Activate(y, x, Swish)
		ActivateGrad(want, x, Swish)
		var sum, dot [1]float32
		AffineSwishGrad(got, 1, x, 1, y, 1, len(x), one, zero, zero, sum[:], dot[:])
		for i := range x {
			if !near(got[i], want[i], 1e-5) {
				t.Fatalf("slope of swish at %g is %g, want %g", x[i], got[i], want[i])
			}
		}
	})
}

// Slopes are the derivatives of the activations.
func TestActivationSlope(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		for a := Identity; a <= HardSigmoid; a++ {
			var x []float32
			for v := float32(-9.005); v < 9; v += 0.01 {
				x = append(x, v)
			}
			g := slices.Repeat([]float32{2}, len(x))
			ActivateGrad(g, x, a)
			for i, v := range x {
				const h = 1e-4
				want := (actRef(float64(v)+h, a) - actRef(float64(v)-h, a)) / h
				if math.Abs(float64(g[i])-want) > 1e-5 {
					t.Fatalf("slope of activation %d at %g is %g, want %g", a, v, g[i]/2, want/2)
				}
			}
		}
	})
}
