package train

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
			u := newUpdater[float64](cfg, g, func(graph.ParamID) bool { return true })
			params, grads := graph.NewValues[float64](g), graph.NewValues[float64](g)
			for i, p := range g.Params {
				signed(params[i], p.Name, 1)
			}
			for step, want := range c.After {
				for i, p := range g.Params {
					signed(grads[i], fmt.Sprintf("grad/%s/%d", p.Name, step), c.Scale)
				}
				u.update(par.New(2), params, grads, step, c.LR)
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
	for _, kind := range []recipe.OptimizerKind{recipe.RMSProp, recipe.SGD, recipe.AdamW, recipe.Muon} {
		u := newUpdater[float64](recipe.Optimizer{Kind: kind, WeightDecay: 0.1}, g, func(p graph.ParamID) bool { return p != 3 })
		params := graph.Values[float64]{{1}, {1}, {1}, {1}}
		u.update(nil, params, graph.NewValues[float64](g), 0, 0.1)
		if params[0][0] >= 1 || params[1][0] != 1 || params[2][0] != 1 || params[3][0] != 1 {
			t.Errorf("%s: %v after a step without gradients, want the first alone to shrink", kind, params)
		}
	}
}

// After one step the average has moved 9/11 of the way.
func TestAverage(t *testing.T) {
	for _, c := range []struct {
		t    int
		want float64
	}{{1, 2. / 11}, {10, 11. / 20}, {1e6, 0.9999}} {
		if got := averageDecay(0.9999, c.t); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("after %d updates %g, want %g", c.t, got, c.want)
		}
	}
	avg, values := graph.Values[float32]{{1, 2}, {3}}, graph.Values[float32]{{12, 13}, {3}}
	average(par.New(2), avg, values, averageDecay(0.9999, 1))
	if err := testkit.Close(append(avg[0], avg[1]...), []float64{10, 11, 3}, 1e-6); err != nil {
		t.Error(err)
	}
}
