package q8

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
	"github.com/mixnet-go/mixnet/internal/kernel"
)

// Sums, scaled and averaged codes stand for the sums, products and means of
// what they are made of, within half a step.
func TestElementwise(t *testing.T) {
	r := source(6)
	const rows, n, stride = 5, 37, 41
	a, b := codes(r, rows*stride), codes(r, rows*stride)
	dst := make([]uint8, rows*n)
	value := func(q, zero uint8, scale float64) float64 { return scale * (float64(q) - float64(zero)) }
	near := func(what string, q, zero uint8, scale, want float64) {
		t.Helper()
		want = min(max(want, value(0, zero, scale)), value(255, zero, scale))
		if got := value(q, zero, scale); math.Abs(got-want) > 0.5001*scale {
			t.Fatalf("%s is %g, want %g", what, got, want)
		}
	}
	add := Add{AZero: 9, BZero: 200, AMul: 0.7, BMul: 1.1, Zero: 80, Hi: 255}
	add.Rows(dst, n, a, stride, b, stride, n, rows)
	for i, q := range dst {
		at := i/n*stride + i%n
		near("sum", q, 80, 1, value(a[at], 9, 0.7)+value(b[at], 200, 1.1))
	}
	mul := make([]float32, n)
	for c := range mul {
		mul[c] = r.Float32()
	}
	ScaleRows(dst, n, 60, a, stride, 50, mul, rows)
	for i, q := range dst {
		near("product", q, 60, 1, value(a[i/n*stride+i%n], 50, float64(mul[i%n])))
	}
	sums := make([]int32, n)
	SumRows(sums, a, stride, rows)
	e := epilogue(r, n, 9, false)
	Requantize(dst[:n], n, sums, n, 1, e)
	for c, s := range sums {
		want := 0
		for i := range rows {
			want += int(a[i*stride+c])
		}
		if int(s) != want || dst[c] != e.want(int64(want), c, 0) {
			t.Fatalf("channel %d: sum %d of %d, code %d", c, s, want, dst[c])
		}
	}
}

func TestPool(t *testing.T) {
	cputest.Each(t, func(t *testing.T) { checkPools(t, source(7)) })
}

func checkPools(t *testing.T, r *rand.Rand) {
	for range 40 {
		s := &kernel.PoolShape{H: 1 + r.IntN(9), W: 1 + r.IntN(9), C: 1 + r.IntN(40), K: 1 + r.IntN(4), Stride: 1 + r.IntN(3)}
		s.Top, s.Left, s.OutH, s.OutW = r.IntN(s.K), r.IntN(s.K), 1+r.IntN(5), 1+r.IntN(5)
		s.SrcStride, s.DstStride = s.C+r.IntN(3), s.C+r.IntN(3)
		src, zero := codes(r, s.H*s.W*s.SrcStride), uint8(40)
		most, mean, full := make([]uint8, s.OutH*s.OutW*s.DstStride), make([]uint8, s.OutH*s.OutW*s.DstStride), make([]uint8, s.OutH*s.OutW*s.DstStride)
		MaxPool(most, src, s, zero, 0, s.OutH)
		MeanPool(mean, src, s, zero, false, 0, s.OutH)
		MeanPool(full, src, s, zero, true, 0, s.OutH)
		for i := range s.OutH * s.OutW * s.C {
			c, x, y := i%s.C, i/s.C%s.OutW, i/s.C/s.OutW
			var in []float64
			for j := range s.K * s.K {
				iy, ix := y*s.Stride+j/s.K-s.Top, x*s.Stride+j%s.K-s.Left
				if iy >= 0 && iy < s.H && ix >= 0 && ix < s.W {
					in = append(in, float64(src[(iy*s.W+ix)*s.SrcStride+c]))
				}
			}
			sum, top := 0.0, 0.0
			for _, q := range in {
				sum, top = sum+q-float64(zero), max(top, q)
			}
			want := [3]float64{top, float64(zero) + sum/float64(len(in)), float64(zero) + sum/float64(s.K*s.K)}
			if len(in) == 0 {
				want = [3]float64{40, 40, 40}
			}
			at := (y*s.OutW+x)*s.DstStride + c
			for k, got := range [3]uint8{most[at], mean[at], full[at]} {
				if math.Abs(float64(got)-want[k]) > 0.5 {
					t.Fatalf("%+v: %d is %d, want %g", *s, k, got, want[k])
				}
			}
		}
	}
}

func TestLookup(t *testing.T) {
	var table [256]uint8
	for i := range table {
		table[i] = uint8(7 * i)
	}
	src := codes(source(8), 200)
	dst := make([]uint8, 200)
	Lookup(dst, 50, src, 50, 50, 4, &table)
	for i, q := range src {
		if dst[i] != 7*q {
			t.Fatalf("entry %d is %d", q, dst[i])
		}
	}
}
