package search

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/nas/supernet"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/zoo"
)

// Worker runs trials of a search, one after the other.
type Worker struct {
	Store  *store.Store
	Search *Search
	// Name tells workers apart: no two that work have the same.
	Name string
	// Roles are those of Settings.Hold.
	Roles data.Roles
	// Threads is the number of threads that compute; 0 means 1.
	Threads int
	// Lease is for how long a trial is claimed, again and again while the worker
	// lives; 0 means two minutes.
	Lease time.Duration
	// Train scores the network of a trial in place of a training; nil trains.
	Train func(context.Context, store.Trial) (Outcome, error)
	// OnStart, OnEpoch and OnEnd are told of trials, the last one with the reason
	// of those that failed. They run on the worker's goroutine; nil for none.
	OnStart func(store.Trial)
	OnEpoch func(store.Trial, train.Epoch)
	OnEnd   func(store.Trial, Outcome, error)
	// OnSupernet is told of the supernet's training, if this worker does it.
	OnSupernet func(supernet.Progress)
	// SupernetThreads are those that train the supernet, for which all workers
	// wait; 0 means Threads. The results of different numbers differ by rounding.
	SupernetThreads int

	scorer *supernet.Scorer // nil until it is needed
}

// Run runs trials until the search has all that it asks for, those of other
// workers included should they die, or ctx is done. A
// trial that ctx interrupts is given back, and goes on later from where it was.
// A trial whose network cannot be trained fails with the reason; any other error
// gives it back too and is returned.
func (w *Worker) Run(ctx context.Context) error {
	if sn := w.Search.Settings.Supernet; sn != nil && sn.Learn.Method != "" {
		if _, err := w.supernet(ctx); err != nil { // it has the policy to draw from
			return err
		}
	}
	var o Outcome
	return (&store.Worker{
		Store: w.Store, Name: w.Name, Lease: w.Lease, Propose: w.Search.Propose, OnStart: w.OnStart,
		Do: func(ctx context.Context, t store.Trial) (score float64, info json.RawMessage, err error) {
			do := w.train
			if w.Train != nil {
				do = w.Train
			}
			if o, err = do(ctx, t); err != nil {
				if errors.Is(err, train.ErrDiverged) {
					err = fmt.Errorf("%w: %w", store.ErrFails, err)
				}
				return 0, nil, err
			}
			info, err = json.Marshal(o)
			return o.score(), info, err
		},
		OnEnd: func(ctx context.Context, t store.Trial, why error) error {
			if w.OnEnd != nil {
				w.OnEnd(t, o, why)
			}
			if why != nil {
				return nil
			}
			// Weights that are no longer among the best go.
			all, err := w.Store.Trials(ctx)
			if err != nil {
				return err
			}
			return w.Search.prune(all)
		},
	}).Run(ctx)
}

// train trains the network of a trial and scores it.
func (w *Worker) train(ctx context.Context, t store.Trial) (Outcome, error) {
	if t.Fidelity == 0 && w.Search.Settings.Supernet != nil {
		return w.score(ctx, t)
	}
	n, err := w.Search.Space.Network(t.Arch)
	if err != nil {
		return Outcome{}, fmt.Errorf("%w: %w", store.ErrFails, err)
	}
	o := Outcome{Network: n.Name}
	if o.Cost, err = w.Search.Costs.Of(t.Arch); err != nil {
		return o, fmt.Errorf("%w: %w", store.ErrFails, err)
	}
	r, err := w.trainer(ctx, t, n, &o)
	if err != nil {
		return o, err
	}
	defer r.Close()
	if err := r.Run(ctx); err != nil {
		return o, err
	}
	for _, e := range r.Epochs() {
		if e.Validated {
			o.Curve = append(o.Curve, e.Get("top1"))
		}
	}
	if len(o.Curve) == 0 {
		return o, fmt.Errorf("%s: no epoch has a score", o.Run)
	}
	o.Seconds = r.Trained().Seconds()
	return o, nil
}

