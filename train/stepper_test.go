package train

import (
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/recipe"
)

// Steps made one by one are those of a run with a constant rate.
func TestStepperEqualsRun(t *testing.T) {
	cfg := config(t, "")
	cfg.Recipe.Schedule = recipe.Schedule{Kind: recipe.Constant, LR: 0.01}
	cfg.Recipe.Epochs, cfg.Recipe.EMA, cfg.Recipe.Accumulate = 1, 0, 1
	single := config(t, "").Model
	r := run(t, cfg)
	s, err := NewStepper(StepConfig{Graph: single.Graph, Values: single.Values, Recipe: cfg.Recipe, Shape: r.loader.Shape(), Threads: cfg.Threads})
	if err != nil {
		t.Fatal(err)
	}
	loader, err := data.NewLoader(cfg.Train, data.Config{
		Preprocess: single.Preprocess(), Augment: &r.cfg.Recipe.Augment, Batch: cfg.Recipe.Batch,
		Shuffle: true, Remainder: data.DropRemainder, Seed: cfg.Recipe.Seed,
	})
	if err != nil {
		t.Fatal(err)
	}
	for b, err := range loader.Epoch(t.Context(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if loss, err := s.Step(b, 0.01); err != nil || loss <= 0 {
			t.Fatal(loss, err)
		}
	}
	if !slices.EqualFunc(single.Values, cfg.Model.Values, slices.Equal[[]float32]) {
		t.Error("the parameters differ from those of the run")
	}
}
