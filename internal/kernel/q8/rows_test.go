package q8

import (
	"math"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
	"github.com/mixnet-go/mixnet/internal/kernel"
)

// Operators on rows of codes are what they are in Go, for lengths around those
// of vectors, and in place.
func TestRows(t *testing.T) {
	r := source(14)
	mem := [3]*guarded{newGuarded(t, 1<<17), newGuarded(t, 1<<17), newGuarded(t, 1<<17)}
	var table [256]uint8
	for i := range table {
		table[i] = uint8(r.Uint32())
	}
	cputest.EachWith(t, sets, func(t *testing.T) {
		for n := 1; n < 200; n++ {
			rows, gap := 1+r.IntN(4), r.IntN(3)
			if n%50 == 0 {
				rows = 700
			}
			stride := n + gap
			size := (rows-1)*stride + n
			a, b := codes(r, size), codes(r, size)
			check := func(what string, twin, f func(dst, a, b []uint8)) {
				t.Helper()
				want := filled(size)
				twin(want, a, b)
				got := mem[0].slice(size)
				f(got, mem[1].source(a), mem[2].source(b))
				same(t, got, want, "%s of %d rows of %d", what, rows, n)
				mem[0].check(t, size)
			}
			add := Add{
				AZero: uint8(r.Uint32()), BZero: uint8(r.Uint32()), AMul: 2 * r.Float32(), BMul: 2 * r.Float32(),
				Zero: uint8(r.Uint32()), Lo: uint8(r.IntN(9)), Hi: 250,
			}
			check("sum", func(dst, a, b []uint8) { add.generic(dst, stride, a, stride, b, stride, n, rows) },
				func(dst, a, b []uint8) { add.Rows(dst, stride, a, stride, b, stride, n, rows) })
			mul := make([]float32, n)
			for i := range mul {
				mul[i] = 2 * r.Float32()
			}
			check("product", func(dst, a, b []uint8) { scaleRowsGeneric(dst, stride, 7, a, stride, 3, mul, rows) },
				func(dst, a, b []uint8) { ScaleRows(dst, stride, 7, a, stride, 3, mul, rows) })
			check("lookup", func(dst, a, b []uint8) { lookupGeneric(dst, stride, a, stride, n, rows, &table) },
				func(dst, a, b []uint8) { Lookup(dst, stride, a, stride, n, rows, &table) })
			sums, want := make([]int32, n), make([]int32, n)
			for i := range sums {
				sums[i], want[i] = int32(i), int32(i)
			}
			sumRowsGeneric(want, a, stride, rows)
			SumRows(sums, mem[1].source(a), stride, rows)
			if !slices.Equal(sums, want) {
				t.Fatalf("sums of %d rows of %d differ", rows, n)
			}
		}
	})
}

func TestQuantizeLevels(t *testing.T) {
	r := source(17)
	cputest.Each(t, func(t *testing.T) {
		for n := range 300 {
			x := floats(r, n)
			for i := range x {
				switch r.IntN(40) {
				case 0:
					x[i] = float32(math.NaN())
				case 1:
					x[i] = float32(math.Inf(1 - 2*r.IntN(2)))
				case 2:
					x[i] *= 1e30
				}
			}
			scale, zero := 0.1*r.Float32()+1e-3, uint8(r.Uint32())
			want, got := make([]uint8, n), make([]uint8, n, n+Slack)
			quantizeGeneric(want, x, scale, zero)
			Quantize(got, x, scale, zero)
			same(t, got, want, "codes")
			back, wantBack := make([]float32, n), make([]float32, n)
			dequantizeGeneric(wantBack, got, scale, zero)
			Dequantize(back, got, scale, zero)
			if !slices.Equal(back, wantBack) {
				t.Fatalf("%d codes stand for other values", n)
			}
		}
	})
}

// The stem's windows are laid out by assembly.
func TestStem(t *testing.T) {
	r := source(18)
	src, mem := newGuarded(t, 1<<16), newGuarded(t, 1<<16)
	for range 20 {
		s := &kernel.ConvShape{H: 3 + r.IntN(30), W: 3 + r.IntN(30), C: 1 + r.IntN(5), K: 3, Stride: 1 + r.IntN(2), Dilation: 1, Top: r.IntN(2), Left: r.IntN(2)}
		s.Pixel, s.OutH, s.OutW = s.C, (s.H-1)/s.Stride+1, (s.W-1)/s.Stride+1
		const out = 24
		img, pad := codes(r, s.H*s.W*s.C), codes(r, s.C)
		w, e := PackConv(signed(r, out*9*s.C), out, s.C, 3), epilogue(r, out, 9*s.C, true)
		want := make([]uint8, s.OutH*s.OutW*out)
		row := make([]uint8, w.K, w.K+Slack)
		for p := range s.OutH * s.OutW {
			window(row, img, s, p/s.OutW, p%s.OutW, pad)
			pointwiseGeneric(want[p*out:], out, row, w.K, 1, w, e)
		}
		cputest.EachWith(t, sets, func(t *testing.T) {
			got, scratch := make([]uint8, len(want)), mem.slice(ConvScratch(s))
			Conv(got, out, src.source(img), s, pad, 0, s.OutH, w, e, scratch)
			same(t, got, want, "%+v", *s)
		})
	}
}
