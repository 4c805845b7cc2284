package objects_test

import (
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/data/garments"
	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/train/objects"
	"github.com/mixnet-go/mixnet/zoo"
)

// A run that is interrupted within an epoch and resumed ends with the parameters
// and the figures of one that is not, to the bit: the crops that go by boxes are
// drawn again as they were.
func TestResume(t *testing.T) {
	set, err := garments.New(garments.Config{Train: 24, Test: 8, Side: 64})
	if err != nil {
		t.Fatal(err)
	}
	spec, err := zoo.Lookup("mobilenetv2_100_ssdlite64@width=0.35")
	if err != nil {
		t.Fatal(err)
	}
	task, err := objects.New(spec, 10, detect.LossConfig{})
	if err != nil {
		t.Fatal(err)
	}
	config := func(dir string) train.Config {
		m, err := model.New(spec, zoo.Options{}, set.Train.Classes(), 1)
		if err != nil {
			t.Fatal(err)
		}
		task.Prior(m.Graph, m.Values, nil)
		return train.Config{
			Model: m, Train: set.Train, Val: set.Test, Task: task, Dir: dir, Threads: 2, KeepBest: true,
			Recipe: recipe.Recipe{
				Epochs: 2, Batch: 8, Seed: 3, EMA: 0.9, Optimizer: recipe.Optimizer{Kind: recipe.Muon}, Schedule: recipe.Schedule{LR: 0.01},
				Augment: input.Augment{
					Crop: input.SSDCrop, Flip: 0.5, Color: input.Color{Brightness: 0.2, Contrast: 0.2, Saturation: 0.2}, ZoomOut: input.ZoomOut{Probability: 0.3},
				},
			},
		}
	}
	whole, err := train.Run(t.Context(), config(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	cfg := config(t.TempDir())
	cfg.MaxSteps = 2
	var last *train.Trainer
	for range 4 { // 3 steps an epoch
		if last, err = train.Run(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
	}
	if !last.Done() {
		t.Fatal("the run has not ended")
	}
	equalValues(t, last.Model().Graph, last.Model().Values, whole.Model().Values)
	a, b := last.Epochs(), whole.Epochs()
	for i := range b {
		for _, key := range []string{"train_loss", "train_box_loss", "train_class_loss", "ap", "ap50"} {
			if a[i].Get(key) != b[i].Get(key) {
				t.Errorf("epoch %d: %s %v, of the run without a break %v", i+1, key, a[i].Get(key), b[i].Get(key))
			}
		}
	}
}

func equalValues(t *testing.T, g *graph.Graph, a, b graph.Values[float32]) {
	t.Helper()
	for i := range a {
		if !slices.Equal(a[i], b[i]) {
			t.Fatalf("%s differs", g.Params[i].Name)
		}
	}
}
