package bf16

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
	"github.com/mixnet-go/mixnet/internal/kernel"
)

const tilesSet = cpu.AVX512BF16 | cpu.AMXTile | cpu.AMXBF16

// sets are the features that some kernels ask for.
var sets = []cpu.Feature{cpu.AVX512BF16, tilesSet}

func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func normal(r *rand.Rand, n int, scale float64) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64() * scale)
	}
	return v
}

func rounded(v []float32) []uint16 {
	h := make([]uint16, len(v))
	for i, x := range v {
		h[i] = Round(x)
	}
	return h
}

// same fails the test unless all elements have the same bits, or are NaNs of
// any kind in both.
func same[T uint16 | float32](t *testing.T, got, want []T, what string, args ...any) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] && (got[i] == got[i] || want[i] == want[i]) {
			t.Fatalf(what+": element %d of %d is %v, want %v", append(args, i, len(want), got[i], want[i])...)
		}
	}
}

// special are values at the edges of the format.
func special() []float32 {
	bits := []uint32{
		0, 0x80000000, 1, 0x007fffff, 0x807fffff, 0x00800000, 0x80800001, 0x3f808000, 0x3f818000, 0x3f808001, 0x3f807fff,
		0x7f7f7fff, 0x7f7f8000, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0xffc12345, 0x7fbfffff,
	}
	var v []float32
	for _, b := range bits {
		v = append(v, math.Float32frombits(b))
	}
	return v
}

// Rounding is to nearest, ties to even: of the two neighbours with the lower
// half of the bits zero, the nearer one.
func TestRound(t *testing.T) {
	r := source(1)
	for range 100000 {
		x := math.Float32frombits(r.Uint32())
		got := Value(Round(x))
		switch a := math.Abs(float64(x)); {
		case x != x:
			if got == got || Round(x)&quiet == 0 {
				t.Fatalf("NaN %08x becomes %04x", math.Float32bits(x), Round(x))
			}
		case a < 0x1p-126:
			if got != 0 || math.Signbit(float64(got)) != math.Signbit(float64(x)) {
				t.Fatalf("%g becomes %g", x, got)
			}
		case a < 0x1.ffp127:
			down := Value(uint16(math.Float32bits(x) >> 16))
			up := Value(uint16(math.Float32bits(x)>>16) + 1)
			d, u := math.Abs(float64(x)-float64(down)), math.Abs(float64(up)-float64(x))
			want := down
			if u < d || u == d && math.Float32bits(down)>>16&1 == 1 {
				want = up
			}
			if got != want {
				t.Fatalf("%g becomes %g, want %g", x, got, want)
			}
		}
	}
	for _, c := range []struct {
		x    uint32
		want uint16
	}{{0x7f7fffff, 0x7f80}, {0xff800000, 0xff80}, {0x7f800001, 0x7fc0}, {0xffc12345, 0xffc1}, {0x007fffff, 0}, {0x3f808000, 0x3f80}, {0x3f818000, 0x3f82}} {
		if got := Round(math.Float32frombits(c.x)); got != c.want {
			t.Errorf("%08x becomes %04x, want %04x", c.x, got, c.want)
		}
	}
}

// Every implementation rounds special values as Round does.
func TestFinishRoundsSpecialValues(t *testing.T) {
	r := source(2)
	v := special()
	for len(v) < 3*64 {
		v = append(v, math.Float32frombits(r.Uint32()))
	}
	want := rounded(v)
	for i := range want {
		if v[i] == 0 {
			want[i] = 0 // zero is added
		}
	}
	cputest.EachWith(t, sets, func(t *testing.T) {
		got := make([]uint16, len(v))
		Finish(got, 64, v, 64, 3, 64, Epilogue{}, nil)
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%08x becomes %04x, want %04x", math.Float32bits(v[i]), got[i], want[i])
			}
		}
	})
}

// The approximation of swish is as near as it says, and relative to x near 0.
func TestSwish(t *testing.T) {
	for i := -20000; i <= 20000; i++ {
		x := float64(i) / 1000
		got, want := float64(swish(float32(x))), x/(1+math.Exp(-x))
		if d := math.Abs(got - want); d > 2.1e-4 || math.Abs(x) < 0.01 && d > 1e-6*math.Abs(x) {
			t.Fatalf("swish(%g) is %g, want %g", x, got, want)
		}
	}
	if inf := float32(math.Inf(1)); swish(inf) != inf || swish(-inf) != 0 {
		t.Errorf("swish of infinities: %g, %g", swish(inf), swish(-inf))
	}
	if x := swish(float32(math.NaN())); x == x {
		t.Errorf("swish of NaN: %g", x)
	}
}

