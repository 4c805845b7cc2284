package train

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
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

// batches returns the parts of an epoch of a configuration.
func batches(t *testing.T, cfg Config, size int) []*data.Batch {
	t.Helper()
	loader, err := data.NewLoader(cfg.Train, data.Config{Preprocess: cfg.Model.Preprocess(), Batch: size, Shuffle: true, Remainder: data.DropRemainder})
	if err != nil {
		t.Fatal(err)
	}
	var all []*data.Batch
	for b, err := range loader.Epoch(t.Context(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		own := *b
		own.Images.Data, own.Labels = slices.Clone(b.Images.Data), slices.Clone(b.Labels)
		all = append(all, &own)
	}
	return all
}

// stepperOf returns a stepper on parts of 8 images, two of which make a batch.
func stepperOf(t *testing.T, change func(*StepConfig)) *Stepper {
	t.Helper()
	cfg := config(t, "")
	cfg.Recipe.Batch, cfg.Recipe.Accumulate = 16, 2
	step := StepConfig{
		Graph: cfg.Model.Graph, Values: cfg.Model.Values, Recipe: cfg.Recipe,
		Shape: tensor.Shape{N: 8, H: 8, W: 8, C: 1}, Threads: 2,
	}
	if change != nil {
		change(&step)
	}
	s, err := NewStepper(step)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// equalTrained compares what optimizers move.
func equalTrained(t *testing.T, g *graph.Graph, a, b graph.Values[float32]) {
	t.Helper()
	for i, p := range g.Params {
		if p.Trainable() && !slices.Equal(a[i], b[i]) {
			t.Errorf("%s differs", p.Name)
		}
	}
}

// The gradients of a batch are those of its parts, each by itself, added up.
func TestPartsAreAddedAsWholes(t *testing.T) {
	parts := batches(t, config(t, ""), 8)
	sum := graph.NewValues[float32](config(t, "").Model.Graph)
	for _, b := range parts[:2] {
		s := stepperOf(t, nil)
		if err := s.Accumulate(nil, b); err != nil {
			t.Fatal(err)
		}
		for i, g := range s.Grads() {
			for j, v := range g {
				sum[i][j] += v
			}
		}
	}
	s := stepperOf(t, nil)
	for _, b := range parts[:2] {
		if err := s.Accumulate(nil, b); err != nil {
			t.Fatal(err)
		}
	}
	before := s.Means()
	if err := s.Update(0.01); err != nil {
		t.Fatal(err)
	}
	equalTrained(t, s.main.graph, s.Grads(), sum)
	if !slices.Equal(before, s.Means()) || s.images != 16 {
		t.Errorf("means of %d images: %v, before Update %v", s.images, s.Means(), before)
	}
}

// Optimizers move the parameters that are theirs, each at a rate of its own.
func TestGroups(t *testing.T) {
	parts := batches(t, config(t, ""), 8)
	g := config(t, "").Model.Graph
	head := func(p graph.ParamID) bool { return strings.HasPrefix(g.Params[p].Name, "classifier.") }
	body := func(p graph.ParamID) bool { return !head(p) && g.Params[p].Name != "bn1.weight" }
	plain := recipe.Optimizer{Kind: recipe.SGD, Momentum: 0.5}
	s := stepperOf(t, func(c *StepConfig) {
		c.Optimizers = []Group{{Optimizer: plain, Moves: body}, {Optimizer: plain, Moves: head, Rate: 3}}
	})
	same := stepperOf(t, func(c *StepConfig) { c.Optimizers = []Group{{Optimizer: plain}} })
	before := s.Values().Clone()
	for _, s := range []*Stepper{s, same} {
		if err := errors.Join(s.Accumulate(nil, parts[0]), s.Accumulate(nil, parts[1]), s.Update(0.01)); err != nil {
			t.Fatal(err)
		}
	}
	for i, p := range g.Params {
		if !p.Trainable() {
			continue
		}
		want := 1.0
		if head(graph.ParamID(i)) {
			want = 3
		} else if !body(graph.ParamID(i)) {
			want = 0
		}
		for j, v := range s.Values()[i] {
			got, alone := float64(v-before[i][j]), float64(same.Values()[i][j]-before[i][j])
			if math.Abs(got-want*alone) > 1e-7 {
				t.Fatalf("%s moved by %g, want %g times %g", p.Name, got, want, alone)
			}
		}
	}
	if n := len(s.slots()); n != 2 || s.slots()[0].Name == s.slots()[1].Name {
		t.Errorf("%d slots", n)
	}
}

// A path through the network, a graph of its own on the same parameters, gets
// the gradients and makes the steps that it would alone, and leaves the rest.
func TestView(t *testing.T) {
	parts := batches(t, config(t, ""), 8)
	plain := []Group{{Optimizer: recipe.Optimizer{Kind: recipe.SGD}}}
	short := small
	short.Stages = slices.Clone(small.Stages)
	short.Stages[0].Repeats = 1
	m, err := model.New(short, zoo.Options{}, config(t, "").Train.Classes(), 1)
	if err != nil {
		t.Fatal(err)
	}
	whole := stepperOf(t, func(c *StepConfig) { c.Optimizers = plain })
	at := whole.main.graph.ParamIndex()
	values, grads := make(graph.Values[float32], len(m.Graph.Params)), make(graph.Values[float32], len(m.Graph.Params))
	for i, p := range m.Graph.Params {
		id, ok := at[p.Name]
		if !ok {
			t.Fatalf("the network has no %s", p.Name)
		}
		values[i], grads[i] = whole.Values()[id], whole.Grads()[id]
		copy(m.Values[i], values[i])
	}
	path, err := whole.View(m.Graph, values, grads, nil)
	if err != nil {
		t.Fatal(err)
	}
	alone := stepperOf(t, func(c *StepConfig) { c.Graph, c.Values, c.Optimizers = m.Graph, m.Values, plain })
	before := whole.Values().Clone()
	for i := range 2 {
		for j := range 2 {
			if err := errors.Join(whole.Accumulate(path, parts[2*i+j]), alone.Accumulate(nil, parts[2*i+j])); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(whole.Update(0.01), alone.Update(0.01)); err != nil {
			t.Fatal(err)
		}
	}
	equalTrained(t, m.Graph, values, m.Values)
	onPath := m.Graph.ParamIndex()
	for i, p := range whole.main.graph.Params {
		if _, ok := onPath[p.Name]; !ok && p.Kind == graph.Gamma && !slices.Equal(before[i], whole.Values()[i]) {
			t.Errorf("%s is not on the path and moved", p.Name)
		}
	}
	// The whole network takes its turn in the same memory.
	if err := errors.Join(whole.Accumulate(nil, parts[0]), whole.Update(0.01)); err != nil {
		t.Error(err)
	}
}
