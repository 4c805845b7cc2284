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

// pointwiseCase is one product and everything that may come with it.
type pointwiseCase struct {
	rows, k, n                      int
	dstStride, srcStride, addStride int
	dst, src, w                     []float32
	from                            []int // where inputs lie; nil for 0, 1, 2, …
	ep                              Epilogue
}

func newPointwiseCase(r *rand.Rand, rows, k, n int, a Act, special bool) *pointwiseCase {
	c := &pointwiseCase{rows: rows, k: k, n: n, dstStride: n + r.IntN(3), addStride: n + r.IntN(3)}
	span := k
	if r.IntN(3) == 0 {
		c.from = make([]int, k)
		span = 0
		for i := range c.from {
			c.from[i] = span + r.IntN(3)
			span = c.from[i] + 1
		}
	}
	c.srcStride = span + r.IntN(3)
	c.dst = randoms(r, (rows-1)*c.dstStride+n)
	c.src = randoms(r, (rows-1)*c.srcStride+span)
	c.w = randoms(r, n*k)
	if special {
		c.src[r.IntN(len(c.src))] = specials[r.IntN(len(specials))]
		c.w[r.IntN(len(c.w))] = specials[r.IntN(len(specials))]
	}
	c.ep.Act = a
	if r.IntN(3) > 0 {
		c.ep.Bias = randoms(r, n)
	}
	if r.IntN(2) > 0 {
		c.ep.Add, c.ep.AddStride = randoms(r, (rows-1)*c.addStride+n), c.addStride
	}
	if r.IntN(3) == 0 {
		c.ep.InScale = randoms(r, k)
	}
	return c
}

func (c *pointwiseCase) String() string {
	return fmt.Sprintf("rows=%d k=%d n=%d act=%d bias=%v add=%v scale=%v", c.rows, c.k, c.n, c.ep.Act, c.ep.Bias != nil, c.ep.Add != nil, c.ep.InScale != nil)
}

// run multiplies guarded copies of the operands.
func (c *pointwiseCase) run(t *testing.T, g []*guarded) []float32 {
	t.Helper()
	m := PackMatrix(c.w, c.n, c.k)
	copy(g[5].slice(len(m.panels)), m.panels)
	m.panels = g[5].slice(len(m.panels))
	if c.from != nil {
		m.Gather(c.from)
	}
	ep := c.ep
	ep.Bias, ep.Add, ep.InScale = g[2].copyOf(ep.Bias), g[3].copyOf(ep.Add), g[4].copyOf(ep.InScale)
	if ep.InScale != nil {
		ep.Scratch = g[6].slice(m.InScaleScratch())
	}
	dst := g[0].copyOf(c.dst)
	Pointwise(dst, c.dstStride, g[1].copyOf(c.src), c.srcStride, c.rows, m, &ep)
	g[0].check(t, len(dst))
	return dst
}

// check compares got with sums in float64. The error of a float32 sum of k
// products of values up to 1 is below k·(k+2)·2^-24, and the slope of an
// activation below 2.
func (c *pointwiseCase) check(t *testing.T, got []float32) {
	t.Helper()
	tol := float64(c.k*(c.k+2))*0x1p-23 + 1e-6
	for i, y := range got {
		row, col := i/c.dstStride, i%c.dstStride
		if col >= c.n {
			if y != c.dst[i] {
				t.Fatalf("%v: wrote between rows at %d", c, i)
			}
			continue
		}
		var sum float64
		for j := range c.k {
			at := j
			if c.from != nil {
				at = c.from[j]
			}
			x := float64(c.src[row*c.srcStride+at])
			if c.ep.InScale != nil {
				x *= float64(c.ep.InScale[j])
			}
			sum += x * float64(c.w[col*c.k+j])
		}
		if c.ep.Bias != nil {
			sum += float64(c.ep.Bias[col])
		}
		if c.ep.Add != nil {
			sum += float64(c.ep.Add[row*c.addStride+col])
		}
		want := actRef(sum, c.ep.Act)
		if !(math.Abs(float64(y)-want) <= tol) {
			t.Fatalf("%v: dst[%d][%d] = %g, want %g ± %.2g", c, row, col, y, want, tol)
		}
	}
}

func pointwiseGuards(t *testing.T) []*guarded {
	g := make([]*guarded, 7)
	for i := range g {
		g[i] = newGuarded(t, 1<<15)
	}
	return g
}

// Every number of rows and outputs around the tiles and vectors, with each
// activation, is multiplied right, and nothing else is touched.
func TestPointwise(t *testing.T) {
	g := pointwiseGuards(t)
	cputest.EachWith(t, widths, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for rows := 1; rows <= 30; rows++ {
			for n := 1; n <= 66; n += 1 + n/34 {
				k := []int{1, 2, 3, 4, 5, 8, 16, 33}[(rows+n)%8]
				c := newPointwiseCase(r, rows, k, n, Act((rows+3*n)%7), false)
				c.check(t, c.run(t, g))
			}
		}
		for _, k := range []int{200, 1000} {
			c := newPointwiseCase(r, 9, k, 13, Identity, false)
			c.check(t, c.run(t, g))
		}
	})
}

