package train

import (
	"context"
	"math"
	"testing"

	"github.com/mixnet-go/mixnet/graph"
)

// After one step the running statistics are a blend, by the momentum, of what
// they began with and what a momentum of 1 makes of them.
func TestNormMomentum(t *testing.T) {
	after := func(momentum float64) (graph.Values[float32], *graph.Graph) {
		cfg := config(t, "")
		cfg.Recipe.NormMomentum, cfg.Recipe.EMA = momentum, 0
		r, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		r.cfg.OnStep = func(Progress) { cancel() }
		if err := r.Run(ctx); err == nil {
			t.Fatal("the run was not interrupted")
		}
		return cfg.Model.Values, cfg.Model.Graph
	}
	all, g := after(1)
	part, _ := after(0.25)
	own, _ := after(0)
	compared := 0
	for _, n := range g.Nodes {
		norm, ok := n.Op.(*graph.BatchNorm)
		if !ok {
			continue
		}
		compared++
		for _, momentum := range []float64{0.25, norm.Momentum} {
			values := part
			if momentum == norm.Momentum {
				values = own
			}
			for c, batch := range all[norm.Mean] {
				want := momentum * float64(batch) // it begins with 0
				if got := float64(values[norm.Mean][c]); math.Abs(got-want) > 1e-6 {
					t.Errorf("%s: momentum %g: mean %g, want %g", n.Name, momentum, got, want)
				}
			}
			for c, batch := range all[norm.Var] {
				want := 1 - momentum + momentum*float64(batch)
				if got := float64(values[norm.Var][c]); math.Abs(got-want) > 1e-6*max(1, want) {
					t.Errorf("%s: momentum %g: variance %g, want %g", n.Name, momentum, got, want)
				}
			}
		}
	}
	if compared == 0 {
		t.Error("the network has no batch norm")
	}
}
