package quantize

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/fashion"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/pretrained"
)

// clothes returns the pretrained model and loaders of n training and m test
// images.
func clothes(t *testing.T, n, m int) (of *model.Model, loader, judge *data.Loader) {
	t.Helper()
	of, err := pretrained.Fashion()
	if err != nil {
		t.Fatal(err)
	}
	splits, err := data.OpenIDX(fashion.FS(), "fashion-mnist")
	if err != nil {
		t.Fatal(err)
	}
	part := func(d data.Dataset, n int) *data.Loader {
		index := make([]int, n)
		for i := range index {
			index[i] = i
		}
		d, err := data.Subset(d, index)
		if err != nil {
			t.Fatal(err)
		}
		l, err := data.NewLoader(d, data.Config{Preprocess: of.Preprocess(), Batch: 16})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	return of, part(splits.Train, n), part(splits.Test, m)
}

// A real network keeps its accuracy.
func TestPretrained(t *testing.T) {
	m, loader, judge := clothes(t, 64, 400)
	r, err := Run(context.Background(), m, loader, judge, true, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Agreement.Value < 0.98 || math.Abs(r.Accuracy.Change.Value) > 0.01 || r.Float != 0 {
		t.Errorf("agreement %.3f, accuracy %+v, %d layers in floats", r.Agreement.Value, *r.Accuracy, r.Float)
	}
	for _, l := range r.Layers {
		if l.SignalToNoise < 15 {
			t.Errorf("%s: signal to noise %.1f dB", l.Name, l.SignalToNoise)
		}
	}
}

// A channel without weights has a scale that no factor of batch norm makes large.
func TestDeadChannel(t *testing.T) {
	rounded, scales, _ := roundWeights([]float32{0, 0, 0, 1, -0.5, 0.25}, 2)
	if scales[0] > 1e-5 || rounded[0] != 0 {
		t.Errorf("scale %g, weight %g", scales[0], rounded[0])
	}
	if d := rounded[4] + 0.5; d > scales[1] || d < -scales[1] {
		t.Errorf("-0.5 became %g at a scale of %g", rounded[4], scales[1])
	}
}

// A layer whose factors are too large for whole numbers stays in floats, and the
// result says why.
func TestFactors(t *testing.T) {
	m, loader, judge := clothes(t, 8, 8)
	s, err := newScheme(m.Graph)
	if err != nil {
		t.Fatal(err)
	}
	first := s.units[0]
	norm, ok := m.Graph.Nodes[first.pre].Op.(*graph.BatchNorm)
	if !ok {
		t.Fatalf("%s has no batch norm", m.Graph.Nodes[first.conv].Name)
	}
	m.Values = slices.Clone(m.Values)
	for _, id := range []graph.ParamID{first.weights[0], norm.Gamma, norm.Mean} {
		m.Values[id] = slices.Clone(m.Values[id])
	}
	w := m.Values[first.weights[0]]
	clear(w[:len(w)/m.Graph.Params[first.weights[0]].Shape[0]])
	m.Values[norm.Gamma][0], m.Values[norm.Mean][0] = 1e14, 0
	r, err := Run(context.Background(), m, loader, judge, false, Options{Float: []string{m.Graph.Nodes[s.units[2].conv].Name}})
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range r.Layers {
		want := map[int]Reason{0: ReasonFactors, 2: ReasonAsked}[i]
		if l.Why != want || l.Float != (want != "") {
			t.Errorf("%s: in floats %v, because %q; want %q", l.Name, l.Float, l.Why, want)
		}
	}
	if r.Float != 2 || r.SignalToNoise < 15 {
		t.Errorf("%d layers in floats, signal to noise %.1f dB", r.Float, r.SignalToNoise)
	}
}
