package bf16

import (
	"fmt"
	"math"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
	"github.com/mixnet-go/mixnet/internal/kernel"
)

// The gradient of weights has the bits of sums by pairs of rows, in every
// implementation, is added to what is there, and nothing else is read or written.
func TestMulTransA(t *testing.T) {
	first, second, out := newGuarded(t, 1<<18), newGuarded(t, 1<<18), newGuarded(t, 1<<21)
	cputest.EachWith(t, sets, func(t *testing.T) {
		r := source(20)
		for i := range 24 {
			rows, m, n := 1+r.IntN(90), 1+r.IntN(70), 1+r.IntN(70)
			switch i {
			case 0:
				rows, m, n = 1, 1, 1
			case 1:
				rows, m, n = maxTransRows+33, 24, 40
			case 2:
				rows, m, n = 40, 1200, 300 // fewer rows at once
			}
			aStride, bStride, stride := m+r.IntN(4), n+r.IntN(4), n+r.IntN(4)
			a := guardedCopy(first, normal(r, (rows-1)*aStride+m, 1))
			b := guardedCopy(second, normal(r, (rows-1)*bStride+n, 1))
			got := guardedCopy(out, normal(r, (m-1)*stride+n, 1))
			want := append([]float32(nil), got...)
			for from, block := 0, transRows(m, n); from < rows; from += block {
				for i := range m {
					for j := range n {
						s, to := float32(0), min(from+block, rows)
						for k := from; k < to; k += 2 {
							if k+1 < to {
								s += float32(Value(Round(a[(k+1)*aStride+i])) * Value(Round(b[(k+1)*bStride+j])))
							}
							s += float32(Value(Round(a[k*aStride+i])) * Value(Round(b[k*bStride+j])))
						}
						want[i*stride+j] += s
					}
				}
			}
			MulTransA(got, stride, a, aStride, m, b, bStride, n, rows, normal(r, TransScratch(m, n), math.NaN()))
			same(t, got, want, "%d rows, %d by %d", rows, m, n)
		}
	})
}

// A NaN or an infinity stays in its row and column of the gradient.
func TestMulTransANaN(t *testing.T) {
	cputest.EachWith(t, sets, func(t *testing.T) {
		r := source(21)
		const rows, m, n = 7, 21, 37
		a, b, got := normal(r, rows*m, 1), normal(r, rows*n, 1), make([]float32, m*n)
		a[6*m+20] = float32(math.NaN())
		MulTransA(got, n, a, m, m, b, n, n, rows, normal(r, TransScratch(m, n), math.NaN()))
		for i, x := range got {
			if (x != x) != (i/n == 20) {
				t.Fatalf("(%d, %d) is %g", i/n, i%n, x)
			}
		}
	})
}

// Inputs that are floats give what they give rounded, and a matrix that is packed
// from its transpose is the same matrix, in memory that held another.
func TestRoundedInputs(t *testing.T) {
	in := newGuarded(t, 1<<16)
	cputest.EachWith(t, sets, func(t *testing.T) {
		r := source(22)
		for _, s := range shapes {
			rows, k, n := s[0], s[1], s[2]
			stride := k + r.IntN(4)
			x, w := guardedCopy(in, normal(r, (rows-1)*stride+k, 1)), normal(r, n*k, 1)
			m := MatrixIn(make([]uint16, MatrixLen(n, k)), n, k)
			m.Pack(w, nil)
			transposed := make([]float32, (k-1)*(n+3)+n)
			for i := range n {
				for j := range k {
					transposed[j*(n+3)+i] = w[i*k+j]
				}
			}
			other := &Matrix{K: k, N: n}
			other.Move(rounded(normal(r, MatrixLen(n, k)+9, 1)))
			other.PackRows(transposed, n+3)
			same(t, other.panels, m.panels, "%d inputs, %d outputs", k, n)

			bias, scratch := normal(r, n, 1), normal(r, m.Scratch(rows, false), math.NaN())
			want, got := make([]float32, rows*n), make([]float32, rows*n)
			PointwiseFloat(want, n, rounded(x), stride, rows, nil, m, Epilogue{Bias: bias}, scratch)
			PointwiseRounded(got, n, x, stride, rows, m, bias, scratch)
			same(t, got, want, "%d rows, %d inputs, %d outputs", rows, k, n)
		}
	})
}