// NaN, infinities and the like have the same effect as in the generic twin.
func TestPointwiseSpecial(t *testing.T) {
	g := pointwiseGuards(t)
	cputest.EachWith(t, widths, func(t *testing.T) {
		r := rand.New(rand.NewPCG(9, 10))
		for i := range 400 {
			c := newPointwiseCase(r, 1+r.IntN(15), 1+r.IntN(9), 1+r.IntN(40), Act(i%7), true)
			got := c.run(t, g)
			m := PackMatrix(c.w, c.n, c.k)
			m.from = c.from
			if c.ep.InScale != nil {
				scaled := m.scaled(make([]float32, len(m.panels)), c.ep.InScale)
				m = &scaled
			}
			pointwiseGeneric(c.dst, c.dstStride, c.src, c.srcStride, c.rows, m, &c.ep)
			for j, want := range c.dst {
				if !near(got[j], want, 1e-4) {
					t.Fatalf("%v: dst[%d] = %g, want %g", c, j, got[j], want)
				}
			}
		}
	})
}

// The residual may be the destination itself.
func TestPointwiseAddInPlace(t *testing.T) {
	cputest.EachWith(t, widths, func(t *testing.T) {
		r := rand.New(rand.NewPCG(11, 12))
		c := newPointwiseCase(r, 27, 12, 37, ReLU, false)
		m := PackMatrix(c.w, c.n, c.k)
		m.from = c.from
		ep := Epilogue{Act: ReLU, Add: append([]float32(nil), c.dst...), AddStride: c.dstStride}
		want := append([]float32(nil), c.dst...)
		Pointwise(want, c.dstStride, c.src, c.srcStride, c.rows, m, &ep)
		ep.Add = c.dst
		Pointwise(c.dst, c.dstStride, c.src, c.srcStride, c.rows, m, &ep)
		for i := range want {
			if c.dst[i] != want[i] {
				t.Fatalf("dst[%d] = %g in place, %g apart", i, c.dst[i], want[i])
			}
		}
	})
}

// widths are the features that decide how the last columns are multiplied.
var widths = []cpu.Feature{cpu.AVX512Halves}

func FuzzPointwise(f *testing.F) {
	f.Add(uint64(1), uint8(7), uint8(16), uint8(16), uint8(0))
	f.Add(uint64(2), uint8(49), uint8(1), uint8(100), uint8(3))
	f.Fuzz(func(t *testing.T, seed uint64, rows, k, n, act uint8) {
		g := pointwiseGuards(t)
		cputest.EachWith(t, widths, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			c := newPointwiseCase(r, 1+int(rows)%60, 1+int(k)%60, 1+int(n)%120, Act(act%7), false)
			c.check(t, c.run(t, g))
		})
	})
}

// Matrices are packed from either layout, and again in place.
func TestPack(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	const out, in = 21, 5
	w := randoms(r, out*in)
	transposed := make([]float32, len(w))
	for n := range out {
		for k := range in {
			transposed[k*out+n] = w[n*in+k]
		}
	}
	want := PackMatrix(w, out, in)
	got := NewMatrix[float32](out, in)
	got.Pack(randoms(r, out*in))
	got.Pack(w)
	if !slices.Equal(got.panels, want.panels) {
		t.Error("packing again differs")
	}
	got.PackTransposed(transposed)
	if !slices.Equal(got.panels, want.panels) {
		t.Error("packing the transpose differs")
	}
}

func TestNoAllocations(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 1))
		x, y, z := randoms(r, 4096), randoms(r, 4096), randoms(r, 4096)
		c := randoms(r, 32)
		m := PackMatrix(randoms(r, 32*32), 32, 32)
		ep := &Epilogue{Bias: c, Act: Swish, Add: z, AddStride: 32, InScale: c, Scratch: make([]float32, m.InScaleScratch())}
		shape := &ConvShape{H: 32, W: 40, C: 3, Pixel: 3, K: 3, Stride: 1, Dilation: 1, Top: 1, Left: 1, OutH: 3, OutW: 38}
		stem, scratch := PackConv(randoms(r, 8*27), 8, 3, 3), make([]float32, shape.ConvScratch())
		bytes := make([]uint8, 4096)
		halves := StrassenIn(make([]float32, StrassenLen(32, 32)), x, 32, 32, nil)
		sums := make([]float32, halves.Scratch(100))
		all := &operands{
			mat: [3][]float32{x, y, z}, stride: [3]int{32, 32, 32}, rows: 100, c: 32, act: Swish,
			chans: [5][]float32{c, c, c, c, c},
		}
		allocs := testing.AllocsPerRun(10, func() {
			Pointwise(y, 32, x, 32, 100, m, ep)
			Pointwise(y, 32, x, 32, 100, m, nil)
			halves.Product(y, 32, x, 32, 100, c, Swish, sums)
			Conv(y, 8, x, shape, 0, 3, stem, nil, scratch)
			ConvBytes(y, 8, bytes, shape, c, 0, 3, stem, nil, scratch)
			MulTransA(y, 32, x, 32, 32, z, 32, 32, 100)
			for _, l := range loops {
				l.dispatch(all)
			}
		})
		if allocs != 0 {
			t.Errorf("%v allocations", allocs)
		}
	})
}
