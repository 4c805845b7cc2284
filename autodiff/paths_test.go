package autodiff_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
)

// path is a network with the named blocks between a stem and a head, whose
// logits are of the first classes.
func path(t *testing.T, classes int, blocks ...string) *graph.Graph {
	t.Helper()
	b := graph.NewBuilder(strings.Join(blocks, "+"), 3)
	x := b.Activate("act", b.BatchNorm("bn", b.Conv("stem", b.Input(), graph.ConvSpec{Out: 20, Kernel: 3, Stride: 2})), graph.Swish)
	for _, name := range blocks {
		kernels := []int{3}
		if strings.HasSuffix(name, "35") {
			kernels = []int{3, 5}
		}
		y := b.MixConv(name+".dw", x, graph.MixSpec{Kernels: kernels})
		y = b.Conv(name+".pw", b.Activate(name+".act", b.BatchNorm(name+".bn", y), graph.ReLU), graph.ConvSpec{Out: 20})
		x = b.Add(name+".add", x, y)
	}
	b.Output(graph.Logits, b.Linear("fc", b.GlobalPool("pool", x), classes, true))
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// shared returns values for g that lie in those of super, by name; a smaller
// parameter takes the first values.
func shared(t *testing.T, g, super *graph.Graph, of graph.Values[float32]) graph.Values[float32] {
	t.Helper()
	index := super.ParamIndex()
	v := make(graph.Values[float32], len(g.Params))
	for i, p := range g.Params {
		id, ok := index[p.Name]
		if !ok {
			t.Fatalf("no parameter %s", p.Name)
		}
		v[i] = of[id][:p.Len()]
	}
	return v
}

// Paths that share a large network's parameters, gradients and memory take the
// same steps as networks with copies of them.
func TestPathsOfASupernet(t *testing.T) {
	super := path(t, 6, "a3", "a35", "b3", "b35")
	values, grads := testkit.Values[float32](super), graph.NewValues[float32](super)
	memory := autodiff.NewMemory(2)
	defer memory.Close()
	in := tensor.Shape{N: 3, H: 9, W: 8, C: 3}
	x := testkit.Input[float32](in)
	for _, sampled := range []*graph.Graph{path(t, 6, "a3", "b35"), path(t, 4, "a35"), path(t, 6, "b3", "a3"), path(t, 6)} {
		params, into := shared(t, sampled, super, values), shared(t, sampled, super, grads)
		alone, aloneGrads := params.Clone(), into.Clone()
		before, beforeGrads := values.Clone(), grads.Clone()
		net, err := autodiff.New[float32](sampled, in, autodiff.Options{Memory: memory})
		if err != nil {
			t.Fatal(err)
		}
		own, err := autodiff.New[float32](sampled, in, autodiff.Options{Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		train(t, net, x, params, into)
		train(t, own, x, alone, aloneGrads)
		own.Close()
		if !slices.EqualFunc(params, alone, slices.Equal[[]float32]) {
			t.Errorf("%s: running statistics differ from those of a copy", sampled.Name)
		}
		if !slices.EqualFunc(into, aloneGrads, slices.Equal[[]float32]) {
			t.Errorf("%s: gradients differ from those of a copy", sampled.Name)
		}
		on := sampled.ParamIndex()
		for i, p := range super.Params {
			_, touched := on[p.Name]
			if same := slices.Equal(grads[i], beforeGrads[i]); same == (touched && p.Trainable()) {
				t.Errorf("%s: gradient of %s: unchanged is %v", sampled.Name, p.Name, same)
			}
			if same := slices.Equal(values[i], before[i]); same == (touched && !p.Trainable()) {
				t.Errorf("%s: value of %s: unchanged is %v", sampled.Name, p.Name, same)
			}
		}
	}
}

// train makes a forward and a backward pass.
func train(t *testing.T, net *autodiff.Net[float32], x *tensor.Tensor, params, grads graph.Values[float32]) {
	t.Helper()
	if err := net.Train(x, params, 1); err != nil {
		t.Fatal(err)
	}
	dOut := make([][]float32, net.Outputs())
	for i := range dOut {
		dOut[i] = slices.Clone(net.Output(i))
	}
	if err := net.Backward(dOut, params, grads); err != nil {
		t.Fatal(err)
	}
}
