package train

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mixnet-go/mixnet/data"
)

// However many start at once, every run gets a folder of its own.
func TestClaim(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "runs")
	var mu sync.Mutex
	var dirs []string
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			dir, err := Claim(parent, "net")
			mu.Lock()
			defer mu.Unlock()
			dirs = append(dirs, filepath.Base(dir))
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	slices.Sort(dirs)
	if len(slices.Compact(dirs)) != 16 || dirs[0] != "net-1" {
		t.Errorf("folders %v", dirs)
	}
	// What is given back is free again, unless there is something in it.
	Unclaim(filepath.Join(parent, "net-3"))
	if err := os.WriteFile(filepath.Join(parent, "net-4", "file"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	Unclaim(filepath.Join(parent, "net-4"))
	if dir, err := Claim(parent, "net"); err != nil || filepath.Base(dir) != "net-3" {
		t.Errorf("the next folder is %s, %v", dir, err)
	}
	if _, err := os.Stat(filepath.Join(parent, "net-4", "file")); err != nil {
		t.Error(err)
	}
}

// While a run works in a folder, neither another run nor a resume does.
func TestFolderIsLocked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	cfg := config(t, dir)
	tried := 0
	cfg.OnEpoch = func(e Epoch) {
		if e.Epoch != 1 {
			return
		}
		tried++
		if _, err := Run(t.Context(), config(t, dir)); !errors.Is(err, ErrBusy) {
			t.Errorf("a resume of a run that works: %v", err)
		}
		second, err := New(config(t, dir))
		if err != nil {
			t.Fatal(err)
		}
		if err := second.Run(t.Context()); !errors.Is(err, ErrBusy) {
			t.Errorf("another run in its folder: %v", err)
		}
	}
	run(t, cfg)
	if tried != 1 {
		t.Error("nothing was tried")
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.lock")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	metrics, err := os.ReadFile(filepath.Join(dir, MetricsFile))
	if err != nil || strings.Count(string(metrics), "\n") != 3 {
		t.Errorf("%v, metrics\n%s", err, metrics)
	}
}

// A state that was read before the run went on is no longer its state.
func TestStaleResume(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	cfg := config(t, dir)
	cfg.MaxSteps = 4
	run(t, cfg)
	resume := func() *Trainer {
		s, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Resume(Config{Train: cfg.Train, Val: cfg.Val})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	a, b := resume(), resume()
	if err := a.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Run(t.Context()); !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "gone on") {
		t.Errorf("the second of two resumes: %v", err)
	}
}

// A run that ends by too many unreadable images in its first epoch, or has made
// no step, leaves a folder that can be started in again.
func TestFailedStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	cfg := config(t, dir)
	cfg.Train, cfg.Recipe.MaxBad = unreadable{stripes(48, 1), []int{3, 10, 40}}, 1
	if _, err := Run(t.Context(), cfg); !errors.Is(err, data.ErrTooManyBad) {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	cfg.Recipe.MaxBad = 3
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, cfg); !errors.Is(err, context.Canceled) || !holdsRun(dir) {
		t.Fatal(err)
	}
	r, err := New(cfg) // no step was made
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context()); err != nil || len(r.Epochs()) != 3 {
		t.Errorf("%d epochs, %v", len(r.Epochs()), err)
	}
}

// A resume may allow more unreadable images than the run began with.
func TestResumeWithMoreBad(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	cfg := config(t, dir)
	cfg.MaxSteps = 7
	run(t, cfg)
	cfg.MaxSteps, cfg.Train = 0, unreadable{stripes(50, 1), []int{3, 10, 40}}
	cfg.Recipe.MaxBad = 0
	if _, err := Run(t.Context(), cfg); !errors.Is(err, data.ErrTooManyBad) {
		t.Fatal(err)
	}
	cfg.Recipe.MaxBad = 9
	if r, err := Run(t.Context(), cfg); err != nil || !r.Done() {
		t.Error(err)
	}
}

// What killed writers have left is removed at the next resume, however new.
func TestLeftovers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	cfg := config(t, dir)
	cfg.MaxSteps = 4
	run(t, cfg)
	for _, name := range []string{"." + LastFile + ".tmp-0123abcd", "." + MetricsFile + ".tmp-0123abcd"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	cfg.MaxSteps = 0
	if _, err := Run(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// The end that MaxSteps make is recorded, and the rest of the run is that of
// one without.
func TestMaxSteps(t *testing.T) {
	whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
	run(t, config(t, whole))
	cfg := config(t, parts)
	var told []Epoch
	cfg.OnEpoch = func(e Epoch) { told = append(told, e) }
	for i, want := range []struct {
		steps, epochs, lines int
		partial              bool
		done                 bool
	}{{4, 0, 1, true, false}, {8, 2, 2, false, false}, {0, 3, 3, false, true}} {
		cfg.MaxSteps = want.steps
		r, err := Run(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		s, err := ReadRecord(parts)
		if err != nil {
			t.Fatal(err)
		}
		if r.Done() != want.done || len(s.Epochs) != want.epochs || s.Done != want.done || (s.Partial != nil) != want.partial {
			t.Errorf("part %d: %+v", i, s)
		}
		if p := s.Partial; p != nil && (p.Step != 4 || p.Epoch != 1 || !p.Partial || p.Get("train_loss") <= 0 || p.Validated) {
			t.Errorf("part %d: partial epoch %+v", i, p)
		}
		metrics, err := os.ReadFile(filepath.Join(parts, MetricsFile))
		if err != nil || strings.Count(string(metrics), "\n") != want.lines || strings.Contains(string(metrics), "partial") != want.partial {
			t.Errorf("part %d: %v, metrics\n%s", i, err, metrics)
		}
	}
	if len(told) != 4 || !told[0].Partial || told[1].Partial {
		t.Errorf("told of %+v", told)
	}
	equalRuns(t, whole, parts)
}
