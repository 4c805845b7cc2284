package search_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/search"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/nas/supernet"
)

// oneShot is a search by a supernet: 6 networks scored, 4 trained by themselves.
func oneShot(t *testing.T) (*store.Store, *search.Worker) {
	t.Helper()
	return smoke(t, 10, func(s *store.Search, set *search.Settings) {
		s.Strategy = "supernet"
		set.Supernet = &search.Supernet{Epochs: 2, Scored: 6, Fit: 100, Images: 200}
		set.Limits = nas.Limits{MACs: 300e3}
	})
}

// The supernet scores networks within the limits, the best of which are trained
// by themselves, and whoever is interrupted while it trains goes on to the same
// scores.
func TestSupernet(t *testing.T) {
	db, w := oneShot(t)
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := trials(t, db)
	best := 0.0
	for _, tr := range all[:6] {
		o := search.OutcomeOf(tr)
		if tr.Fidelity != 0 || tr.State != store.Done || o.Supernet == nil || o.Supernet.Likelihood() != tr.Score || o.MACs > 300e3 {
			t.Errorf("trial %d: %s %s, %+v", tr.Number, tr.State, tr.Error, o)
		}
		best = max(best, tr.Score)
	}
	for _, tr := range all[6:] {
		if tr.Fidelity != 1 || tr.State != store.Done || tr.Parent < 0 || all[tr.Parent].Key != tr.Key {
			t.Errorf("trial %d: %+v", tr.Number, tr)
		}
	}
	if first := all[6]; all[first.Parent].Score != best {
		t.Errorf("the first network trained by itself scored %g by the supernet, the best %g", all[first.Parent].Score, best)
	}
	pairs := search.Pairs(all)
	if a := search.Agreement(pairs, 1); len(pairs) != 4 || a.Networks != 4 || !(a.Low <= a.Tau && a.Tau <= a.High) {
		t.Errorf("%+v", a)
	}

	again, w := oneShot(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.OnSupernet = func(p supernet.Progress) {
		if p.Step == p.Steps/2+1 {
			cancel()
		}
	}
	if err := w.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	steps := 0
	w.Name, w.OnSupernet = "two", func(p supernet.Progress) { steps++ }
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, tr := range trials(t, again) {
		if tr.Key != all[i].Key || tr.Score != all[i].Score {
			t.Errorf("trial %d: %s scores %g; uninterrupted %s, %g", i, tr.Key, tr.Score, all[i].Key, all[i].Score)
		}
	}
	if steps == 0 || steps >= 2*200/10 {
		t.Errorf("%d steps after the interruption", steps)
	}
}

// Of several workers one trains the supernet, and all score by it.
func TestSupernetOnce(t *testing.T) {
	db, w := oneShot(t)
	var steps atomic.Int64
	var all sync.WaitGroup
	for i := range 3 {
		other := *w
		other.Name, other.OnSupernet = fmt.Sprint(i), func(supernet.Progress) { steps.Add(1) }
		all.Go(func() {
			if err := other.Run(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := steps.Load(); got != 2*200/10 {
		t.Errorf("%d steps of training, want 40", got)
	}
	for _, tr := range trials(t, db) {
		if tr.State != store.Done {
			t.Errorf("trial %d: %s %s", tr.Number, tr.State, tr.Error)
		}
	}
}

// rows is a space of whole blocks.
const rows = `name = "rows"
input = {size = 14}

[stem]
out = 8
stride = 2

[[stage]]
stride = 2
out = [8]
depth = [3]
rows = [{name = "k3", kernels = 3}, {name = "k35e3", kernels = [3, 5], expand = 3}]
[stage.rest]
rows = [{name = "none", none = true}, {name = "k3", kernels = 3}, {name = "k5e3", kernels = 5, expand = 3}]

[head]
out = 16
`

// With learned probabilities the likeliest network is scored first, and the
// search goes on with the same policy.
func TestLearned(t *testing.T) {
	for _, method := range []supernet.Method{supernet.Gumbel, supernet.Paths} {
		db, w := smokeOn(t, rows, 5, func(s *store.Search, set *search.Settings) {
			s.Strategy = "supernet"
			set.Supernet = &search.Supernet{Epochs: 1, Scored: 4, Fit: 100, Images: 100, Learn: search.Learned{Method: method, Steps: 20, Weight: 0.1}}
		})
		if err := w.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		policy, err := supernet.LoadPolicy(filepath.Join(w.Search.Settings.Dir, "supernet", "policy.json"), w.Search.Space)
		if err != nil {
			t.Fatal(err)
		}
		all := trials(t, db)
		if got, want := all[0].Key, nas.Key(w.Search.Space, policy.Likeliest()); got != want {
			t.Errorf("%s: %s is scored first, %s is likeliest", method, got, want)
		}
		again, err := search.Load(w.Search.Search)
		if err != nil {
			t.Fatal(err)
		}
		next, err := again.Propose(store.History(all[:2]))
		if err != nil || next.Arch.String() != all[2].Key {
			t.Errorf("%s: after a resume %v follows, %s did: %v", method, next.Arch, all[2].Key, err)
		}
	}
}
