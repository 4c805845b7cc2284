package autodiff_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
	"github.com/mixnet-go/mixnet/internal/kernel/bf16"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
)

// halvesSets are the features that products of bfloat16 ask for.
var halvesSets = []cpu.Feature{cpu.AVX512BF16, cpu.AVX512BF16 | cpu.AMXTile | cpu.AMXBF16}

func rounded(v []float32) []float32 {
	r := make([]float32, len(v))
	for i, x := range v {
		r[i] = bf16.Value(bf16.Round(x))
	}
	return r
}

// A layer with products of bfloat16 is the layer in float64 on rounded inputs,
// weights and gradients, and its bias is not rounded.
func TestBFloat16Layers(t *testing.T) {
	in := shape(3, 7, 6, 34)
	for _, s := range []graph.ConvSpec{
		{Out: 50, Bias: true},
		{Out: 26, Groups: 2, Split: true},
		{Out: 26, Groups: 2},
		{Out: 9, Kernel: 3, Stride: 2, Bias: true},
		{Out: 6, Kernel: 3, Groups: 2},
		{Out: 5, Kernel: 3, Dilation: 2, Padding: graph.Same},
	} {
		t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) {
			g := build(t, network{"layer", in, func(b *graph.Builder) { b.Output(graph.Logits, b.Conv("c", b.Input(), s)) }})
			params, x := testkit.Values[float32](g), testkit.Input[float32](in)
			inputs, weights := &tensor.Dense[float64]{Shape: in, Data: testkit.Float64s(rounded(x.Data))}, make(graph.Values[float64], len(params))
			for i, p := range params {
				if weights[i] = testkit.Float64s(rounded(p)); len(g.Params[i].Shape) == 1 {
					weights[i] = testkit.Float64s(p)
				}
			}
			want, err := autodiff.New[float64](g, in, autodiff.Options{Threads: 1, InputGrad: true})
			if err != nil {
				t.Fatal(err)
			}
			if err := want.Train(inputs, weights, 0); err != nil {
				t.Fatal(err)
			}
			gradient := testkit.Uniform("gradient", len(want.Output(0)))
			single := make([]float32, len(gradient))
			for i, v := range gradient {
				single[i] = float32(2*v - 1)
			}
			wantOut, wantGrads := slices.Clone(want.Output(0)), graph.NewValues[float64](g)
			if err := want.Backward([][]float64{testkit.Float64s(rounded(single))}, weights, wantGrads); err != nil {
				t.Fatal(err)
			}
			cputest.EachWith(t, halvesSets, func(t *testing.T) {
				n, err := autodiff.New[float32](g, in, autodiff.Options{Threads: 2, InputGrad: true, BFloat16: true})
				if err != nil {
					t.Fatal(err)
				}
				defer n.Close()
				if err := n.Train(x, params, 0); err != nil {
					t.Fatal(err)
				}
				check := func(what string, got []float32, want []float64) {
					t.Helper()
					if err := close64(testkit.Float64s(got), want, 2e-6); err != nil {
						t.Errorf("%s: %v", what, err)
					}
				}
				check("output", n.Output(0), wantOut)
				grads := graph.NewValues[float32](g)
				if err := n.Backward([][]float32{single}, params, grads); err != nil {
					t.Fatal(err)
				}
				check("gradient of the input", n.InputGrad(), want.InputGrad())
				for i, p := range g.Params {
					if len(p.Shape) > 1 {
						check("gradient of "+p.Name, grads[i], wantGrads[i])
					}
				}
			})
		})
	}
}

// A whole step has the gradients of float32 but for the rounding of factors, and
// evaluation is that of float32 to the bit.
func TestBFloat16Step(t *testing.T) {
	exact := newStepper[float32](t, "mixnet_tiny", 28, autodiff.Options{Threads: 2})
	half := newStepper[float32](t, "mixnet_tiny", 28, autodiff.Options{Threads: 2, BFloat16: true})
	want, got := exact.step(t, func() {}), half.step(t, func() {})
	again := half.step(t, func() {})
	dot, a, b := 0.0, 0.0, 0.0
	for i := range want {
		if !slices.Equal(got[i], again[i]) {
			t.Errorf("parameter %d has other gradients the second time", i)
		}
		for j, w := range want[i] {
			g := float64(got[i][j])
			dot, a, b = dot+float64(w)*g, a+float64(w)*float64(w), b+g*g
		}
	}
	if cosine := dot / math.Sqrt(a*b); cosine < 0.99 || cosine > 1-1e-9 {
		t.Errorf("the cosine of the gradients is %g", cosine)
	}
	for _, s := range []*stepper[float32]{exact, half} {
		if err := s.net.Eval(s.x, exact.params); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(exact.net.Output(0), half.net.Output(0)) {
		t.Error("evaluation is not that of float32")
	}
	g := build(t, network{"layer", shape(1, 2, 2, 2), func(b *graph.Builder) { b.Output(graph.Logits, b.Conv("c", b.Input(), graph.ConvSpec{Out: 2})) }})
	if _, err := autodiff.New[float64](g, shape(1, 2, 2, 2), autodiff.Options{BFloat16: true}); err == nil {
		t.Error("products of bfloat16 in float64")
	}
}
