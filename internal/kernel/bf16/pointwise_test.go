package bf16

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
	"github.com/mixnet-go/mixnet/internal/kernel"
)

// productCase is a 1×1 convolution.
type productCase struct {
	rows, k, n           int
	srcStride, dstStride int
	src                  []uint16
	weights              []float32
	scale                []float32
	w                    *Matrix
	ep                   Epilogue
}

func newProductCase(r *rand.Rand, rows, k, n int) *productCase {
	c := &productCase{rows: rows, k: k, n: n, srcStride: k + r.IntN(5), dstStride: n + r.IntN(5)}
	c.src = rounded(normal(r, (rows-1)*c.srcStride+k, 1))
	c.weights = normal(r, n*k, 1/math.Sqrt(float64(k)))
	c.w = MatrixIn(make([]uint16, MatrixLen(n, k)), n, k)
	c.w.Pack(c.weights, nil)
	c.ep = Epilogue{Bias: normal(r, n, 0.5), Act: acts[r.IntN(5)]}
	if r.IntN(2) == 0 {
		c.ep.AddStride = n
		c.ep.Add = rounded(normal(r, rows*n, 1))
	}
	if r.IntN(3) == 0 {
		c.scale = normal(r, k, 1)
	}
	return c
}

// input returns input k of a row as it is multiplied.
func (c *productCase) input(row, k int) uint16 {
	x := c.src[row*c.srcStride+k]
	if c.scale != nil && c.rows <= c.n {
		x = Round(Value(x) * c.scale[k])
	}
	return x
}

// weight returns weight (n, k) as it is multiplied.
func (c *productCase) weight(n, k int) float32 {
	w := Value(Round(c.weights[n*c.k+k]))
	if c.scale != nil && c.rows > c.n {
		w = Value(Round(w * c.scale[k]))
	}
	return w
}

// sum returns the sum of output n of a row, by pairs of inputs.
func (c *productCase) sum(row, n int) (s float32) {
	for k := 0; k < c.k; k += 2 {
		if k+1 < c.k {
			s += float32(Value(c.input(row, k+1)) * c.weight(n, k+1))
		}
		s += float32(Value(c.input(row, k)) * c.weight(n, k))
	}
	return s
}

// tileSum is sum in the order of tile registers.
func (c *productCase) tileSum(row, n int) (s float32) {
	steps := max(1, (c.k+31)/32)
	pairs := ((c.k+1)/2 + steps - 1) / steps
	for k0 := 0; k0 < c.k; k0 += 2 * pairs {
		var of [2]float32
		for k := k0; k < min(k0+2*pairs, c.k); k++ {
			of[k%2] += float32(Value(c.input(row, k)) * c.weight(n, k))
		}
		s += float32(of[0] + of[1])
	}
	return s
}

// result returns output n of a row, of a sum.
func (c *productCase) result(row, n int, s float32) float32 {
	s += c.ep.Bias[n]
	if c.ep.Add != nil {
		s += Value(c.ep.Add[row*c.ep.AddStride+n])
	}
	return activate(s, c.ep.Act)
}

func (c *productCase) String() string {
	return fmt.Sprintf("%d×%d×%d, scaled %v", c.rows, c.k, c.n, c.scale != nil)
}

// check compares the result of Pointwise with sums in one of the orders: that of
// tile registers for rows that are multiplied in them.
func (c *productCase) check(t *testing.T, got []uint16) {
	t.Helper()
	block := rowBlock(c.rows)
	for r := range c.rows {
		inTiles := useTiles(c.rows) && useTiles(min(block, c.rows-r/block*block))
		for n := range c.n {
			s := c.sum(r, n)
			if inTiles {
				s = c.tileSum(r, n)
			}
			if want := Round(c.result(r, n, s)); got[r*c.dstStride+n] != want {
				t.Fatalf("%v: (%d, %d) is %g, want %g", c, r, n, Value(got[r*c.dstStride+n]), Value(want))
			}
		}
	}
}

var shapes = [][3]int{{1, 1, 1}, {1, 40, 1000}, {16, 16, 16}, {17, 33, 5}, {49, 200, 40}, {70, 12, 20}, {100, 7, 33}, {130, 72, 64}, {33, 70, 48}, {61, 64, 31}}

