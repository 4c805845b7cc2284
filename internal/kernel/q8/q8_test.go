package q8

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/internal/kernel"
)

func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// codes returns n random codes with slack behind them.
func codes(r *rand.Rand, n int) []uint8 {
	s := make([]uint8, n+Slack)
	for i := range s {
		s[i] = uint8(r.Uint32())
		if r.IntN(8) == 0 {
			s[i] = 255 * uint8(r.IntN(2))
		}
	}
	return s[:n]
}

func signed(r *rand.Rand, n int) []int8 {
	s := make([]int8, n)
	for i := range s {
		s[i] = int8(r.IntN(255) - 127)
		if r.IntN(8) == 0 {
			s[i] = 127
		}
	}
	return s
}

// epilogue returns one with factors that spread the sums of k products over
// the codes and beyond.
func epilogue(r *rand.Rand, n, k int, table bool) *Epilogue {
	e := &Epilogue{Bias: make([]int32, n), Mul: make([]float32, n), Zero: r.IntN(256), Hi: 255}
	for i := range n {
		e.Bias[i] = int32(r.IntN(200_001) - 100_000)
		e.Mul[i] = float32((0.2 + r.Float64()) / 127 / math.Sqrt(float64(k)))
	}
	switch r.IntN(3) {
	case 0:
		e.Lo = uint8(e.Zero)
	case 1:
		e.Lo, e.Hi = 20, 200
	}
	if table {
		e.Zero, e.Table = r.IntN(TableLen), NewTable(func(int) uint8 { return uint8(r.Uint32()) })
	}
	return e
}

// want is what an epilogue is to make of a sum, by its definition in words.
func (e *Epilogue) want(sum int64, n, at int) uint8 {
	v := float32(float32(sum+int64(e.Bias[n])) * e.Mul[n])
	if e.Add != nil {
		v += float32(float32(int(e.Add[at])-int(e.AddZero)) * e.AddMul)
	}
	t := e.Zero + int(math.RoundToEven(float64(v)))
	if e.Table != nil {
		return e.Table.At(max(0, min(t, 510)))
	}
	return uint8(max(int(e.Lo), min(t, int(e.Hi))))
}

func TestPointwiseGeneric(t *testing.T) {
	r := source(1)
	for range 60 {
		rows, k, n := 1+r.IntN(5), 1+r.IntN(90), 1+r.IntN(50)
		src, w, e := codes(r, rows*(k+3)), signed(r, n*k), epilogue(r, n, k, r.IntN(2) == 0)
		if r.IntN(2) == 0 {
			e.Add, e.AddStride, e.AddZero, e.AddMul = codes(r, rows*n), n, 77, 0.3
		}
		dst := make([]uint8, rows*(n+2))
		m := PackMatrix(w, n, k)
		pointwiseGeneric(dst, n+2, src, k+3, rows, m, e)
		fl := make([]float32, rows*n)
		PointwiseFloat(fl, n, src, k+3, rows, m, e)
		for i := range rows {
			for j := range n {
				sum := int64(0)
				for l := range k {
					sum += int64(src[i*(k+3)+l]) * int64(w[j*k+l])
				}
				if got, want := dst[i*(n+2)+j], e.want(sum, j, i*n+j); got != want {
					t.Fatalf("%d×%d×%d: (%d, %d) is %d, want %d", rows, k, n, i, j, got, want)
				}
				if got, want := fl[i*n+j], float32(sum+int64(e.Bias[j]))*e.Mul[j]; got != want {
					t.Fatalf("%d×%d×%d: (%d, %d) is %g, want %g", rows, k, n, i, j, got, want)
				}
			}
		}
	}
}

func TestDepthwiseGeneric(t *testing.T) {
	r := source(2)
	for range 60 {
		g := geometry(r)
		src, w := codes(r, g.H*g.W*g.SrcStride), signed(r, g.Channels*g.Kernel*g.Kernel)
		e := epilogue(r, g.Channels, g.Kernel*g.Kernel, r.IntN(2) == 0)
		zero := uint8(r.IntN(256))
		dst := make([]uint8, g.OutH*g.OutW*g.DstStride)
		depthwiseGeneric(dst, src, PackDW(w, g.Channels, g.Kernel, g.Stride, g.Dilation), g, zero, e, 0, g.OutH)
		for p := range g.OutH * g.OutW {
			for c := range g.Channels {
				sum := int64(0)
				for i := range g.Kernel * g.Kernel {
					y := p/g.OutW*g.Stride + i/g.Kernel*g.Dilation - g.PadTop
					x := p%g.OutW*g.Stride + i%g.Kernel*g.Dilation - g.PadLeft
					q := zero
					if y >= 0 && y < g.H && x >= 0 && x < g.W {
						q = src[(y*g.W+x)*g.SrcStride+c]
					}
					sum += int64(q) * int64(w[c*g.Kernel*g.Kernel+i])
				}
				if got, want := dst[p*g.DstStride+c], e.want(sum, c, 0); got != want {
					t.Fatalf("%+v: (%d, %d) is %d, want %d", *g, p, c, got, want)
				}
			}
		}
	}
}

// geometry returns a random one.
func geometry(r *rand.Rand) *kernel.DW {
	g := &kernel.DW{
		H: 1 + r.IntN(17), W: 1 + r.IntN(17), Channels: 1 + r.IntN(40),
		Kernel: 1 + r.IntN(13), Stride: 1 + r.IntN(2), Dilation: 1,
	}
	if r.IntN(8) == 0 {
		g.Dilation = 2
	}
	g.PadTop, g.PadLeft = r.IntN(g.Kernel), r.IntN(g.Kernel)
	span := (g.Kernel-1)*g.Dilation + 1
	g.OutH = max(1, (g.H+2*g.PadTop-span)/g.Stride+1)
	g.OutW = max(1, (g.W+2*g.PadLeft-span)/g.Stride+1)
	g.SrcStride, g.DstStride = g.Channels+r.IntN(20), g.Channels+r.IntN(20)
	return g
}

