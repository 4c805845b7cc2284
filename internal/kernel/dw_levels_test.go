package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
)

// dwCase is a geometry and what goes with it.
type dwCase struct {
	g          DW
	act        Act
	bias, sums bool
	from, to   int // rows, as fractions of 256
}

// randomDW draws a geometry of every kind, most of them usual ones.
func randomDW(r *rand.Rand) dwCase {
	g := DW{
		H: 1 + r.IntN(18), W: 1 + r.IntN(18),
		Channels: 1 + r.IntN(50), Kernel: 1 + 2*r.IntN(7),
		Stride: 1 + r.IntN(2), Dilation: 1,
	}
	if r.IntN(4) == 0 {
		g.Dilation = 1 + r.IntN(3)
	}
	if r.IntN(4) == 0 { // wider than two of the largest tiles
		g.H, g.W = 1+r.IntN(8), 19+r.IntN(14)
	}
	g.PadTop = g.Dilation * (g.Kernel - 1) / 2
	g.PadLeft = g.PadTop
	g.OutH, g.OutW = (g.H+g.Stride-1)/g.Stride, (g.W+g.Stride-1)/g.Stride
	switch r.IntN(8) {
	case 0: // anything
		g.Kernel = 1 + r.IntN(14)
		g.Stride = 1 + r.IntN(4)
		g.PadTop, g.PadLeft = r.IntN(16)-3, r.IntN(16)-3
		g.OutH, g.OutW = 1+r.IntN(18), 1+r.IntN(18)
	case 1: // TensorFlow's SAME
		span := g.Dilation*(g.Kernel-1) + 1
		g.PadTop = max((g.OutH-1)*g.Stride+span-g.H, 0) / 2
		g.PadLeft = max((g.OutW-1)*g.Stride+span-g.W, 0) / 2
	case 2: // pixels that compete for cache lines
		g.SrcStride, g.DstStride = 1024, 512
	case 3: // no padding
		g.PadTop, g.PadLeft = 0, 0
		g.OutH = max((g.H-g.Dilation*(g.Kernel-1)-1)/g.Stride+1, 1)
		g.OutW = max((g.W-g.Dilation*(g.Kernel-1)-1)/g.Stride+1, 1)
	}
	if g.SrcStride == 0 {
		g.SrcStride, g.DstStride = g.Channels+r.IntN(5), g.Channels+r.IntN(5)
	}
	c := dwCase{g: g, act: Act(r.IntN(int(HardSigmoid) + 1)), bias: r.IntN(2) == 0, sums: r.IntN(2) == 0, to: 256}
	if r.IntN(3) == 0 {
		c.from, c.to = r.IntN(128), 128+r.IntN(128)
	}
	return c
}

// dwBuffers are the buffers of the tests, each in front of an unmapped page.
type dwBuffers struct{ in, out, bias, sums, filter *guarded }

func newDWBuffers(t testing.TB) *dwBuffers {
	const pixels = 18 * 18
	return &dwBuffers{newGuarded(t, pixels*1024), newGuarded(t, pixels*1024), newGuarded(t, 64), newGuarded(t, 64), newGuarded(t, 64*14*14)}
}

func float64s(s []float32) []float64 {
	if s == nil {
		return nil
	}
	d := make([]float64, len(s))
	for i, v := range s {
		d[i] = float64(v)
	}
	return d
}

// absolutes returns |v| for every v.
func absolutes(s []float64) []float64 {
	if s == nil {
		return nil
	}
	a := make([]float64, len(s))
	for i, v := range s {
		a[i] = math.Abs(v)
	}
	return a
}

// imageLen is the length of an image of h×w pixels.
func imageLen(h, w, stride, channels int) int { return (h*w-1)*stride + channels }

