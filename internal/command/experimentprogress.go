package command

import (
	"context"
	"fmt"
	"sync"

	"github.com/mixnet-go/mixnet/experiment"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/train"
)

// work does trials until all are done.
func (c *experimentRunCmd) work(e *env, plan *experiment.Plan, db *store.Store, trainer experiment.Trainer) error {
	if plan.Trials() == 0 {
		return nil
	}
	workers := c.Workers
	if workers == 0 {
		workers = e.cores()
	}
	defer e.hold()()
	v := &experimentProgress{e: e, plan: plan, bar: e.newProgress(plan.Experiment, "trials", int64(plan.Trials())), quiet: c.JSON}
	if err := v.count(db); err != nil {
		return err
	}
	err := e.together(workers, func(ctx context.Context, name string) error {
		t := trainer
		t.OnEpoch = v.epoch
		w := store.Worker{
			Store: db, Name: name, Lease: c.Lease, Propose: plan.Propose, Do: t.Do,
			OnEnd: func(_ context.Context, t store.Trial, why error) error { return v.end(t, why) },
		}
		return w.Run(ctx)
	})
	v.bar.done()
	if e.ctx.Err() != nil {
		e.note("what was begun is saved; the same command goes on with it\n")
	}
	return err
}

// experimentProgress tells of trials.
type experimentProgress struct {
	e     *env
	plan  *experiment.Plan
	quiet bool

	mu     sync.Mutex
	bar    *progress
	before int // trials that were done
	done   int
}

func (v *experimentProgress) count(db *store.Store) error {
	trials, err := db.Trials(v.e.ctx)
	for _, t := range trials {
		if t.State == store.Done {
			v.before++
		}
	}
	if v.before > 0 {
		v.e.note("%d of %s are done\n", v.before, plural(v.plan.Trials(), "trial"))
	}
	v.bar.total -= int64(v.before)
	return err
}

func (v *experimentProgress) epoch(t store.Trial, ep train.Epoch) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.bar.update(int64(v.done), fmt.Sprintf("trial %d, epoch %d of %d", t.Number, ep.Epoch, v.plan.Recipe.Epochs))
}

func (v *experimentProgress) end(t store.Trial, why error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.done++
	v.bar.done()
	arm, seed, err := v.plan.Trial(t.Arch)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s, %s %s, seed %d", arm.Panel, arm.Series, arm.Label, seed)
	switch {
	case why != nil:
		v.e.warn("%s: %v", name, why)
	case !v.quiet:
		v.e.note("%d of %d  %s: %s\n", v.before+v.done, v.plan.Trials(), name, inPercent(t.Score))
	}
	return nil
}