// The zero point of the inputs adds to sums what FoldZero takes off.
func TestFoldZero(t *testing.T) {
	r := source(3)
	const zero = 93
	w, bias := signed(r, 5*18), make([]int32, 5)
	PackMatrix(w, 5, 18).FoldZero(bias, zero)
	dw := make([]int32, 10)
	PackDW(w, 10, 3, 1, 1).FoldZero(dw, zero)
	for i := range 90 {
		bias[i/18] += zero * int32(w[i])
		dw[i/9] += zero * int32(w[i])
	}
	for _, b := range append(bias, dw...) {
		if b != 0 {
			t.Errorf("left: %v, %v", bias, dw)
			break
		}
	}
}

// A convolution of codes is that of what they stand for.
func TestConv(t *testing.T) {
	r := source(4)
	for range 30 {
		s := &kernel.ConvShape{H: 1 + r.IntN(9), W: 1 + r.IntN(9), C: 1 + r.IntN(4), K: 1 + r.IntN(4), Stride: 1 + r.IntN(2), Dilation: 1 + r.IntN(2)}
		s.Top, s.Left, s.Pixel = r.IntN(s.K), r.IntN(s.K), s.C+r.IntN(2)
		s.OutH, s.OutW = max(1, s.H/s.Stride), max(1, s.W/s.Stride)
		out := 1 + r.IntN(20)
		img, w, pad := codes(r, s.H*s.W*s.Pixel), signed(r, out*s.C*s.K*s.K), codes(r, s.C)
		e := epilogue(r, out, s.C*s.K*s.K, false)
		dst := make([]uint8, s.OutH*s.OutW*out)
		Conv(dst, out, img, s, pad, 0, s.OutH, PackConv(w, out, s.C, s.K), e, make([]uint8, ConvScratch(s)))
		for i := range dst {
			n, x, y := i%out, i/out%s.OutW, i/out/s.OutW
			sum := int64(0)
			for j := range s.C * s.K * s.K {
				c, ky, kx := j/s.K/s.K, j/s.K%s.K, j%s.K
				iy, ix := y*s.Stride+ky*s.Dilation-s.Top, x*s.Stride+kx*s.Dilation-s.Left
				q := pad[c]
				if iy >= 0 && iy < s.H && ix >= 0 && ix < s.W {
					q = img[(iy*s.W+ix)*s.Pixel+c]
				}
				sum += int64(q) * int64(w[n*s.C*s.K*s.K+j])
			}
			if want := e.want(sum, n, 0); dst[i] != want {
				t.Fatalf("%+v: output %d is %d, want %d", *s, i, dst[i], want)
			}
		}
	}
}

// The activations are those of package kernel in float64, within rounding.
func TestActivate(t *testing.T) {
	for act := kernel.Identity; act <= kernel.HardSigmoid; act++ {
		for i := -2000; i <= 2000; i++ {
			x := float32(i) / 17
			got, want := [1]float32{x}, [1]float64{float64(x)}
			Activate(got[:], act)
			kernel.Activate(want[:], want[:], act)
			if math.Abs(float64(got[0])-want[0]) > 4e-7*math.Abs(want[0])+1e-34 {
				t.Fatalf("activation %d of %g is %g, want %g", act, x, got[0], want[0])
			}
		}
	}
}

func TestDense(t *testing.T) {
	r := source(5)
	for _, size := range [][2]int{{1, 1}, {7, 20}, {40, 16}, {33, 100}} {
		k, n := size[0], size[1]
		w, bias, x, dst := make([]float32, n*k), make([]float32, n), make([]float32, k), make([]float32, n)
		for _, s := range [][]float32{w, bias, x} {
			for i := range s {
				s[i] = float32(r.NormFloat64())
			}
		}
		PackDense(w, bias, n, k).Apply(dst, x, kernel.Identity)
		for i := range n {
			want := float64(bias[i])
			for j := range k {
				want += float64(w[i*k+j]) * float64(x[j])
			}
			if math.Abs(float64(dst[i])-want) > 1e-5 {
				t.Errorf("%d×%d: output %d is %g, want %g", k, n, i, dst[i], want)
			}
		}
	}
}

// A table's codes are within one and a half of the activation's value.
func TestActTable(t *testing.T) {
	table := ActTable(kernel.Swish, 0.015, 256, 0.02, 14)
	for i := range TableLen {
		x, q := 0.015*float64(i-256), table.At(i)
		if y := x / (1 + math.Exp(-x)) / 0.02; math.Abs(float64(q)-14-y) > 0.5001 {
			t.Errorf("code of swish(%g) is %d", x, q)
		}
	}
}

func TestQuantize(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	x := []float32{0, 0.5, 1.5, 2.5, -0.5, -7, -8, 300, nan, inf, -inf, 1e30}
	q := make([]uint8, len(x), len(x)+Slack)
	Quantize(q, x, 1, 7)
	for i, want := range []uint8{7, 7, 9, 9, 7, 0, 0, 255, 0, 255, 0, 255} {
		if q[i] != want {
			t.Errorf("code of %g is %d, want %d", x[i], q[i], want)
		}
	}
	back := make([]float32, 3)
	Dequantize(back, []uint8{0, 7, 255}, 0.5, 7)
	if back[0] != -3.5 || back[1] != 0 || back[2] != 124 {
		t.Errorf("codes stand for %v", back)
	}
}
