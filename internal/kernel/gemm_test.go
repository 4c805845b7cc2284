package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
)

// randoms returns n values between -1 and 1.
func randoms(r *rand.Rand, n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = 2*r.Float32() - 1
	}
	return s
}

// actRef is the definition of the activations, in float64.
func actRef(x float64, a Act) float64 {
	switch a {
	case ReLU:
		return max(x, 0)
	case ReLU6:
		return min(max(x, 0), 6)
	case Swish:
		return x / (1 + math.Exp(-x))
	case HardSwish:
		return x * min(max(x+3, 0), 6) / 6
	case Sigmoid:
		return 1 / (1 + math.Exp(-x))
	case HardSigmoid:
		return min(max(x+3, 0), 6) / 6
	}
	return x
}

func TestPointwise(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, rows := range []int{1, 2, 3, 5, 6, 7, 13} {
			for _, k := range []int{1, 3, 16, 33} {
				for _, n := range []int{1, 4, 8, 12, 15, 16, 17, 24, 31, 40} {
					for a := Identity; a <= HardSigmoid; a++ {
						checkPointwise(t, r, rows, k, n, a)
					}
				}
			}
		}
	})
}

// checkPointwise compares one product with sums in float64. The error of a
// float32 sum of k products of values up to 1 is below (k+2)·2^-24 times k.
func checkPointwise(t *testing.T, r *rand.Rand, rows, k, n int, a Act) {
	t.Helper()
	dstStride, srcStride, addStride := n+r.IntN(3), k+r.IntN(3), n+r.IntN(3)
	src := randoms(r, (rows-1)*srcStride+k)
	w := randoms(r, n*k)
	dst := randoms(r, (rows-1)*dstStride+n)
	old := append([]float32(nil), dst...)
	m := PackMatrix(w, n, k)
	ep := &Epilogue{Act: a}
	if r.IntN(3) > 0 {
		ep.Bias = randoms(r, n)
	}
	if r.IntN(2) > 0 {
		ep.Add, ep.AddStride = randoms(r, (rows-1)*addStride+n), addStride
	}
	if r.IntN(3) == 0 {
		ep.InScale, ep.Scratch = randoms(r, k), make([]float32, m.InScaleScratch())
	}
	Pointwise(dst, dstStride, src, srcStride, rows, m, ep)
	name := fmt.Sprintf("rows=%d k=%d n=%d act=%d bias=%v add=%v scale=%v", rows, k, n, a, ep.Bias != nil, ep.Add != nil, ep.InScale != nil)
	tol := float64(k*(k+2))*0x1p-24*2 + 1e-6
	for i, got := range dst {
		row, col := i/dstStride, i%dstStride
		if col >= n {
			if got != old[i] {
				t.Fatalf("%s: wrote between rows at %d", name, i)
			}
			continue
		}
		var sum float64
		for j := range k {
			x := float64(src[row*srcStride+j])
			if ep.InScale != nil {
				x *= float64(ep.InScale[j])
			}
			sum += x * float64(w[col*k+j])
		}
		if ep.Bias != nil {
			sum += float64(ep.Bias[col])
		}
		want := actRef(sum, a)
		if ep.Add != nil {
			want += float64(ep.Add[row*addStride+col])
		}
		if !(math.Abs(float64(got)-want) <= tol) {
			t.Fatalf("%s: dst[%d][%d] = %g, want %g ± %.2g", name, row, col, got, want, tol)
		}
	}
}
