package train

import (
	"context"
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
		if last := r.Epochs()[7]; last.Top1 < 0.9 {
			t.Errorf("%+v: after 8 epochs: %+v", sizes, last)
		}
		if got := len(r.nets); got != len(sizes.Pixels) {
			t.Errorf("%+v: %d nets", sizes, got)
		}
		score, err := r.val.run(context.Background(), cfg.Model.Values)
		if err != nil || r.val.net.Shape().H != 8 || score.Top1 != r.Epochs()[7].Top1 {
			t.Errorf("%+v: measured %+v at %v, %v", sizes, score, r.val.net.Shape(), err)
		}
	}
}
