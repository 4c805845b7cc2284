package train

import (
	"errors"
	"math"
	"path/filepath"
	"testing"

	"github.com/mixnet-go/mixnet/recipe"
)

// A run that has ended goes on with more epochs by a schedule of their own, as
// often as one likes, and an interrupt within them changes nothing.
func TestExtend(t *testing.T) {
	whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
	for _, dir := range []string{whole, parts} {
		cfg := config(t, dir)
		run(t, cfg)
		if s, err := Open(dir); err != nil || s.Length() != 3 {
			t.Fatal(s, err)
		}
		extend := func(epochs int, schedule recipe.Schedule) {
			s, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Extend(epochs, schedule); err != nil {
				t.Fatal(err)
			}
			cfg := Config{Train: cfg.Train, Val: cfg.Val}
			if dir == parts {
				cfg.MaxSteps = 4
			}
			r, err := s.Resume(cfg)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if dir == parts {
				cfg.Dir, cfg.MaxSteps = dir, 0
				if _, err := Run(t.Context(), cfg); err != nil {
					t.Fatal(err)
				}
			}
		}
		extend(2, recipe.Schedule{Kind: recipe.Constant, LR: 0.002})
		extend(1, recipe.Schedule{})
	}
	equalRuns(t, whole, parts)
	s, err := Open(whole)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Done() || len(s.Epochs()) != 6 || s.Length() != 6 || len(s.Extensions) != 2 {
		t.Errorf("%d epochs of %d, extensions %+v", len(s.Epochs()), s.Length(), s.Extensions)
	}
	// The last by the recipe's own schedule, a cosine, from a tenth of its rate.
	for i, want := range map[int]float64{3: 0.002, 4: 0.002, 5: 0.001 * (1 + math.Cos(math.Pi*5/6)) / 2} {
		if got := s.Epochs()[i].LR; math.Abs(got-want) > 1e-12 {
			t.Errorf("epoch %d ends with rate %g, want %g", i+1, got, want)
		}
	}
}

func TestExtendRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	cfg := config(t, dir)
	cfg.MaxSteps = 3
	run(t, cfg)
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Extend(1, recipe.Schedule{}); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("a run that has not ended: %v", err)
	}
	cfg.MaxSteps = 0
	if _, err := Run(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	for epochs, schedule := range map[int]recipe.Schedule{0: {}, 1: {Kind: recipe.Constant}, 2: {Kind: "linear", LR: 1}} {
		if err := s.Extend(epochs, schedule); !errors.Is(err, recipe.ErrRecipe) {
			t.Errorf("%d epochs by %+v: %v", epochs, schedule, err)
		}
	}
}

// Patience begins anew with an extension.
func TestExtendAfterPatience(t *testing.T) {
	r := recipe.Recipe{Epochs: 9, Patience: 2}
	history := []Epoch{{Best: true}, {}, {}}
	l := length{recipe: &r}
	if !l.finished(history) {
		t.Error("patience did not end the run")
	}
	l.more = []Extension{{From: 3, Epochs: 5}}
	if l.finished(history) || l.finished(append(history, Epoch{})) || !l.finished(append(history, Epoch{}, Epoch{})) || l.epochs() != 8 {
		t.Error("patience does not begin anew")
	}
}
