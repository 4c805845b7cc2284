package q8

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
	"github.com/mixnet-go/mixnet/internal/kernel"
)

// sets are the features that some kernels ask for.
var sets = []cpu.Feature{cpu.AVXVNNI, vnniSet, vnniSet | cpu.AMXTile | cpu.AMXInt8}

const vnniSet = cpu.AVX512VNNI | cpu.AVX512VBMI | cpu.AVX512VBMI2

// same fails the test unless a kernel has written what its twin in Go did, and
// nothing between the pixels.
func same(t *testing.T, got, want []uint8, what string, args ...any) {
	t.Helper()
	if !bytes.Equal(got, want) {
		i := 0
		for got[i] == want[i] {
			i++
		}
		t.Fatalf(what+": byte %d of %d is %d, want %d", append(args, i, len(got), got[i], want[i])...)
	}
}

// filled returns n bytes as guarded.slice does.
func filled(n int) []uint8 { return bytes.Repeat([]uint8{sentinel}, n) }

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

func TestPointwise(t *testing.T) {
	r := source(11)
	sizes := pointwiseSizes(r)
	dst, src, add := newGuarded(t, 1<<17), newGuarded(t, 1<<17), newGuarded(t, 1<<17)
	cputest.EachWith(t, sets, func(t *testing.T) {
		for i, s := range sizes {
			rows, k, n := s[0], s[1], s[2]
			srcStride, dstStride := k+r.IntN(5), n+r.IntN(5)
			x := codes(r, (rows-1)*srcStride+k)
			w, e := PackMatrix(signed(r, n*k), n, k), epilogue(r, n, k, i%3 == 0)
			twin := *e
			if i%4 < 2 {
				e.AddStride, e.AddZero, e.AddMul = n+r.IntN(5), uint8(r.Uint32()), r.Float32()
				twin = *e
				twin.Add = codes(r, (rows-1)*e.AddStride+n)
				e.Add = add.source(twin.Add)
			}
			want := filled((rows-1)*dstStride + n)
			pointwiseGeneric(want, dstStride, x, srcStride, rows, w, &twin)
			got := dst.slice(len(want))
			Pointwise(got, dstStride, src.source(x), srcStride, rows, w, e)
			same(t, got, want, "%d×%d×%d", rows, k, n)
			dst.check(t, len(want))
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

// geometries are random ones, and those of MixNet's layers.
func geometries(r *rand.Rand) (all []*kernel.DW) {
	for range 60 {
		all = append(all, geometry(r))
	}
	for k := 3; k <= 13; k += 2 {
		for _, size := range [][2]int{{7, 1}, {14, 1}, {14, 2}, {28, 1}, {56, 2}} {
			g := &kernel.DW{H: size[0], W: size[0], Channels: 24, SrcStride: 50, DstStride: 50, Kernel: k, Stride: size[1], Dilation: 1}
			g.PadTop, g.PadLeft = k/2, k/2
			g.OutH, g.OutW = (g.H-1)/g.Stride+1, (g.W-1)/g.Stride+1
			all = append(all, g)
		}
	}
	far := &kernel.DW{H: 5, W: 5, OutH: 3, OutW: 3, Channels: 20, SrcStride: 20, DstStride: 20, Kernel: 3, Stride: 1, Dilation: 1}
	near := *far
	far.PadTop, far.PadLeft = 7, 9 // no window reads the image
	near.PadTop, near.PadLeft = -1, -1
	return append(all, far, &near)
}

func TestDepthwise(t *testing.T) {
	r := source(13)
	dst, src, mem := newGuarded(t, 1<<19), newGuarded(t, 1<<19), newGuarded(t, 1<<19)
	all := geometries(r)
	cputest.EachWith(t, sets, func(t *testing.T) {
		for i, g := range all {
			w := PackDW(signed(r, g.Channels*g.Kernel*g.Kernel), g.Channels, g.Kernel, g.Stride, g.Dilation)
			x := codes(r, (g.H*g.W-1)*g.SrcStride+g.Channels)
			e, zero := epilogue(r, g.Channels, g.Kernel*g.Kernel, i%3 == 0), uint8(r.Uint32())
			want := filled((g.OutH*g.OutW-1)*g.DstStride + g.Channels)
			from := r.IntN(g.OutH + 1)
			to := from + r.IntN(g.OutH-from+1)
			if i%2 == 0 {
				from, to = 0, g.OutH
			}
			depthwiseGeneric(want, x, w, g, zero, e, from, to)
			got, scratch := dst.slice(len(want)), mem.slice(DepthwiseScratch(g))
			Depthwise(got, src.source(x), w, g, zero, e, from, to, scratch)
			same(t, got, want, "%+v, rows %d to %d", *g, from, to)
			dst.check(t, len(want))
			mem.check(t, len(scratch))
		}
	})
}

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

func TestDenseLevels(t *testing.T) {
	r := source(16)
	cputest.Each(t, func(t *testing.T) {
		for n := 1; n < 300; n += 7 {
			k := 1 + r.IntN(50)
			w, bias, x := floats(r, n*k), floats(r, n), floats(r, k)
			d := PackDense(w, bias, n, k)
			for act := kernel.Identity; act <= kernel.HardSigmoid; act++ {
				sums := make([]float32, ceilDiv(n, panelCols)*panelCols)
				d.generic(sums, x, 0)
				activateGeneric(sums, act)
				got := make([]float32, n)
				d.Apply(got, x, act)
				if !slices.Equal(got, sums[:n]) {
					t.Fatalf("%d×%d, activation %d: %v, want %v", k, n, act, got, sums[:n])
				}
			}
		}
	})
}

// floats returns random ones, some of them large.
func floats(r *rand.Rand, n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		if s[i] = float32(r.NormFloat64()); r.IntN(20) == 0 {
			s[i] *= 50
		}
	}
	return s
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

func TestNoAllocations(t *testing.T) {
	r := source(19)
	const n = 40
	src, dst, out := codes(r, 49*n), make([]uint8, 49*n), make([]float32, n)
	w, e := PackMatrix(signed(r, n*n), n, n), epilogue(r, n, n, true)
	g := &kernel.DW{H: 7, W: 7, OutH: 7, OutW: 7, Channels: n, SrcStride: n, DstStride: n, Kernel: 3, Stride: 1, Dilation: 1, PadTop: 1, PadLeft: 1}
	f, scratch := PackDW(signed(r, 9*n), n, 3, 1, 1), make([]uint8, DepthwiseScratch(g))
	d := PackDense(floats(r, n*n), nil, n, n)
	cputest.EachWith(t, sets, func(t *testing.T) {
		allocs := testing.AllocsPerRun(10, func() {
			Pointwise(dst, n, src, n, 49, w, e)
			PointwiseFloat(out, n, src, n, 1, w, e)
			Depthwise(dst, src, f, g, 3, e, 0, 7, scratch)
			d.Apply(out, out, kernel.Swish)
		})
		if allocs != 0 {
			t.Errorf("%g allocations", allocs)
		}
	})
}
