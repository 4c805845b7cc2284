package optim

import (
	"fmt"
	"math"
	"testing"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/par"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/recipe"
)

// TestOptimizersEqualPyTorch compares every step with PyTorch's, or timm's
// RMSpropTF.
func TestOptimizersEqualPyTorch(t *testing.T) {
	var cases []struct {
		Kind            recipe.OptimizerKind
		Momentum, Decay float64
		Eps             float64
		WeightDecay     float64 `json:"weight_decay"`
		Clip, LR, Scale float64
		After           []map[string][]float64
	}
	if err := testkit.ReadJSON("testdata/optimizers.json", &cases); err != nil {
		t.Fatal(err)
	}
	g := &graph.Graph{Params: []graph.Param{
		{Name: "a.weight", Shape: []int{3, 4}, Kind: graph.Weight},
		{Name: "a.bias", Shape: []int{5}, Kind: graph.Bias},
		{Name: "tall.weight", Shape: []int{7, 3, 1, 1}, Kind: graph.Weight},
		{Name: "wide.weight", Shape: []int{4, 9, 1, 1}, Kind: graph.Weight},
		{Name: "conv.weight", Shape: []int{5, 2, 3, 3}, Kind: graph.Weight},
		{Name: "depthwise.weight", Shape: []int{6, 1, 3, 3}, Kind: graph.Weight},
	}}
	for i, c := range cases {
		g := &graph.Graph{Params: g.Params[:len(c.After[0])]}
		t.Run(fmt.Sprint(i, c.Kind), func(t *testing.T) {
			cfg := recipe.Optimizer{Kind: c.Kind, Momentum: c.Momentum, Decay: c.Decay, Eps: c.Eps, WeightDecay: c.WeightDecay, Clip: c.Clip}
			u := newOptimizer(t, cfg, g, func(graph.ParamID) bool { return true })
			params, grads := graph.NewValues[float64](g), graph.NewValues[float64](g)
			for i, p := range g.Params {
				signed(params[i], p.Name, 1)
			}
			for step, want := range c.After {
				for i, p := range g.Params {
					signed(grads[i], fmt.Sprintf("grad/%s/%d", p.Name, step), c.Scale)
				}
				u.Step(par.New(2), params, grads, step, c.LR)
				for i, p := range g.Params {
					if err := testkit.Close(params[i], want[p.Name], 1e-12); err != nil {
						t.Fatalf("%s after step %d: %v", p.Name, step, err)
					}
				}
			}
		})
	}
}

func signed(dst []float64, name string, scale float64) {
	for i, u := range testkit.Uniform(name, len(dst)) {
		dst[i] = (2*u - 1) * scale
	}
}

// Batch norm's parameters are not decayed, and frozen ones are not touched.
func TestDecayAndFreeze(t *testing.T) {
	g := &graph.Graph{Params: []graph.Param{
		{Name: "w", Shape: []int{1}, Kind: graph.Weight},
		{Name: "gamma", Shape: []int{1}, Kind: graph.Gamma},
		{Name: "mean", Shape: []int{1}, Kind: graph.RunningMean},
		{Name: "frozen", Shape: []int{1}, Kind: graph.Weight},
	}}
	for _, kind := range recipe.OptimizerKinds() {
		u := newOptimizer(t, recipe.Optimizer{Kind: kind, WeightDecay: 0.1}, g, func(p graph.ParamID) bool { return p != 3 })
		params := graph.Values[float64]{{1}, {1}, {1}, {1}}
		u.Step(nil, params, graph.NewValues[float64](g), 0, 0.1)
		if params[0][0] >= 1 || params[1][0] != 1 || params[2][0] != 1 || params[3][0] != 1 {
			t.Errorf("%s: %v after a step without gradients, want the first alone to shrink", kind, params)
		}
	}
}

func newOptimizer(t *testing.T, cfg recipe.Optimizer, g *graph.Graph, moves func(graph.ParamID) bool) *Optimizer[float64] {
	t.Helper()
	o, err := New[float64](cfg, g, moves)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Every kind that recipes know has its rule, and the other way round.
func TestRulesAreTheKinds(t *testing.T) {
	kinds := recipe.OptimizerKinds()
	all := rules[float32]()
	if len(all) != len(kinds) {
		t.Errorf("%d rules for %d kinds", len(all), len(kinds))
	}
	for _, kind := range kinds {
		r, ok := all[kind]
		if !ok || r.move == nil || len(r.slots) == 0 || len(r.slots) > maxSlots || r.matrix != nil && !r.slots[0].ofMatrix {
			t.Errorf("%s: %+v", kind, r)
		}
	}
	if _, err := New[float32](recipe.Optimizer{Kind: "adagrad"}, &graph.Graph{}, nil); err == nil {
		t.Error("a rule from nowhere")
	}
}

// Early layers move by the decay less for every block after them.
func TestLayerDecay(t *testing.T) {
	weight := func(name string, shape ...int) graph.Param {
		return graph.Param{Name: name, Shape: shape, Kind: graph.Weight}
	}
	g := &graph.Graph{
		Name:   "net",
		Blocks: []graph.Block{{Name: "blocks.0"}, {Name: "blocks.1"}},
		Params: []graph.Param{
			weight("stem.weight", 2), weight("blocks.0.weight", 2), weight("blocks.0.conv.weight", 2, 3, 1, 1),
			weight("blocks.1.weight", 2), weight("head.weight", 2), weight("classifier.weight", 2),
		},
	}
	all := func(graph.ParamID) bool { return true }
	for _, kind := range recipe.OptimizerKinds() {
		moved := [2]graph.Values[float64]{}
		for i, decay := range []float64{0, 0.5} {
			u := newOptimizer(t, recipe.Optimizer{Kind: kind, WeightDecay: 0.1, LayerDecay: decay}, g, all)
			params, grads := graph.NewValues[float64](g), graph.NewValues[float64](g)
			for i, p := range g.Params {
				signed(params[i], p.Name, 1)
				signed(grads[i], "grad/"+p.Name, 1)
			}
			before := params.Clone()
			u.Step(par.New(2), params, grads, 0, 0.1)
			for i := range params {
				for j := range params[i] {
					params[i][j] -= before[i][j]
				}
			}
			moved[i] = params
		}
		for i, want := range []float64{0.125, 0.25, 0.25, 0.5, 1, 1} {
			for j := range moved[0][i] {
				if got := moved[1][i][j] / moved[0][i][j]; math.Abs(got-want) > 1e-9 {
					t.Errorf("%s: %s moved %g as far, want %g", kind, g.Params[i].Name, got, want)
				}
			}
		}
	}
	g.Blocks = nil
	if _, err := New[float64](recipe.Optimizer{Kind: recipe.SGD, LayerDecay: 0.5}, g, all); err == nil {
		t.Error("layer decay without layers")
	}
}
