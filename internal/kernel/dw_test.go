package kernel_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
)

// goldenMixConv is one case of testdata/mixconv.json.gz: timm's MixedConv2d
// and the gradients of Σ out·w.
type goldenMixConv struct {
	C       int                     `json:"C"`
	Kernels []int                   `json:"kernels"`
	Stride  int                     `json:"stride"`
	Padding string                  `json:"padding"`
	HW      [2]int                  `json:"hw"`
	Names   []string                `json:"names"`
	Splits  [][]int                 `json:"splits"`
	Shape   [4]int                  `json:"out_shape"`
	Out     testkit.Stat            `json:"out"`
	DX      testkit.Stat            `json:"dx"`
	DW      map[string]testkit.Stat `json:"dw"`
}

func readGoldenMixConv(t *testing.T) []goldenMixConv {
	t.Helper()
	f, err := os.Open("testdata/mixconv.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var cases []goldenMixConv
	if err := json.NewDecoder(z).Decode(&cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 100 {
		t.Fatalf("%d cases", len(cases))
	}
	return cases
}

func TestMixConvEqualsTimm(t *testing.T) {
	cases := readGoldenMixConv(t)
	cputest.Each(t, func(t *testing.T) {
		for _, c := range cases {
			name := fmt.Sprintf("%d channels, %v, stride %d, padding %q, %v", c.C, c.Kernels, c.Stride, c.Padding, c.HW)
			if err := checkMixConv[float32](c, 1e-5); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := checkMixConv[float64](c, 1e-5); err != nil {
				t.Errorf("%s, float64: %v", name, err)
			}
		}
	})
}

// checkMixConv runs the groups of a case in place, as the engines do.
func checkMixConv[T kernel.Float](c goldenMixConv, tol float64) error {
	in := tensor.Shape{N: 1, H: c.HW[0], W: c.HW[1], C: c.C}
	out := tensor.Shape{N: 1, H: c.Shape[2], W: c.Shape[3], C: c.C}
	x := uniform[T](in, "x", 2)
	dy := uniform[T](out, "w", 1)
	y, dx := tensor.New[T](out), tensor.New[T](in)

	from := 0
	for i, shape := range c.Splits {
		w := make([]T, shape[0]*shape[2]*shape[3])
		testkit.Param(w, c.Names[i], shape)
		g := kernel.DW{
			H: in.H, W: in.W, OutH: out.H, OutW: out.W,
			Channels: shape[0], SrcStride: c.C, DstStride: c.C,
			Kernel: shape[2], Stride: c.Stride, Dilation: 1,
		}
		padding := graph.Symmetric
		if c.Padding == "same" {
			padding = graph.Same
		}
		_, g.PadTop = padding.Extent(in.H, g.Kernel, g.Stride, 1)
		_, g.PadLeft = padding.Extent(in.W, g.Kernel, g.Stride, 1)

		f := kernel.PackDW(w, g.Kernel, g.Channels)
		kernel.Depthwise(y.Data[from:], x.Data[from:], f, &g, nil, kernel.Identity, 0, g.OutH, nil)
		f.PackReversed(w)
		kernel.DepthwiseGradInput(dx.Data[from:], dy.Data[from:], f, &g, 0, g.H)
		f.Clear()
		kernel.DepthwiseGradWeight(f, x.Data[from:], dy.Data[from:], &g, 0, g.OutH)
		dw := make([]T, len(w))
		f.AddTo(dw)
		if err := c.DW[c.Names[i]].Check(testkit.Float64s(dw), tol); err != nil {
			return fmt.Errorf("gradient of %s: %w", c.Names[i], err)
		}
		from += g.Channels
	}
	if err := testkit.CheckTensor(c.Out, y, tol); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	if err := testkit.CheckTensor(c.DX, dx, tol); err != nil {
		return fmt.Errorf("gradient of the input: %w", err)
	}
	return nil
}

// uniform returns the reference values of a name, in [-bound, bound).
func uniform[T kernel.Float](s tensor.Shape, name string, bound float64) *tensor.Dense[T] {
	u := testkit.Uniform(name, s.Len())
	v := make([]T, len(u))
	for i := range u {
		v[i] = T(float32((2*u[i] - 1) * bound))
	}
	return tensor.FromNCHW(s, v)
}

// TestDepthwiseEqualsPyTorch has geometries that networks rarely have.
func TestDepthwiseEqualsPyTorch(t *testing.T) {
	var cases []struct {
		C                        int
		Kernel, Stride, Dilation int
		Padding, HW              [2]int
		OutHW                    [2]int `json:"out_hw"`
		Out, DX, DW              testkit.Stat
	}
	if err := testkit.ReadJSON("testdata/depthwise.json", &cases); err != nil {
		t.Fatal(err)
	}
	cputest.Each(t, func(t *testing.T) {
		for _, c := range cases {
			in := tensor.Shape{N: 1, H: c.HW[0], W: c.HW[1], C: c.C}
			out := tensor.Shape{N: 1, H: c.OutHW[0], W: c.OutHW[1], C: c.C}
			g := kernel.DW{
				H: in.H, W: in.W, OutH: out.H, OutW: out.W,
				Channels: c.C, SrcStride: c.C, DstStride: c.C,
				Kernel: c.Kernel, Stride: c.Stride, Dilation: c.Dilation,
				PadTop: c.Padding[0], PadLeft: c.Padding[1],
			}
			x, dy := uniform[float32](in, "x", 1), uniform[float32](out, "dy", 1)
			w := uniform[float32](tensor.Shape{N: 1, H: c.Kernel, W: c.Kernel, C: c.C}, "weight", 1).NCHW()
			y, dx, dw := tensor.New[float32](out), tensor.New[float32](in), make([]float32, len(w))

			f := kernel.PackDW(w, g.Kernel, c.C)
			kernel.Depthwise(y.Data, x.Data, f, &g, nil, kernel.Identity, 0, g.OutH, nil)
			f.PackReversed(w)
			kernel.DepthwiseGradInput(dx.Data, dy.Data, f, &g, 0, g.H)
			f.Clear()
			kernel.DepthwiseGradWeight(f, x.Data, dy.Data, &g, 0, g.OutH)
			f.AddTo(dw)
			const tol = 1e-5
			for what, err := range map[string]error{
				"output":                 testkit.CheckTensor(c.Out, y, tol),
				"gradient of the input":  testkit.CheckTensor(c.DX, dx, tol),
				"gradient of the filter": c.DW.Check(testkit.Float64s(dw), tol),
			} {
				if err != nil {
					t.Errorf("%+v: %s: %v", g, what, err)
				}
			}
		}
	})
}

// TestDepthwiseNumericGradient compares both gradients of Σ out·dy with
// central differences, over geometries that the golden file lacks.
func TestDepthwiseNumericGradient(t *testing.T) {
	for _, g := range []kernel.DW{
		{H: 5, W: 4, OutH: 5, OutW: 4, Channels: 3, Kernel: 3, Stride: 1, Dilation: 2, PadTop: 2, PadLeft: 2},
		{H: 5, W: 6, OutH: 4, OutW: 3, Channels: 9, Kernel: 3, Stride: 2, Dilation: 2, PadTop: 2, PadLeft: 3},
		{H: 7, W: 8, OutH: 3, OutW: 3, Channels: 2, Kernel: 5, Stride: 3, Dilation: 1, PadTop: 2, PadLeft: 0},
		{H: 7, W: 8, OutH: 4, OutW: 3, Channels: 2, Kernel: 3, Stride: 4, Dilation: 6, PadTop: 5, PadLeft: 7},
		{H: 6, W: 6, OutH: 2, OutW: 5, Channels: 2, Kernel: 3, Stride: 1, Dilation: 1, PadTop: -2, PadLeft: 1},
		{H: 3, W: 2, OutH: 6, OutW: 5, Channels: 1, Kernel: 2, Stride: 1, Dilation: 1, PadTop: 3, PadLeft: 2},
		{H: 4, W: 4, OutH: 4, OutW: 4, Channels: 17, Kernel: 1, Stride: 1, Dilation: 1},
	} {
		g.SrcStride, g.DstStride = g.Channels+1, g.Channels+2
		t.Run(fmt.Sprintf("%+v", g), func(t *testing.T) {
			x := testkit.Uniform("x", g.H*g.W*g.SrcStride)
			w := testkit.Uniform("weight", g.Channels*g.Kernel*g.Kernel)
			dy := testkit.Uniform("dy", g.OutH*g.OutW*g.DstStride)
			loss := func() float64 {
				y := make([]float64, len(dy))
				kernel.Depthwise(y, x, kernel.PackDW(w, g.Kernel, g.Channels), &g, nil, kernel.Identity, 0, g.OutH, nil)
				sum := 0.0
				for i := range y {
					sum += y[i] * dy[i]
				}
				return sum
			}
			numeric := func(p *float64) float64 {
				v := *p
				*p = v + 0.5
				up := loss()
				*p = v - 0.5
				down := loss()
				*p = v
				return up - down // the loss is linear: any step is exact
			}

			f := kernel.NewDWFilter[float64](g.Kernel, g.Channels)
			f.PackReversed(w)
			dx := make([]float64, len(x))
			kernel.DepthwiseGradInput(dx, dy, f, &g, 0, g.H)
			f.Clear()
			kernel.DepthwiseGradWeight(f, x, dy, &g, 0, g.OutH)
			dw := make([]float64, len(w))
			f.AddTo(dw)

			for i := range x {
				if want := numeric(&x[i]); math.Abs(dx[i]-want) > 1e-12*(1+math.Abs(want))*float64(len(w)) {
					t.Fatalf("dx[%d] = %g, want %g", i, dx[i], want)
				}
			}
			for i := range w {
				if want := numeric(&w[i]); math.Abs(dw[i]-want) > 1e-12*(1+math.Abs(want))*float64(len(x)) {
					t.Fatalf("dw[%d] = %g, want %g", i, dw[i], want)
				}
			}
		})
	}
}

func TestDepthwiseEpilogue(t *testing.T) {
	g := kernel.DW{
		H: 6, W: 5, OutH: 6, OutW: 5, Channels: 19, SrcStride: 19, DstStride: 19,
		Kernel: 3, Stride: 1, Dilation: 1, PadTop: 1, PadLeft: 1,
	}
	s := tensor.Shape{N: 1, H: 6, W: 5, C: 19}
	x, bias := uniform[float64](s, "x", 2).Data, uniform[float64](tensor.Shape{N: 1, H: 1, W: 1, C: 19}, "bias", 1).Data
	f := kernel.PackDW(testkit.Uniform("weight", 19*9), 3, 19)
	plain := make([]float64, len(x))
	kernel.Depthwise(plain, x, f, &g, nil, kernel.Identity, 0, 6, nil)

	got, sums := make([]float64, len(x)), make([]float64, 19)
	kernel.Depthwise(got, x, f, &g, bias, kernel.Swish, 0, 2, sums)
	kernel.Depthwise(got, x, f, &g, bias, kernel.Swish, 2, 6, sums)
	want, wantSums := make([]float64, len(x)), make([]float64, 19)
	for i, v := range plain {
		v += bias[i%19]
		want[i] = v / (1 + math.Exp(-v))
		wantSums[i%19] += want[i]
	}
	if err := testkit.Close(got, want, 1e-12); err != nil {
		t.Error(err)
	}
	if err := testkit.Close(sums, wantSums, 1e-12); err != nil {
		t.Errorf("sums: %v", err)
	}
}