// checkDWForward compares Depthwise with its generic twin in float64. A sum of
// n products in float32 is off by at most n·2^-24 times the sum of their
// magnitudes, and no activation has a slope above 1.1 or, with an exponential,
// an error above 2^-22 of its value.
func checkDWForward(t *testing.T, r *rand.Rand, c dwCase, b *dwBuffers, special bool) {
	t.Helper()
	g := c.g
	src := b.in.copyOf(values(r, imageLen(g.H, g.W, g.SrcStride, g.Channels), special))
	w := randoms(r, g.Channels*g.Kernel*g.Kernel)
	dst := b.out.slice(imageLen(g.OutH, g.OutW, g.DstStride, g.Channels))
	for i := range dst {
		dst[i] = sentinel
	}
	var bias, sums []float32
	if c.bias {
		bias = b.bias.copyOf(values(r, g.Channels, false))
	}
	if c.sums {
		sums = b.sums.copyOf(make([]float32, g.Channels))
	}
	from, to := g.OutH*c.from/256, g.OutH*c.to/256
	Depthwise(dst, src, PackDW(w, g.Kernel, g.Channels), &g, bias, c.act, from, to, sums)
	b.in.check(t, len(src))
	b.out.check(t, len(dst))

	want, size := make([]float64, len(dst)), make([]float64, len(dst))
	src64, w64 := float64s(src), float64s(w)
	Depthwise(want, src64, PackDW(w64, g.Kernel, g.Channels), &g, float64s(bias), Identity, from, to, nil)
	Depthwise(size, absolutes(src64), PackDW(absolutes(w64), g.Kernel, g.Channels), &g, absolutes(float64s(bias)), Identity, from, to, nil)

	wantSums, sizeSums := make([]float64, g.Channels), make([]float64, g.Channels)
	for i, v := range dst {
		pixel, ch := i/g.DstStride, i%g.DstStride
		if y := pixel / g.OutW; ch >= g.Channels || y < from || y >= to {
			if math.Float32bits(v) != math.Float32bits(sentinel) {
				t.Fatalf("%+v: wrote outside the rows and channels at %d", c, i)
			}
			continue
		}
		exact := actRef(want[i], c.act)
		tol := 1.1*size[i]*float64(g.Kernel*g.Kernel+1)*0x1p-24 + math.Abs(exact)*0x1p-21 + 1e-30
		if got := float64(v); !(math.Abs(got-exact) <= tol) && !sameSpecial(got, exact) {
			t.Fatalf("%+v: pixel %d channel %d is %g, want %g ± %.2g", c, pixel, ch, got, exact, tol)
		}
		wantSums[ch] += float64(v)
		sizeSums[ch] += math.Abs(float64(v))
	}
	for ch, v := range sums {
		tol := sizeSums[ch] * float64(g.OutH*g.OutW) * 0x1p-24
		if got := float64(v); !special && !(math.Abs(got-wantSums[ch]) <= tol) {
			t.Fatalf("%+v: sum of channel %d is %g, want %g ± %.2g", c, ch, got, wantSums[ch], tol)
		}
	}
}

// checkDWGradInput compares DepthwiseGradInput with its generic twin in
// float64, as checkDWForward does.
func checkDWGradInput(t *testing.T, r *rand.Rand, c dwCase, b *dwBuffers, special bool) {
	t.Helper()
	g := c.g
	dy := b.in.copyOf(values(r, imageLen(g.OutH, g.OutW, g.DstStride, g.Channels), special))
	w := randoms(r, g.Channels*g.Kernel*g.Kernel)
	dx := b.out.slice(imageLen(g.H, g.W, g.SrcStride, g.Channels))
	for i := range dx {
		dx[i] = sentinel
	}
	from, to := g.H*c.from/256, g.H*c.to/256
	f := NewDWFilter[float32](g.Kernel, g.Channels)
	f.PackReversed(w)
	DepthwiseGradInput(dx, dy, f, &g, from, to)
	b.in.check(t, len(dy))
	b.out.check(t, len(dx))

	want, size := make([]float64, len(dx)), make([]float64, len(dx))
	f64 := NewDWFilter[float64](g.Kernel, g.Channels)
	f64.PackReversed(float64s(w))
	DepthwiseGradInput(want, float64s(dy), f64, &g, from, to)
	f64.PackReversed(absolutes(float64s(w)))
	DepthwiseGradInput(size, absolutes(float64s(dy)), f64, &g, from, to)
	for i, v := range dx {
		pixel, ch := i/g.SrcStride, i%g.SrcStride
		if y := pixel / g.W; ch >= g.Channels || y < from || y >= to {
			if math.Float32bits(v) != math.Float32bits(sentinel) {
				t.Fatalf("%+v: wrote outside the rows and channels at %d", c, i)
			}
			continue
		}
		tol := size[i]*float64(g.Kernel*g.Kernel+1)*0x1p-24 + 1e-30
		if got := float64(v); !(math.Abs(got-want[i]) <= tol) && !sameSpecial(got, want[i]) {
			t.Fatalf("%+v: pixel %d channel %d of dx is %g, want %g ± %.2g", c, pixel, ch, got, want[i], tol)
		}
	}
}