var acts = []kernel.Act{kernel.Identity, kernel.ReLU, kernel.ReLU6, kernel.Swish, kernel.HardSwish, kernel.Sigmoid, kernel.HardSigmoid}

// finishCase is an epilogue of some shape.
type finishCase struct {
	rows, n, dstStride, srcStride int
	src                           []float32
	ep                            Epilogue
	sums                          []float32
}

func newFinishCase(r *rand.Rand, act kernel.Act) finishCase {
	c := finishCase{rows: 1 + r.IntN(6), n: 1 + r.IntN(90)}
	c.dstStride, c.srcStride = c.n+r.IntN(20), c.n+r.IntN(20)
	c.src = normal(r, (c.rows-1)*c.srcStride+c.n, 6)
	for i, x := range special() {
		if i < len(c.src) && r.IntN(2) == 0 {
			c.src[(7*i)%len(c.src)] = x
		}
	}
	c.ep.Act = act
	if r.IntN(2) == 0 {
		c.ep.Bias = normal(r, c.n, 1)
	}
	if r.IntN(2) == 0 {
		c.ep.AddStride = c.n + r.IntN(9)
		c.ep.Add = rounded(normal(r, (c.rows-1)*c.ep.AddStride+c.n, 2))
	}
	if r.IntN(2) == 0 {
		c.sums = normal(r, c.n, 1)
	}
	return c
}

// Epilogues of every implementation are those of the loop in Go, for all
// shapes, reading and writing nothing beyond.
func TestFinish(t *testing.T) {
	g := []*guarded{newGuarded(t, 1<<14), newGuarded(t, 1<<14), newGuarded(t, 1<<14), newGuarded(t, 1<<14), newGuarded(t, 1<<14)}
	cputest.EachWith(t, sets, func(t *testing.T) {
		r := source(3)
		for range 40 {
			for _, act := range acts {
				c := newFinishCase(r, act)
				size := (c.rows-1)*c.dstStride + c.n
				want, got := make([]uint16, size), guardedEnd[uint16](g[0], size)
				clear(got)
				wantSums := append([]float32(nil), c.sums...)
				sums := guardedCopy(g[1], c.sums)
				generic := finish{halves: want, dstStride: c.dstStride, src: c.src, srcStride: c.srcStride, rows: c.rows, n: c.n, ep: c.ep, sums: wantSums}
				if c.sums == nil {
					generic.sums = nil
				}
				generic.columns(0, c.n)
				ep := c.ep
				ep.Bias, ep.Add = guardedCopy(g[2], ep.Bias), guardedCopy(g[3], ep.Add)
				Finish(got, c.dstStride, guardedCopy(g[4], c.src), c.srcStride, c.rows, c.n, ep, sums)
				same(t, got, want, "%d×%d, activation %d", c.rows, c.n, act)
				same(t, sums, wantSums, "sums of %d×%d, activation %d", c.rows, c.n, act)
			}
		}
	})
}

func TestRows(t *testing.T) {
	a, b := newGuarded(t, 1<<14), newGuarded(t, 1<<15)
	cputest.EachWith(t, sets, func(t *testing.T) {
		r := source(4)
		for range 60 {
			rows, n := 1+r.IntN(5), 1+r.IntN(120)
			gap := n + r.IntN(9)
			src := guardedCopy(a, rounded(normal(r, (rows-1)*gap+n, 3)))
			factors := normal(r, n, 1)
			wide := guardedEnd[float32](b, (rows-1)*gap+n)
			Widen(wide, gap, src, gap, rows, n)
			sums, want := make([]float32, n), make([]float32, n)
			SumRows(sums, src, gap, rows)
			scaled := make([]uint16, len(src))
			ScaleRows(scaled, gap, src, gap, rows, factors)
			for i := range rows {
				for j := range n {
					x := Value(src[i*gap+j])
					want[j] += x
					if wide[i*gap+j] != x || scaled[i*gap+j] != Round(x*factors[j]) {
						t.Fatalf("%d×%d: element (%d, %d), %g, is %g, and %04x times %g", rows, n, i, j, x, wide[i*gap+j], scaled[i*gap+j], factors[j])
					}
				}
			}
			same(t, sums, want, "sums of %d×%d", rows, n)
		}
	})
}