// trainer prepares the run of a trial: what an interruption left of it, the
// parent's for more epochs, or a new one.
func (w *Worker) trainer(ctx context.Context, t store.Trial, n zoo.Network, o *Outcome) (*train.Trainer, error) {
	rec := w.Search.Settings.Recipe
	rec.Epochs, rec.Seed = t.Fidelity, t.Seed
	rec, err := rec.Complete(w.Roles.Fit.Len())
	if err != nil {
		return nil, err
	}
	m, err := model.New(n, zoo.Options{}, w.Roles.Fit.Classes(), t.Seed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrFails, err)
	}
	cfg := train.Config{
		Model: m, Recipe: rec, Train: w.Roles.Fit, Val: w.Roles.Choose, Threads: max(w.Threads, 1),
		Source: w.Search.Settings.Data, Args: map[string]string{"search": w.Search.Name, "trial": fmt.Sprint(t.Number)},
		OnEpoch: func(e train.Epoch) {
			if w.OnEpoch != nil {
				w.OnEpoch(t, e)
			}
		},
	}
	if r := w.further(ctx, t, cfg, o); r != nil {
		return r, nil
	}
	cfg.Dir = filepath.Join(w.Search.Settings.Dir, fmt.Sprintf("%04d-%s", t.Number, nas.Hash(w.Search.Space, t.Arch)[:8]))
	r, err := train.Prepare(cfg)
	if errors.Is(err, train.ErrBusy) || errors.Is(err, train.ErrCheckpoint) || errors.Is(err, train.ErrOccupied) {
		// Somebody whose lease ran out works there, or it is damaged.
		cfg.Dir = fmt.Sprintf("%s-%d", cfg.Dir, t.Attempts)
		r, err = train.Prepare(cfg)
	}
	o.Run = cfg.Dir
	return r, err
}

// further returns the run of a trial's parent with more epochs, if there is one
// of the same architecture whose state was kept here. They go by the recipe's
// schedule from its beginning, without warm-up (Loshchilov and Hutter, SGDR,
// 2017).
func (w *Worker) further(ctx context.Context, t store.Trial, cfg train.Config, o *Outcome) *train.Trainer {
	if t.Parent < 0 {
		return nil
	}
	all, err := w.Store.Trials(ctx)
	if err != nil {
		return nil
	}
	parent := all[t.Parent]
	dir := OutcomeOf(parent).Run
	if !slices.Equal(parent.Arch, t.Arch) || parent.Fidelity >= t.Fidelity || dir == "" {
		return nil
	}
	saved, err := train.Open(dir)
	if err != nil {
		return nil
	}
	if saved.Length() != t.Fidelity {
		schedule := cfg.Recipe.Schedule
		schedule.Warmup = 0
		if !saved.Done() || saved.Length() != parent.Fidelity || saved.Extend(t.Fidelity-parent.Fidelity, schedule) != nil {
			return nil
		}
	}
	r, err := saved.Resume(cfg)
	if err != nil {
		return nil
	}
	o.Run, o.Continued = dir, true
	return r
}

// prune removes the weights of trials that are done and neither among the best
// of their fidelity nor in the folder of one that is, or may be, at work.
func (s *Search) prune(all []store.Trial) error {
	keep := map[string]bool{}
	perFidelity := map[int]int{}
	byScore := slices.Clone(all)
	slices.SortStableFunc(byScore, func(a, b store.Trial) int { return cmp.Compare(b.Score, a.Score) })
	limit := s.Settings.Keep
	if limit == 0 {
		limit = 5
	}
	for _, t := range byScore {
		switch {
		case t.State == store.Done && perFidelity[t.Fidelity] < limit:
			perFidelity[t.Fidelity]++
			keep[OutcomeOf(t).Run] = true
		case t.State != store.Done && t.Parent >= 0:
			keep[OutcomeOf(all[t.Parent]).Run] = true
		}
	}
	for _, t := range all {
		dir := OutcomeOf(t).Run
		if t.State != store.Done || dir == "" || keep[dir] {
			continue
		}
		for _, name := range []string{train.LastFile, train.BestFile} {
			if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