// checkDWGradWeight compares DepthwiseGradWeight with its generic twin in
// float64, as checkDWForward does. It adds to what dw holds.
func checkDWGradWeight(t *testing.T, r *rand.Rand, c dwCase, b *dwBuffers, special bool) {
	t.Helper()
	g := c.g
	x := b.in.copyOf(values(r, imageLen(g.H, g.W, g.SrcStride, g.Channels), special))
	dy := b.out.copyOf(values(r, imageLen(g.OutH, g.OutW, g.DstStride, g.Channels), special))
	from, to := g.OutH*c.from/256, g.OutH*c.to/256
	dw := NewDWFilter[float32](g.Kernel, g.Channels)
	dw.blocks = b.filter.copyOf(dw.blocks)
	old := randoms(r, g.Channels*g.Kernel*g.Kernel)
	dw.Pack(old)
	DepthwiseGradWeight(dw, x, dy, &g, from, to)
	b.in.check(t, len(x))
	b.out.check(t, len(dy))
	b.filter.check(t, len(dw.blocks))
	got := make([]float32, len(old))
	dw.AddTo(got)

	want, size := float64s(old), absolutes(float64s(old))
	f := NewDWFilter[float64](g.Kernel, g.Channels)
	DepthwiseGradWeight(f, float64s(x), float64s(dy), &g, from, to)
	f.AddTo(want)
	f.Clear()
	DepthwiseGradWeight(f, absolutes(float64s(x)), absolutes(float64s(dy)), &g, from, to)
	f.AddTo(size)
	for i, v := range got {
		tol := size[i]*float64(g.OutH*g.OutW+1)*0x1p-24 + 1e-30
		if got := float64(v); !(math.Abs(got-want[i]) <= tol) && !sameSpecial(got, want[i]) {
			t.Fatalf("%+v: weight %d of %d is %g, want %g ± %.2g", c, i, len(want), got, want[i], tol)
		}
	}
	for ch := g.Channels; ch%dwBlock != 0; ch++ {
		for i, v := range dw.channel(ch) {
			if i%dwBlock == 0 && v != 0 {
				t.Fatalf("%+v: wrote %g to tap %d of channel %d", c, v, i/dwBlock, ch)
			}
		}
	}
}

// sameSpecial tells whether both are NaN or the same infinity.
func sameSpecial(a, b float64) bool { return a != a && b != b || math.IsInf(a, 0) && a == b }

func TestDepthwiseLevels(t *testing.T) {
	b := newDWBuffers(t)
	cputest.Each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		for range 600 {
			c := randomDW(r)
			checkDWForward(t, r, c, b, false)
			checkDWGradInput(t, r, c, b, false)
			checkDWGradWeight(t, r, c, b, false)
		}
	})
}

// TestDepthwiseTails goes through every number of channels up to more than two
// blocks, with every tile size, kernel and stride.
func TestDepthwiseTails(t *testing.T) {
	b := newDWBuffers(t)
	cputest.Each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 6))
		for channels := 1; channels <= 2*dwBlock+1; channels++ {
			for kernel := 1; kernel <= 13; kernel += 2 {
				for stride := 1; stride <= 2; stride++ {
					g := DW{
						H: 5, W: stride * (1 + r.IntN(17)), Channels: channels, SrcStride: channels, DstStride: channels,
						Kernel: kernel, Stride: stride, Dilation: 1, PadTop: kernel / 2, PadLeft: kernel / 2,
					}
					g.OutH, g.OutW = (g.H+stride-1)/stride, (g.W+stride-1)/stride
					c := dwCase{g: g, act: Act(channels % 5), bias: true, sums: true, to: 256}
					checkDWForward(t, r, c, b, false)
					checkDWGradInput(t, r, c, b, false)
					checkDWGradWeight(t, r, c, b, false)
				}
			}
		}
	})
}

// TestDepthwiseSpecials has NaN, infinities and denormal numbers in the input.
func TestDepthwiseSpecials(t *testing.T) {
	b := newDWBuffers(t)
	cputest.Each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 8))
		for range 200 {
			c := randomDW(r)
			if c.act != ReLU && c.act != ReLU6 {
				c.act = Identity
			}
			checkDWForward(t, r, c, b, true)
			checkDWGradInput(t, r, c, b, true)
			checkDWGradWeight(t, r, c, b, true)
		}
	})
}

func FuzzDepthwise(f *testing.F) {
	f.Add(uint64(1))
	b := newDWBuffers(f)
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 0))
		c := randomDW(r)
		cputest.Each(t, func(t *testing.T) {
			checkDWForward(t, r, c, b, false)
			checkDWGradInput(t, r, c, b, false)
			checkDWGradWeight(t, r, c, b, false)
		})
	})
}

func TestDepthwiseAllocatesNothing(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		for _, stride := range []int{20, 1024} { // in place, and copied
			g := DW{
				H: 9, W: 9, OutH: 9, OutW: 9, Channels: 20, SrcStride: stride, DstStride: stride,
				Kernel: 5, Stride: 1, Dilation: 1, PadTop: 2, PadLeft: 2,
			}
			x, y := make([]float32, 81*stride), make([]float32, 81*stride)
			bias, sums := make([]float32, 20), make([]float32, 20)
			f := NewDWFilter[float32](5, 20)
			n := testing.AllocsPerRun(10, func() {
				Depthwise(y, x, f, &g, bias, Swish, 0, 9, sums)
				DepthwiseGradInput(x, y, f, &g, 0, 9)
				DepthwiseGradWeight(f, x, y, &g, 0, 9)
			})
			if n != 0 {
				t.Errorf("%v allocations at stride %d", n, stride)
			}
		}
	})
}
