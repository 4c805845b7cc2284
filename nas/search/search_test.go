package search_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/fashion"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/search"
	"github.com/mixnet-go/mixnet/nas/spacefile"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
)

const space = `name = "smoke"
input = {size = 14}

[stem]
out = 8
stride = 1

[[stage]]
stride = 2
out = [8, 16]
depth = [1, 2]
kernels = [3, [3, 5]]
expand = [1, 3]

[head]
out = 32
`

// smoke begins a search of seconds on the built-in images.
func smoke(t *testing.T, trials int, change func(*store.Search, *search.Settings)) (*store.Store, *search.Worker) {
	t.Helper()
	return smokeOn(t, space, trials, change)
}

// smokeOn is smoke on another space.
func smokeOn(t *testing.T, space string, trials int, change func(*store.Search, *search.Settings)) (*store.Store, *search.Worker) {
	t.Helper()
	splits, err := data.OpenIDX(fashion.FS(), "fashion-mnist")
	if err != nil {
		t.Fatal(err)
	}
	rec, err := recipe.Preset("small")
	if err != nil {
		t.Fatal(err)
	}
	rec.EMA, rec.Batch = 0, 10
	settings := search.Settings{Images: 200, Recipe: rec, Dir: filepath.Join(t.TempDir(), "runs"), Keep: 2}
	s := store.Search{Name: "smoke", Strategy: "evolution", Seed: 3, Trials: trials, Fidelity: 1}
	if change != nil {
		change(&s, &settings)
	}
	roles, err := settings.Hold(splits, s.Seed)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := spacefile.Parse("smoke.toml", []byte(space))
	if err != nil {
		t.Fatal(err)
	}
	table, err := search.Adapt(parsed.Table, roles.Fit, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.Space = string(spacefile.Encode(table))
	if s.Settings, err = json.Marshal(settings); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "smoke.db"), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Create(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	loaded, err := search.Load(s)
	if err != nil {
		t.Fatal(err)
	}
	return db, &search.Worker{Store: db, Search: loaded, Name: "one", Roles: roles}
}

func trials(t *testing.T, db *store.Store) []store.Trial {
	t.Helper()
	all, err := db.Trials(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A search trains as many networks as it asks for, scores them on training
// images that did not train, and keeps the weights of the best.
func TestSmoke(t *testing.T) {
	db, w := smoke(t, 8, nil)
	if got, want := w.Roles.Choose.Len(), 1000; got != want {
		t.Errorf("%d images score, want %d", got, want)
	}
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := trials(t, db)
	kept := 0
	var scores []float64
	for _, tr := range all {
		o := search.OutcomeOf(tr)
		if tr.State != store.Done || len(o.Curve) != 1 || o.Curve[0] != tr.Score || o.MACs == 0 || tr.Score <= 0 || tr.Score > 1 {
			t.Errorf("trial %d: %s %s, %+v", tr.Number, tr.State, tr.Error, o)
		}
		scores = append(scores, tr.Score)
		if _, err := os.Stat(filepath.Join(o.Run, train.LastFile)); err == nil {
			kept++
		}
	}
	if len(all) != 8 || kept != 2 {
		t.Errorf("%d trials, weights of %d kept", len(all), kept)
	}
	if slices.Max(scores) < 0.2 {
		t.Errorf("scores %v: nothing was learned", scores)
	}
}

// An interrupted search goes on, the trial at hand from its run folder, as if it
// had not been.
func TestInterrupt(t *testing.T) {
	want := map[int]float64{}
	db, w := smoke(t, 4, func(s *store.Search, _ *search.Settings) { s.Fidelity = 2 })
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, tr := range trials(t, db) {
		want[tr.Number] = tr.Score
	}
	db, w = smoke(t, 4, func(s *store.Search, _ *search.Settings) { s.Fidelity = 2 })
	ctx, cancel := context.WithCancel(t.Context())
	w.OnEpoch = func(tr store.Trial, e train.Epoch) {
		if tr.Number == 2 && e.Epoch == 1 {
			cancel()
		}
	}
	if err := w.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if all := trials(t, db); len(all) != 3 || all[2].State != store.Waiting {
		t.Fatalf("%d trials, the last is %s", len(all), all[2].State)
	}
	epochs := 0
	w.Name, w.OnEpoch = "two", func(tr store.Trial, e train.Epoch) {
		if tr.Number == 2 {
			epochs++
		}
	}
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, tr := range trials(t, db) {
		if tr.Score != want[tr.Number] {
			t.Errorf("trial %d scores %g, uninterrupted %g", tr.Number, tr.Score, want[tr.Number])
		}
	}
	if epochs != 1 {
		t.Errorf("the interrupted trial took %d more epochs, want 1", epochs)
	}
}

// A run that diverges fails with the reason, and the search goes on.
func TestDiverged(t *testing.T) {
	db, w := smoke(t, 2, func(_ *store.Search, s *search.Settings) {
		s.Recipe.Schedule.LR, s.Recipe.Schedule.Warmup, s.Recipe.Optimizer.Kind = 1e30, 0, recipe.SGD
	})
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, tr := range trials(t, db) {
		if tr.State != store.Failed || tr.Error == "" {
			t.Errorf("trial %d: %s %q", tr.Number, tr.State, tr.Error)
		}
	}
}

// Halving goes on from the weights of the shorter run.
func TestHalving(t *testing.T) {
	db, w := smoke(t, 6, func(s *store.Search, o *search.Settings) {
		s.Strategy, o.Rungs, o.Eta = "random", []int{1, 2}, 3
	})
	w.Lease = time.Second
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	longer := 0
	for _, tr := range trials(t, db) {
		o := search.OutcomeOf(tr)
		if tr.Fidelity == 2 {
			longer++
			if parent := search.OutcomeOf(trials(t, db)[tr.Parent]); !o.Continued || len(o.Curve) != 2 || o.Curve[0] != parent.Curve[0] || o.Run != parent.Run {
				t.Errorf("trial %d: %+v after %+v", tr.Number, o, parent)
			}
		}
	}
	if longer == 0 {
		t.Error("none of 6 trials went on")
	}
}

// What does not fit is told, not run.
func TestLoad(t *testing.T) {
	_, w := smoke(t, 1, nil)
	for _, change := range []func(*store.Search){
		func(s *store.Search) { s.Space = "name = " },
		func(s *store.Search) { s.Strategy = "luck" },
		func(s *store.Search) { s.Settings = []byte("[]") },
	} {
		s := w.Search.Search
		change(&s)
		if _, err := search.Load(s); err == nil {
			t.Errorf("%+v was loaded", s)
		}
	}
	if _, err := w.Search.Costs.Of(nas.Arch{9}); !errors.Is(err, nas.ErrArch) {
		t.Error(err)
	}
}

// The trial of a worker that died is run by another when its lease is over, and
// nobody waits for one that was asked for by another program.
func TestDeadWorker(t *testing.T) {
	db, w := smoke(t, 4, nil)
	if _, err := db.Claim(t.Context(), "asked", time.Hour, w.Search.Propose); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Claim(t.Context(), "dead", 3*time.Second, w.Search.Propose); err != nil {
		t.Fatal(err)
	}
	w.Lease = 3 * time.Second
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, tr := range trials(t, db) {
		want := store.Done
		if tr.Number == 0 {
			want = store.Running
		}
		if tr.State != want {
			t.Errorf("trial %d: %s, want %s", tr.Number, tr.State, want)
		}
	}
}
