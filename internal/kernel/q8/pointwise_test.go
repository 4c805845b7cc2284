package q8

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
)

// pointwiseSizes are rows, inputs and outputs: every tile, tails, and some at
// random.
func pointwiseSizes(r *rand.Rand) (sizes [][3]int) {
	for rows := 1; rows <= 30; rows++ {
		sizes = append(sizes, [3]int{rows, 1 + r.IntN(70), 1 + r.IntN(70)})
	}
	for n := 1; n <= 34; n++ {
		sizes = append(sizes, [3]int{1 + r.IntN(60), 1 + r.IntN(20), n})
	}
	for k := 1; k <= 9; k++ {
		sizes = append(sizes, [3]int{15, k, 20})
	}
	return append(sizes, [3]int{1, 1500, 100}, [3]int{49, 300, 40}, [3]int{1000, 10, 24})
}

// pointwiseCase is a product, and what is to become of it.
type pointwiseCase struct {
	rows, k, n           int
	srcStride, dstStride int
	src                  []uint8
	w                    *Matrix
	ep                   *Epilogue
	want                 []uint8
}

func pointwiseCases(r *rand.Rand) (all []pointwiseCase) {
	for i, s := range pointwiseSizes(r) {
		c := pointwiseCase{rows: s[0], k: s[1], n: s[2]}
		c.srcStride, c.dstStride = c.k+r.IntN(5), c.n+r.IntN(5)
		c.src = codes(r, (c.rows-1)*c.srcStride+c.k)
		c.w, c.ep = PackMatrix(signed(r, c.n*c.k), c.n, c.k), epilogue(r, c.n, c.k, i%3 == 0)
		if i%4 < 2 {
			c.ep.AddStride, c.ep.AddZero, c.ep.AddMul = c.n+r.IntN(5), uint8(r.Uint32()), r.Float32()
			c.ep.Add = codes(r, (c.rows-1)*c.ep.AddStride+c.n)
		}
		if i%5 == 0 { // sums far beyond the codes
			for j := range c.ep.Mul {
				c.ep.Mul[j] = MaxMul * float32(r.IntN(2))
				c.ep.Bias[j] = int32(r.IntN(2)*2-1) * (1<<30 - r.Int32N(1<<20))
			}
		}
		c.want = filled((c.rows-1)*c.dstStride + c.n)
		pointwiseGeneric(c.want, c.dstStride, c.src, c.srcStride, c.rows, c.w, c.ep)
		all = append(all, c)
	}
	return all
}

func TestPointwise(t *testing.T) {
	cases := pointwiseCases(source(11))
	dst, src, add := newGuarded(t, 1<<17), newGuarded(t, 1<<17), newGuarded(t, 1<<17)
	cputest.EachWith(t, sets, func(t *testing.T) {
		for _, c := range cases {
			e := *c.ep
			if e.Add != nil {
				e.Add = add.source(e.Add)
			}
			got := dst.slice(len(c.want))
			Pointwise(got, c.dstStride, src.source(c.src), c.srcStride, c.rows, c.w, &e)
			same(t, got, c.want, "%d×%d×%d", c.rows, c.k, c.n)
			dst.check(t, len(c.want))
		}
	})
}

// The residual may be the destination.
func TestPointwiseInPlace(t *testing.T) {
	r := source(12)
	const rows, k, n = 49, 24, 40
	x, w := codes(r, rows*k), PackMatrix(signed(r, n*k), n, k)
	e := epilogue(r, n, k, false)
	e.Add, e.AddStride, e.AddMul = codes(r, rows*n), n, 0.9
	want := make([]uint8, rows*n)
	pointwiseGeneric(want, n, x, k, rows, w, e)
	before := slices.Clone(e.Add)
	cputest.EachWith(t, sets, func(t *testing.T) {
		copy(e.Add, before)
		Pointwise(e.Add, n, x, k, rows, w, e)
		same(t, e.Add, want, "in place")
	})
}

func TestPointwiseFloat(t *testing.T) {
	r := source(15)
	sizes := pointwiseSizes(r)
	cputest.EachWith(t, sets, func(t *testing.T) {
		for _, s := range sizes {
			rows, k, n := s[0], s[1], s[2]
			x, w, e := codes(r, rows*k), PackMatrix(signed(r, n*k), n, k), epilogue(r, n, k, false)
			want, got := make([]float32, rows*(n+1)), make([]float32, rows*(n+1))
			pointwiseFloatGeneric(want, n+1, x, k, rows, w, e)
			PointwiseFloat(got, n+1, x, k, rows, w, e)
			if !slices.Equal(got, want) {
				t.Fatalf("%d×%d×%d differs", rows, k, n)
			}
		}
	})
}
