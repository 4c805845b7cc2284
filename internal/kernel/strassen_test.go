package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
)

// The product equals sums in float64, for any number of rows, and touches
// nothing else. Errors of Strassen's sums are bounded by the norms of the
// matrices rather than element by element.
func TestStrassen(t *testing.T) {
	var g [4]*guarded
	for i := range g {
		g[i] = newGuarded(t, 1<<16)
	}
	cputest.Each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(21, 22))
		for i, rows := range []int{1, 5, 23, 24, 25, 36, 49, 98, 225, 230} {
			k, n := 32*(1+i%3), 32*(1+i%4)
			act := Act(i % 7)
			srcStride, dstStride := k+r.IntN(3), n+r.IntN(3)
			src, w := randoms(r, (rows-1)*srcStride+k), randoms(r, n*k)
			before := randoms(r, (rows-1)*dstStride+n)
			var bias, scale []float32
			if i%3 > 0 {
				bias = randoms(r, n)
			}
			if i%2 > 0 {
				scale = randoms(r, n)
			}
			s := StrassenIn(g[2].slice(StrassenLen(n, k)), w, n, k, scale)
			dst := g[0].copyOf(before)
			s.Product(dst, dstStride, g[1].copyOf(src), srcStride, rows, bias, act, g[3].slice(s.Scratch(rows)))
			g[0].check(t, len(dst))
			g[3].check(t, s.Scratch(rows))
			for j, got := range dst {
				row, col := j/dstStride, j%dstStride
				if col >= n {
					if got != before[j] {
						t.Fatalf("wrote between rows at %d", j)
					}
					continue
				}
				sum := 0.0
				for c := range k {
					sum += float64(src[row*srcStride+c]) * float64(w[col*k+c])
				}
				if scale != nil {
					sum *= float64(scale[col])
				}
				if bias != nil {
					sum += float64(bias[col])
				}
				if want := actRef(sum, act); math.Abs(float64(got)-want) > 1e-5*float64(k) {
					t.Fatalf("%d×%d×%d act %d: dst[%d][%d] = %g, want %g", rows, k, n, act, row, col, got, want)
				}
			}
		}
	})
}

func BenchmarkStrassen(b *testing.B) {
	for _, s := range [][3]int{{784, 128, 256}, {784, 256, 256}, {196, 256, 512}, {196, 512, 512}, {49, 512, 1024}, {49, 1024, 512}, {49, 1024, 1024}, {49, 256, 1536}, {196, 96, 576}, {196, 576, 96}, {3136, 128, 128}} {
		rows, k, n := s[0], s[1], s[2]
		r := rand.New(rand.NewPCG(1, 2))
		src, w, dst := randoms(r, rows*(k+16)), randoms(r, n*k), make([]float32, rows*(n+16))
		m := PackMatrix(w, n, k)
		bias := randoms(r, n)
		st := StrassenIn(make([]float32, StrassenLen(n, k)), w, n, k, nil)
		scratch := make([]float32, st.Scratch(rows))
		gflops := func(b *testing.B) {
			b.ReportMetric(2*float64(rows*k*n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		}
		b.Run(fmt.Sprintf("%dx%dx%d/plain", rows, k, n), func(b *testing.B) {
			for b.Loop() {
				Pointwise(dst, n+16, src, k+16, rows, m, &Epilogue{Bias: bias, Act: ReLU})
			}
			gflops(b)
		})
		b.Run(fmt.Sprintf("%dx%dx%d/strassen", rows, k, n), func(b *testing.B) {
			for b.Loop() {
				st.Product(dst, n+16, src, k+16, rows, bias, ReLU, scratch)
			}
			gflops(b)
		})
	}
}
