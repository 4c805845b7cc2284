package train

import (
	"context"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/recipe"
)

// A run on several sizes learns, is measured at the network's own size, and
// takes the memory of the largest.
func TestTrainingOnSizes(t *testing.T) {
	for _, sizes := range []recipe.Sizes{{Pixels: []int{6, 8}}, {Pixels: []int{6, 8, 10}, Order: recipe.Random}} {
		cfg := config(t, "")
		cfg.Train, cfg.Recipe.Epochs, cfg.Recipe.Sizes = stripes(300, 1), 8, sizes
		r := run(t, cfg)
		if last := r.Epochs()[7]; last.Get("top1") < 0.9 {
			t.Errorf("%+v: after 8 epochs: %+v", sizes, last)
		}
		if got := len(r.step.main.nets); got != len(sizes.Pixels) {
			t.Errorf("%+v: %d nets", sizes, got)
		}
		found, err := r.step.Evaluate(context.Background(), r.val, cfg.Model.Values)
		if err != nil || r.val.Shape().H != 8 || !slices.Equal(found, r.Epochs()[7].Val) {
			t.Errorf("%+v: measured %+v at %v, %v", sizes, found, r.val.Shape(), err)
		}
	}
}
