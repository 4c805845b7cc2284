package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mixnet-go/mixnet/nas"
)

// ErrFails is wrapped by errors of Worker.Do about a network that cannot be
// trained, here or elsewhere. The trial is recorded as failed.
var ErrFails = errors.New("the network cannot be trained")

// Worker does trials of a search, one after the other.
type Worker struct {
	Store *Store
	// Name tells workers apart: no two that work have the same.
	Name string
	// Lease is for how long a trial is claimed, again and again while the worker
	// lives; 0 means two minutes.
	Lease time.Duration
	// Propose makes a further trial of those so far, as for Claim.
	Propose func(*nas.History) (nas.Proposal, error)
	// Do does a trial and returns its score and what else is known of it.
	Do func(context.Context, Trial) (score float64, info json.RawMessage, err error)
	// OnStart and OnEnd are told of trials, the latter with the reason of those
	// that failed; OnEnd's error ends the worker. They run on the worker's
	// goroutine; nil for none.
	OnStart func(Trial)
	OnEnd   func(context.Context, Trial, error) error
}

// Run does trials until the search has all that it asks for, those of other
// workers included should they die, or ctx is done. A trial that ctx interrupts
// is given back. A trial that fails is recorded with the reason; any other error
// of Do gives it back too and is returned.
func (w *Worker) Run(ctx context.Context) error {
	lease := cmp.Or(w.Lease, 2*time.Minute)
	for {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		t, err := w.Store.Claim(ctx, w.Name, lease, w.Propose)
		if errors.Is(err, ErrDone) || errors.Is(err, nas.ErrExhausted) {
			if more, err := w.pending(ctx, lease); err != nil || !more {
				return err
			}
			select {
			case <-ctx.Done():
			case <-time.After(min(lease/10, 2*time.Second)):
			}
			continue
		}
		if err != nil {
			return err
		}
		if err := w.trial(ctx, t, lease); err != nil {
			return fmt.Errorf("trial %d: %w", t.Number, err)
		}
	}
}

// pending reports whether a trial may come back: one that other workers have for
// no longer than a lease of theirs, lest they have died. What was asked for by
// another program for longer is not waited for.
func (w *Worker) pending(ctx context.Context, lease time.Duration) (bool, error) {
	all, err := w.Store.Trials(ctx)
	return slices.ContainsFunc(all, func(t Trial) bool {
		return t.State == Waiting || t.State == Running && time.Until(t.Lease) <= lease
	}), err
}

// trial does a claimed trial and records what came of it.
func (w *Worker) trial(ctx context.Context, t Trial, lease time.Duration) error {
	if w.OnStart != nil {
		w.OnStart(t)
	}
	stop := w.renew(ctx, t, lease)
	score, info, err := w.Do(ctx, t)
	stop()
	after := context.WithoutCancel(ctx)
	switch {
	case err == nil:
		if err := w.Store.Finish(after, t.Number, w.Name, score, info); err != nil {
			return err
		}
		t.State, t.Score, t.Info = Done, score, info
	case errors.Is(err, ErrFails):
		if lost := w.Store.Fail(after, t.Number, w.Name, err.Error()); lost != nil && !errors.Is(lost, ErrTrial) {
			return lost
		}
	default:
		if lost := w.Store.Release(after, t.Number, w.Name); lost != nil && !errors.Is(lost, ErrTrial) {
			err = errors.Join(err, lost)
		}
		return err
	}
	if w.OnEnd == nil {
		return nil
	}
	return w.OnEnd(after, t, err)
}

// renew keeps the lease of a trial until stop is called.
func (w *Worker) renew(ctx context.Context, t Trial, lease time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(lease / 4):
			}
			// A lease that is lost loses nothing: the result is kept all the same.
			_ = w.Store.Renew(ctx, t.Number, w.Name, lease)
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}
