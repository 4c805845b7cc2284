package model_test

import (
	"math"
	"testing"

	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

// Merged networks have the logits of those with two convolutions, and their
// size is that of networks that never had a second one.
func TestMerged(t *testing.T) {
	for _, name := range []string{
		"mobilenetv2_035@kernel=9,parallel=3,size=64", "mixnet_tiny@parallel=3", "mobilenetv1_025@kernels=5.7,parallel=5,layers=1-4,size=64", "tf_mixnet_s@parallel=3,size=64",
	} {
		spec, err := zoo.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := model.New(spec, zoo.Options{}, nil, 1)
		if err != nil {
			t.Fatal(err)
		}
		m.Values = testkit.Values[float32](m.Graph) // running statistics too
		merged, err := m.Merged()
		if err != nil {
			t.Fatal(err)
		}
		plain, err := spec.(zoo.Network).Merged().Build(zoo.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if merged.Graph.ParamCount() != plain.ParamCount() || merged.Graph.ParamCount() >= m.Graph.ParamCount() {
			t.Errorf("%s: %d parameters, of %d; want %d", name, merged.Graph.ParamCount(), m.Graph.ParamCount(), plain.ParamCount())
		}
		in := m.Input
		x := testkit.Input[float32](tensor.Shape{N: 2, H: in.Size[0], W: in.Size[1], C: in.Channels})
		want, got := logits(t, m.Graph, m.Values, x), logits(t, merged.Graph, merged.Values, x)
		largest := 0.0
		for _, v := range want {
			largest = max(largest, math.Abs(float64(v)))
		}
		for i := range want {
			if d := math.Abs(float64(got[i] - want[i])); !(d <= 1e-5*largest) {
				t.Errorf("%s: logit %d is %v, want %v", name, i, got[i], want[i])
				break
			}
		}
		if again, err := merged.Merged(); err != nil || again != merged {
			t.Errorf("%s: merged twice is another model: %v", name, err)
		}
	}
}

func logits(t *testing.T, g *graph.Graph, v graph.Values[float32], x *tensor.Tensor) []float32 {
	t.Helper()
	p, err := engine.Compile(g, v, engine.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	out := tensor.New[float32](tensor.Shape{N: x.Shape.N, H: 1, W: 1, C: g.Classes()})
	if err := p.Run(t.Context(), out, x); err != nil {
		t.Fatal(err)
	}
	return out.Data
}