func TestTrainingTooShort(t *testing.T) {
	m := MatrixIn(make([]uint16, MatrixLen(3, 4)), 3, 4)
	f := make([]float32, 10000)
	for i, f := range []func(){
		func() { PointwiseRounded(f[:5], 3, f, 4, 2, m, nil, f) },
		func() { PointwiseRounded(f, 3, f[:7], 4, 2, m, nil, f) },
		func() { PointwiseRounded(f, 3, f, 4, 2, m, f[:2], f) },
		func() { m.PackRows(f[:11], 3) },
		func() { MulTransA(f[:11], 3, f, 4, 4, f, 3, 3, 5, f) },
		func() { MulTransA(f, 3, f[:19], 4, 4, f, 3, 3, 5, f) },
		func() { MulTransA(f, 3, f, 4, 4, f[:14], 3, 3, 5, f) },
		func() { MulTransA(f, 3, f, 4, 4, f, 3, 3, 5, f[:100]) },
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

func TestTrainingAllocatesNothing(t *testing.T) {
	r := source(23)
	const rows, k, n = 61, 40, 48
	m := MatrixIn(make([]uint16, MatrixLen(n, k)), n, k)
	x, y, w := normal(r, rows*k, 1), make([]float32, rows*n), make([]float32, n*k)
	scratch := make([]float32, max(m.Scratch(rows, false), TransScratch(n, k)))
	cputest.EachWith(t, sets, func(t *testing.T) {
		if allocs := testing.AllocsPerRun(10, func() {
			m.PackRows(w, n)
			PointwiseRounded(y, n, x, k, rows, m, nil, scratch)
			MulTransA(w, k, y, n, n, x, k, k, rows, scratch)
		}); allocs != 0 {
			t.Errorf("%g allocations", allocs)
		}
	})
}

// BenchmarkTraining is a layer in training, beside the same in float32: rows,
// inputs and outputs.
func BenchmarkTraining(b *testing.B) {
	for _, s := range [][3]int{{1024, 16, 96}, {512, 24, 144}, {512, 144, 24}, {256, 240, 40}, {256, 256, 256}, {196, 480, 80}, {196, 512, 512}, {49, 200, 1200}, {49, 1024, 1024}} {
		rows, k, n := s[0], s[1], s[2]
		r := source(24)
		x, dy, w := normal(r, rows*k, 1), normal(r, rows*n, 1), normal(r, n*k, 1)
		y, dx, dw := make([]float32, rows*n), make([]float32, rows*k), make([]float32, n*k)
		run := func(name string, f func()) {
			b.Run(fmt.Sprintf("%dx%dx%d/%s", rows, k, n, name), func(b *testing.B) {
				least := math.Inf(1)
				for b.Loop() {
					start := b.Elapsed()
					f()
					least = min(least, float64(b.Elapsed()-start))
				}
				b.ReportMetric(float64(rows*k*n)/least, "GMAC/s")
			})
		}
		forward, back := kernel.NewMatrix[float32](n, k), kernel.NewMatrix[float32](k, n)
		forward.Pack(w)
		back.PackTransposed(w)
		ahead, behind := MatrixIn(make([]uint16, MatrixLen(n, k)), n, k), MatrixIn(make([]uint16, MatrixLen(k, n)), k, n)
		ahead.Pack(w, nil)
		behind.PackRows(w, k)
		scratch := make([]float32, max(ahead.Scratch(rows, false), behind.Scratch(rows, false), TransScratch(n, k)))
		run("forward/float32", func() { kernel.Pointwise(y, n, x, k, rows, forward, nil) })
		run("forward/bf16", func() { PointwiseRounded(y, n, x, k, rows, ahead, nil, scratch) })
		run("inputs/float32", func() { kernel.Pointwise(dx, k, dy, n, rows, back, nil) })
		run("inputs/bf16", func() { PointwiseRounded(dx, k, dy, n, rows, behind, nil, scratch) })
		run("weights/float32", func() { kernel.MulTransA(dw, k, dy, n, n, x, k, k, rows) })
		run("weights/bf16", func() { MulTransA(dw, k, dy, n, n, x, k, k, rows, scratch) })
		run("pack/float32", func() { forward.Pack(w); back.PackTransposed(w) })
		run("pack/bf16", func() { ahead.Pack(w, nil); behind.PackRows(w, k) })
	}
}