// Sums have the bits of the order that is promised, in every implementation, and
// nothing is written between the pixels or beyond.
func TestPointwise(t *testing.T) {
	in, out := newGuarded(t, 1<<16), newGuarded(t, 1<<17)
	cputest.EachWith(t, sets, func(t *testing.T) {
		r := source(5)
		for i := range 30 {
			rows, k, n := 1+r.IntN(80), 1+r.IntN(100), 1+r.IntN(70)
			if i < len(shapes) {
				rows, k, n = shapes[i][0], shapes[i][1], shapes[i][2]
			}
			c := newProductCase(r, rows, k, n)
			c.src = guardedCopy(in, c.src)
			got := guardedEnd[uint16](out, (rows-1)*c.dstStride+n)
			for i := range got {
				got[i] = 0xdead
			}
			scratch := normal(r, c.w.Scratch(rows, c.scale != nil), math.NaN())
			Pointwise(got, c.dstStride, c.src, c.srcStride, rows, c.scale, c.w, c.ep, scratch)
			c.check(t, got)
			for i, h := range got {
				if i%c.dstStride >= n && h != 0xdead {
					t.Fatalf("%v: wrote between pixels", c)
				}
			}
			floats := make([]float32, rows*n)
			PointwiseFloat(floats, n, c.src, c.srcStride, rows, c.scale, c.w, c.ep, scratch)
			for i, x := range floats {
				if Round(x) != got[i/n*c.dstStride+i%n] {
					t.Fatalf("%v: %g as float, %g rounded", c, x, Value(got[i/n*c.dstStride+i%n]))
				}
			}
		}
	})
}

// Against sums in float64 of the same inputs and weights, errors are those of
// float32; against inputs and weights that are not rounded, those of bfloat16.
func TestPointwiseErrors(t *testing.T) {
	cputest.EachWith(t, sets, func(t *testing.T) {
		r := source(6)
		const rows, k, n = 40, 384, 48
		x, w := normal(r, rows*k, 1), normal(r, n*k, 1/math.Sqrt(k))
		m := MatrixIn(make([]uint16, MatrixLen(n, k)), n, k)
		m.Pack(w, nil)
		got := make([]float32, rows*n)
		PointwiseFloat(got, n, rounded(x), k, rows, nil, m, Epilogue{}, make([]float32, m.Scratch(rows, false)))
		for i := range rows {
			for j := range n {
				exact, same, bound := 0.0, 0.0, 0.0
				for l := range k {
					a, b := float64(x[i*k+l]), float64(w[j*k+l])
					exact += a * b
					bound += math.Abs(a * b)
					same += float64(Value(Round(x[i*k+l]))) * float64(Value(Round(w[j*k+l])))
				}
				v := float64(got[i*n+j])
				if d := math.Abs(v - same); d > k*0x1p-24*bound*1.02 {
					t.Fatalf("(%d, %d): %g beside the sum of the same products", i, j, d)
				}
				if d := math.Abs(v - exact); d > 0x1p-8*1.01*bound {
					t.Fatalf("(%d, %d): %g beside the exact sum, of terms of %g", i, j, d, bound)
				}
			}
		}
	})
}

// What tile registers do with packed weights, in Go, is the order of sums that is
// promised: so packing, steps and padding are tested on machines without them.
func TestTilesOrder(t *testing.T) {
	r := source(7)
	for _, s := range shapes {
		c := newProductCase(r, s[0], s[1], s[2])
		stride := c.w.padded()
		x, sums := make([]uint16, c.rows*stride), make([]float32, c.rows*blockCols)
		w, scale := c.w, c.scale
		if scale != nil && c.rows > c.n {
			s := w.scaled(scale, make([]uint16, MatrixLen(c.n, c.k)))
			w, scale = &s, nil
		}
		prepareRows(x, stride, c.src, c.srcStride, c.k, c.rows, scale)
		for n0 := 0; n0 < c.n; n0 += blockCols {
			multiplyTiles(sums, x, stride, c.rows, w, n0)
			for i := range c.rows {
				for j := range min(blockCols, c.n-n0) {
					if got, want := sums[i*blockCols+j], c.tileSum(i, n0+j); got != want {
						t.Fatalf("%v: (%d, %d) is %g, want %g", c, i, n0+j, got, want)
					}
				}
			}
		}
	}
}

