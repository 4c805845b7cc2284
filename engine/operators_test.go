package engine

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
)

// Every operator of package graph can be run, and gives what the reference does.
func TestEveryOperator(t *testing.T) {
	all, err := testkit.Operators()
	if err != nil {
		t.Fatal(err)
	}
	for name, g := range all {
		t.Run(name, func(t *testing.T) {
			v := testkit.Values[float32](g)
			x := testkit.Input[float32](tensor.Shape{N: 2, H: 6, W: 5, C: testkit.OperatorChannels})
			want := reference(g, v, x)
			out := outputs(t, g, v, Options{Threads: 2}, x, graph.Logits)
			if err := testkit.Close(out[0].Data, want[g.Outputs[0].ID].Data, 1e-5); err != nil {
				t.Error(err)
			}
		})
	}
}

// An operator that the engine does not know is an error that names it.
func TestUnknownOperator(t *testing.T) {
	g, err := testkit.Unknown()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Compile(g, testkit.Values[float32](g), Options{}); err == nil || !strings.Contains(err.Error(), "op: operator unknown") {
		t.Errorf("error %v", err)
	}
}

// Activations have the same numbers in graph and kernel.
func TestActivationsOfKernel(t *testing.T) {
	relu6 := func(x float64) float64 { return min(max(x, 0), 6) }
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	formulas := map[string]func(x float64) float64{
		"identity":     func(x float64) float64 { return x },
		"relu":         func(x float64) float64 { return max(x, 0) },
		"relu6":        relu6,
		"swish":        func(x float64) float64 { return x * sigmoid(x) },
		"hard_swish":   func(x float64) float64 { return x * relu6(x+3) / 6 },
		"sigmoid":      sigmoid,
		"hard_sigmoid": func(x float64) float64 { return relu6(x+3) / 6 },
	}
	var x, got []float64
	for i := -80; i <= 80; i++ {
		x = append(x, float64(i)/10)
	}
	got = make([]float64, len(x))
	known := 0
	for a := graph.Activation(0); ; a++ {
		if _, err := a.MarshalText(); err != nil {
			break
		}
		known++
		f := formulas[a.String()]
		if f == nil {
			t.Errorf("no formula for %v", a)
			continue
		}
		kernel.Activate(got, x, kernel.Act(a))
		for i := range x {
			if want := f(x[i]); math.Abs(got[i]-want) > 1e-12 {
				t.Fatalf("%v(%g) is %g, want %g", a, x[i], got[i], want)
			}
		}
	}
	if known != len(formulas) {
		t.Errorf("%d activations, want %d", known, len(formulas))
	}
}

// pyramid is a network without logits, with results of three sizes.
func pyramid(t *testing.T) *graph.Graph {
	t.Helper()
	b := graph.NewBuilder("pyramid", 3)
	x := b.Input()
	for i := range 3 {
		name := fmt.Sprintf("level%d", i)
		x = b.Activate(name+".act", b.BatchNorm(name+".bn", b.Conv(name, x, graph.ConvSpec{Out: 8 + 4*i, Kernel: 3, Stride: 2})), graph.Swish)
		b.Output(fmt.Sprintf("boxes%d", i), b.Conv(name+".head", x, graph.ConvSpec{Out: 5 + i, Bias: true}))
	}
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Outputs of any shapes are computed in one run, for batches of several units,
// without allocation.
func TestRunTo(t *testing.T) {
	g := pyramid(t)
	v := testkit.Values[float32](g)
	p, err := Compile(g, v, Options{Threads: 2, Mean: make([]float32, 3), Std: ones(3)})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	in := tensor.Shape{N: 7, H: 20, W: 13, C: 3}
	x := testkit.Input[float32](in)
	want := reference(g, v, x)
	var results []Result
	for _, o := range g.Outputs {
		s, err := p.OutputShape(o.Name, in)
		if err != nil {
			t.Fatal(err)
		}
		if s != want[o.ID].Shape {
			t.Errorf("%s: shape %v, want %v", o.Name, s, want[o.ID].Shape)
		}
		results = append(results, Result{o.Name, tensor.New[float32](s)})
	}
	run := func() {
		if err := p.RunTo(t.Context(), x, results...); err != nil {
			t.Fatal(err)
		}
	}
	run()
	for i, o := range g.Outputs {
		if err := testkit.Close(results[i].To.Data, want[o.ID].Data, 1e-5); err != nil {
			t.Errorf("%s: %v", o.Name, err)
		}
	}
	if a := testing.AllocsPerRun(10, run); a != 0 {
		t.Errorf("%v allocations per run", a)
	}
	pixels := make([]uint8, in.Len())
	if err := p.RunBytesTo(t.Context(), pixels, in, results[1:]...); err != nil {
		t.Error(err)
	}
	black := reference(g, v, tensor.New[float32](in))
	if err := testkit.Close(results[2].To.Data, black[g.Outputs[2].ID].Data, 1e-5); err != nil {
		t.Errorf("from bytes: %v", err)
	}
}

// A Program computes the outputs and blocks that it was compiled for.
func TestOptionsOutputs(t *testing.T) {
	g := pyramid(t)
	v := testkit.Values[float32](g)
	in := tensor.Shape{N: 1, H: 20, W: 13, C: 3}
	x := testkit.Input[float32](in)
	p, err := Compile(g, v, Options{Outputs: []string{"boxes1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got, want := len(p.net.layers), 3; got != want {
		t.Errorf("%d layers, want %d", got, want)
	}
	if _, err := p.Outputs(t.Context(), x, "boxes1"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"boxes0", "boxes2", graph.Logits, ""} {
		if _, err := p.Outputs(t.Context(), x, name); err == nil {
			t.Errorf("%q: no error", name)
		}
	}
	wrong := tensor.New[float32](tensor.Shape{N: 1, H: 4, W: 5, C: 6})
	if err := p.RunTo(t.Context(), x, Result{"boxes1", wrong}); err == nil {
		t.Error("height and width exchanged: no error")
	}
	if _, err := Compile(g, v, Options{Outputs: []string{"boxes3"}}); err == nil || !strings.Contains(err.Error(), "boxes3") {
		t.Errorf("unknown output: error %v", err)
	}
}
