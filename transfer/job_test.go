package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
)

// short is a recipe for dots.
func short(t *testing.T, epochs int) recipe.Recipe {
	t.Helper()
	r := preset(t, "finetune")
	r.Epochs, r.Batch, r.Fit = epochs, 8, recipe.Fit{}
	return r
}

func abstract(m *model.Model) []string { return append([]string{m.Network}, m.Classes...) }

// FineTune judges its result on images that took no part, and says the truth.
func TestFineTune(t *testing.T) {
	ctx := t.Context()
	m := newTiny(t, []string{"a", "b", "c"})
	before := m.Values.Clone()
	stages, passes, warned := map[string]int{}, map[string]int{}, 0
	splits := &data.Splits{Train: dots(60)}
	res, err := FineTune(ctx, m, splits, Options{Recipe: short(t, 2), Running: Running{Threads: 2, Trace: Trace{
		Training: func(s Stage) { stages[string(s.Method)+" begun"]++ },
		Trained:  func(s Stage) { stages[string(s.Method)+" ended"]++ },
		Epoch:    func(s Stage, _ train.Epoch) { stages[string(s.Method)]++ },
		Passing:  func(p Pass) { passes[p.What]++ },
		Warning:  func(error) { warned++ },
	}}})
	if err != nil {
		t.Fatal(err)
	}
	r := res.Report
	if r.Images != 12 || r.Split != "held-out" || r.ChosenBy != "" || r.Recipe.Epochs != 2 || r.Run != "" || r.Model != "" {
		t.Errorf("report %+v", r)
	}
	if len(r.Methods) != 3 || r.Methods[0].Method != FineTuned || r.Methods[0].Ahead != nil || r.Methods[1].Method != Frozen || r.Methods[2].Ahead == nil {
		t.Errorf("methods %+v", r.Methods)
	}
	for _, method := range []string{"fine-tuned", "from scratch"} {
		if stages[method] != 2 || stages[method+" begun"] != 1 || stages[method+" ended"] != 1 {
			t.Errorf("%s was traced %v", method, stages)
		}
	}
	if passes["features"] == 0 || passes["evaluating"] == 0 || warned != 0 {
		t.Errorf("passes %v, %d warnings", passes, warned)
	}
	_, judge, err := data.Split(splits.Train, 0.2, 0)
	if err != nil {
		t.Fatal(err)
	}
	o, err := Evaluate(ctx, res.Model, judge, Inference{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	if o.Top(1) != r.Top1 || !slices.Equal(abstract(res.Model), []string{"tiny", "left", "right"}) {
		t.Errorf("top-1 %g, reported %g; model %v", o.Top(1), r.Top1, abstract(res.Model))
	}
	for i := range before {
		if !slices.Equal(before[i], m.Values[i]) {
			t.Fatal("the model given has changed")
		}
	}
}

// Options that cannot be followed are errors, not dropped.
func TestOptionsRefused(t *testing.T) {
	yes, no := true, false
	patient := short(t, 2)
	patient.Patience = 1
	grid := recipe.SmallGrid()
	for name, o := range map[string]Options{
		"a recipe that is none":           {Recipe: recipe.Recipe{FreezeUntil: "blocks.1"}},
		"a recipe with nothing but seed":  {Recipe: recipe.Recipe{Seed: 7}},
		"patience beside a grid":          {Recipe: patient, Grid: &grid},
		"a bad rate":                      {Recipe: short(t, 1), Grid: &recipe.Grid{Rates: []float64{-1}, Decays: []float64{0}}},
		"head only without frozen":        {Recipe: short(t, 1), HeadOnly: true, Frozen: &no},
		"head only and from scratch":      {Recipe: short(t, 1), HeadOnly: true, Scratch: &yes},
		"all images held out":             {Recipe: short(t, 1), TestSplit: 1},
		"less than no images held out":    {Recipe: short(t, 1), TestSplit: -0.1},
		"an input of less than no pixels": {Recipe: short(t, 1), Size: -1},
	} {
		if _, err := New(newTiny(t, []string{"a", "b"}), &data.Splits{Train: dots(40)}, o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := New(newTiny(t, []string{"a", "b"}), &data.Splits{Test: dots(40)}, Options{}); !errors.Is(err, data.ErrLayout) {
		t.Errorf("no training images: %v", err)
	}
}

// A job that is interrupted, in whatever it is doing, and then continued ends
// with the bits of one that is not.
func TestFineTuneContinues(t *testing.T) {
	m := newTiny(t, []string{"a", "b", "c"})
	splits := &data.Splits{Train: dots(60)}
	options := func(dir string, trace Trace) Options {
		return Options{
			Recipe: short(t, 3), Grid: &recipe.Grid{Rates: []float64{1e-5, 1e-2}, Decays: []float64{0}},
			Dir: dir, Source: Source{Weights: "w", Data: "d"}, Running: Running{Threads: 2, Trace: trace},
		}
	}
	whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
	want, err := FineTune(t.Context(), m, splits, options(whole, Trace{}))
	if err != nil {
		t.Fatal(err)
	}
	// Interrupted after each epoch, of which there are 4 times 3.
	interrupts := 0
	var got *Result
	for got == nil {
		ctx, cancel := context.WithCancel(t.Context())
		got, err = FineTune(ctx, m, splits, options(parts, Trace{Epoch: func(Stage, train.Epoch) { cancel() }}))
		cancel()
		if err != nil {
			if interrupts++; !errors.Is(err, context.Canceled) || interrupts > 20 {
				t.Fatal(err)
			}
		}
	}
	if interrupts < 6 {
		t.Errorf("%d interrupts", interrupts)
	}
	if got.Report.Top1 != want.Report.Top1 || !slices.Equal(got.Report.Trials, want.Report.Trials) {
		t.Errorf("report %+v, want %+v", got.Report, want.Report)
	}
	for i := range want.Model.Values {
		if !slices.Equal(got.Model.Values[i], want.Model.Values[i]) {
			t.Fatalf("%s differs", want.Model.Graph.Params[i].Name)
		}
	}
	var stored Report
	text, err := os.ReadFile(filepath.Join(parts, SummaryFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &stored); err != nil || stored.Top1 != want.Report.Top1 || len(stored.Methods) != 3 {
		t.Errorf("stored %+v, %v", stored, err)
	}

	// Another job is not this one's rest.
	other := options(parts, Trace{})
	other.Size = 20
	if _, err := FineTune(t.Context(), m, splits, other); !errors.Is(err, train.ErrOccupied) {
		t.Errorf("another job in the folder: %v", err)
	}
	if _, err := New(m, splits, options(parts, Trace{})); !errors.Is(err, train.ErrOccupied) {
		t.Errorf("a job in a folder with one: %v", err)
	}
	if _, err := Resume(parts, m, &data.Splits{Train: dots(50)}, Running{}); !errors.Is(err, train.ErrCheckpoint) {
		t.Errorf("other images: %v", err)
	}
}

// broken is a set whose pictures cannot be read.
type broken struct{ *data.Memory }

func (broken) Read(int, *data.Sample) error { return errors.New("broken") }

// Two jobs do not work in one folder, and one that came to nothing leaves it
// free.
func TestFolders(t *testing.T) {
	m := newTiny(t, []string{"a", "b", "c"})
	splits := &data.Splits{Train: dots(40)}
	no := false
	o := Options{Recipe: short(t, 2), Frozen: &no, Scratch: &no, Dir: filepath.Join(t.TempDir(), "run"), Running: Running{Threads: 1}}
	if _, err := FineTune(t.Context(), m, &data.Splits{Train: broken{dots(40)}}, o); !errors.Is(err, data.ErrTooManyBad) {
		t.Fatalf("pictures that cannot be read: %v", err)
	}
	second, err := New(m, splits, o)
	if err != nil {
		t.Fatalf("after a job that came to nothing: %v", err)
	}
	o.Trace.Epoch = func(Stage, train.Epoch) {
		if _, err := second.Run(t.Context()); !errors.Is(err, train.ErrBusy) {
			t.Errorf("a second job beside the first: %v", err)
		}
	}
	first, err := New(m, splits, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Run(t.Context()); !errors.Is(err, train.ErrOccupied) {
		t.Errorf("a second job after the first: %v", err)
	}
	stale, err := Resume(o.Dir, m, splits, Running{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	stale.plan.Results = nil // as if it had been read before the end
	if _, err := stale.Run(t.Context()); !errors.Is(err, train.ErrBusy) {
		t.Errorf("a job that another has gone on with: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(o.Dir, "*.lock"))
	if err != nil || len(left) > 0 {
		t.Errorf("locks left behind: %v, %v", left, err)
	}
}

// A job leaves no threads behind: a grid has many runs.
func TestThreadsEnd(t *testing.T) {
	before := runtime.NumGoroutine()
	grid := &recipe.Grid{Rates: []float64{1e-4, 1e-3, 1e-2}, Decays: []float64{0}}
	if _, err := FineTune(t.Context(), newTiny(t, []string{"a", "b"}), &data.Splits{Train: dots(40)}, Options{
		Recipe: short(t, 1), Grid: grid, Running: Running{Threads: 8},
	}); err != nil {
		t.Fatal(err)
	}
	for range 500 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines before, %d after", before, runtime.NumGoroutine())
}

// Where the classes are the model's, training goes on with its classifier.
func TestKeepHead(t *testing.T) {
	ctx := t.Context()
	splits := &data.Splits{Train: dots(60), Test: dots(24)}
	no := false
	o := Options{Recipe: short(t, 4), Frozen: &no, Scratch: &no, Running: Running{Threads: 2}}
	first, err := FineTune(ctx, newTiny(t, []string{"a", "b"}), splits, o)
	if err != nil {
		t.Fatal(err)
	}
	// A step of no length leaves what there is.
	o.Recipe.Epochs, o.Recipe.Schedule.LR, o.Recipe.Optimizer.WeightDecay = 1, 1e-30, 0
	o.Trace.Training = func(s Stage) {
		if !s.KeepsHead {
			t.Error("it is not said that the classifier is kept")
		}
	}
	again, err := FineTune(ctx, first.Model, splits, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range first.Model.Graph.HeadParams() {
		if !slices.Equal(first.Model.Values[id], again.Model.Values[id]) {
			t.Errorf("%s was not kept", first.Model.Graph.Params[id].Name)
		}
	}
	o.Trace, o.NewHead = Trace{}, true
	fresh, err := FineTune(ctx, first.Model, splits, o)
	if err != nil {
		t.Fatal(err)
	}
	if id := first.Model.Graph.HeadParams()[0]; slices.Equal(first.Model.Values[id], fresh.Model.Values[id]) {
		t.Error("a new classifier was asked for, the old one is there")
	}
}

// named is a set whose examples have names of their own.
type named struct {
	*data.Memory
	name string
}

func (n named) Name(i int) string { return n.name + n.Memory.Name(i) }

// namesOf returns the names of the examples of some sets.
func namesOf(sets ...data.Dataset) map[string]bool {
	names := map[string]bool{}
	for _, d := range sets {
		for i := range d.Len() {
			names[d.Name(i)] = true
		}
	}
	return names
}

// No image that judges is trained on or chosen by, whatever parts a set has.
func TestRoles(t *testing.T) {
	set := func(name string, n int) data.Dataset { return named{dots(n), name} }
	all, val, test := set("train", 100), set("val", 20), set("test", 30)
	grid := recipe.SmallGrid()
	for _, c := range []struct {
		name                      string
		splits                    data.Splits
		grid                      bool
		train, fit, choose, judge int
		judgeName                 string
	}{
		{"train", data.Splits{Train: all}, false, 80, 80, 0, 20, "held-out images"},
		{"train, grid", data.Splits{Train: all}, true, 80, 64, 16, 20, "held-out images"},
		{"train and val", data.Splits{Train: all, Val: val}, false, 100, 100, 0, 20, "validation images"},
		{"train and val, grid", data.Splits{Train: all, Val: val}, true, 100, 80, 20, 20, "validation images"},
		{"train and test", data.Splits{Train: all, Test: test}, false, 100, 100, 0, 30, "test images"},
		{"train and test, grid", data.Splits{Train: all, Test: test}, true, 100, 80, 20, 30, "test images"},
		{"all", data.Splits{Train: all, Val: val, Test: test}, false, 100, 100, 20, 30, "test images"},
		{"all, grid", data.Splits{Train: all, Val: val, Test: test}, true, 120, 100, 20, 30, "test images"},
	} {
		p := Plan{TestSplit: 0.2, Recipe: short(t, 1)}
		if c.grid {
			p.Grid = &grid
		}
		i, err := p.Roles(&c.splits)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		choose := 0
		sets := []data.Dataset{i.Train, i.Fit}
		if i.Choose != nil {
			choose = i.Choose.Len()
			sets = append(sets, i.Choose)
		}
		if i.Train.Len() != c.train || i.Fit.Len() != c.fit || choose != c.choose || i.Judge.Len() != c.judge || i.JudgeName != c.judgeName {
			t.Errorf("%s: %d to train on, %d to try rates on, %d to choose by, %d %s to judge by; want %+v",
				c.name, i.Train.Len(), i.Fit.Len(), choose, i.Judge.Len(), i.JudgeName, c)
		}
		seen := namesOf(sets...)
		for name := range namesOf(i.Judge) {
			if seen[name] {
				t.Errorf("%s: %s judges and took part", c.name, name)
			}
		}
		if i.Choose != nil {
			fit := namesOf(i.Fit)
			for name := range namesOf(i.Choose) {
				if fit[name] {
					t.Errorf("%s: %s chooses and was trained on", c.name, name)
				}
			}
		}
	}
}
