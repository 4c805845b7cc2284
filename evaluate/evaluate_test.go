package evaluate_test

import (
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/fashion"
	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/pretrained"
)

// With Mirror a set and its mirror image get the same judgement, without they
// do not.
func TestMirror(t *testing.T) {
	splits, err := data.OpenIDX(fashion.FS(), "fashion")
	if err != nil {
		t.Fatal(err)
	}
	set := *splits.Test.(*data.Memory)
	n, row := 200, set.W*set.C
	set.Pixels, set.Labels = set.Pixels[:n*set.H*row], make([]int, n)
	for i := range set.Labels {
		set.Labels[i] = i % 10 // wrong ones: the ranks of right ones are nearly all 0
	}
	turned := set
	turned.Pixels = slices.Clone(set.Pixels)
	for r := range slices.Chunk(turned.Pixels, row) {
		slices.Reverse(r)
	}

	m, err := pretrained.Fashion()
	if err != nil {
		t.Fatal(err)
	}
	p, err := engine.Compile(m.Graph, m.Values, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ranks := func(d data.Dataset, o evaluate.Options) []int {
		loader, err := data.NewLoader(d, data.Config{Preprocess: m.Preprocess(), Batch: 16})
		if err != nil {
			t.Fatal(err)
		}
		r, err := evaluate.Run(t.Context(), p, loader, o)
		if err != nil {
			t.Fatal(err)
		}
		return r.Ranks
	}
	if a, b := ranks(&set, evaluate.Options{Mirror: true}), ranks(&turned, evaluate.Options{Mirror: true}); !slices.Equal(a, b) {
		t.Errorf("with mirror images: %v and %v", a, b)
	}
	if a, b := ranks(&set, evaluate.Options{}), ranks(&turned, evaluate.Options{}); slices.Equal(a, b) {
		t.Errorf("without: %v for both, which shows nothing", a)
	}
}