// A NaN or an infinity stays in its row, whatever lies behind the inputs.
func TestNaNStaysInItsRow(t *testing.T) {
	cputest.EachWith(t, sets, func(t *testing.T) {
		r := source(8)
		for _, k := range []int{31, 70, 96} {
			c := newProductCase(r, 33, k, 40)
			c.ep.Act, c.scale = kernel.Identity, nil
			c.srcStride = k + 2
			src := make([]uint16, c.rows*c.srcStride+64)
			for i := range src {
				src[i] = 0x7fc0 // between the rows
			}
			for i := range c.rows {
				copy(src[i*c.srcStride:][:k], rounded(normal(r, k, 1)))
			}
			src[5*c.srcStride+k-1] = 0x7fc0
			got := make([]float32, c.rows*c.n)
			PointwiseFloat(got, c.n, src, c.srcStride, c.rows, nil, c.w, c.ep, make([]float32, c.w.Scratch(c.rows, c.scale != nil)))
			for i, x := range got {
				if (x != x) != (i/c.n == 5) {
					t.Fatalf("%d inputs: row %d has %g", k, i/c.n, x)
				}
			}
		}
	})
}

func TestTooShort(t *testing.T) {
	r := source(9)
	c := newProductCase(r, 10, 20, 30)
	scratch := make([]float32, c.w.Scratch(c.rows, c.scale != nil))
	dst := make([]uint16, 10*c.dstStride)
	for i, f := range []func(){
		func() { Pointwise(dst[:100], c.dstStride, c.src, c.srcStride, 10, nil, c.w, c.ep, scratch) },
		func() { Pointwise(dst, c.dstStride, c.src[:100], c.srcStride, 10, nil, c.w, c.ep, scratch) },
		func() { Pointwise(dst, c.dstStride, c.src, c.srcStride, 10, nil, c.w, c.ep, scratch[:10]) },
		func() { Pointwise(dst, c.dstStride, c.src, c.srcStride, 10, scratch[:2], c.w, c.ep, scratch) },
		func() { Widen(scratch[:1], 2, dst, 2, 2, 2) },
		func() { Finish(dst[:3], 2, scratch, 2, 2, 2, Epilogue{}, nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("call %d did not panic", i)
				}
			}()
			f()
		}()
	}
}

func TestNoAllocations(t *testing.T) {
	r := source(10)
	c := newProductCase(r, 49, 64, 40)
	c.scale = normal(r, c.k, 1)
	dst, scratch := make([]uint16, 49*c.dstStride), make([]float32, c.w.Scratch(c.rows, c.scale != nil))
	cputest.EachWith(t, sets, func(t *testing.T) {
		allocs := testing.AllocsPerRun(10, func() {
			Pointwise(dst, c.dstStride, c.src, c.srcStride, c.rows, c.scale, c.w, c.ep, scratch)
			Finish(dst, 40, scratch, 40, 10, 40, Epilogue{}, scratch[400:])
		})
		if allocs != 0 {
			t.Errorf("%g allocations", allocs)
		}
	})
}

func BenchmarkPointwise(b *testing.B) {
	for _, s := range [][3]int{{12544, 16, 96}, {12544, 32, 64}, {3136, 24, 144}, {3136, 144, 24}, {784, 40, 240}, {784, 256, 256}, {196, 480, 80}, {196, 512, 512}, {49, 200, 1200}, {49, 1024, 1024}} {
		for _, act := range []kernel.Act{kernel.ReLU, kernel.Swish} {
			b.Run(fmt.Sprintf("%dx%dx%d/act%d", s[0], s[1], s[2], act), func(b *testing.B) {
				r := source(11)
				c := newProductCase(r, s[0], s[1], s[2])
				c.ep = Epilogue{Bias: normal(r, c.n, 1), Act: act}
				dst, scratch := make([]uint16, c.rows*c.dstStride), make([]float32, c.w.Scratch(c.rows, c.scale != nil))
				least := math.Inf(1)
				for b.Loop() {
					start := b.Elapsed()
					Pointwise(dst, c.dstStride, c.src, c.srcStride, c.rows, nil, c.w, c.ep, scratch)
					least = min(least, float64(b.Elapsed()-start))
				}
				b.ReportMetric(least/1e3, "µs-least")
				b.ReportMetric(float64(s[0]*s[1]*s[2])/least, "GMAC/s")
			})
		}
	}
}
