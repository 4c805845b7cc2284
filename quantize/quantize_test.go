package quantize

import (
	"context"
	"math"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/fashion"
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
