package train

import (
	"context"
	"fmt"
)

// finishEpoch evaluates, records and saves.
func (t *Trainer) finishEpoch(ctx context.Context) error {
	e := t.newEpoch()
	if t.val != nil && (e.Epoch%max(t.cfg.Recipe.EvalEvery, 1) == 0 || e.Epoch == t.length.epochs()) {
		val, err := t.evaluate(ctx)
		if err != nil {
			return err
		}
		e.Validated, e.Val = true, val
		e.Best = t.best(&e)
	}
	if e.Best {
		t.kept, t.bestDue = t.step.Result().Clone(), true
	}
	e.Seconds = t.clock.lap()
	t.state = state{Step: t.state.Step, History: append(t.state.History, e)}
	t.step.Reset()
	if t.records() {
		t.saveOrWarn()
		t.warn(t.folder().append(e))
	}
	if t.cfg.OnEpoch != nil {
		t.cfg.OnEpoch(e)
	}
	return nil
}

// evaluate measures the network on the validation images. Of several ranks the
// first one does.
func (t *Trainer) evaluate(ctx context.Context) ([]Metric, error) {
	names := t.metrics.Val
	values := make([]float64, len(names))
	var err error
	if t.ranks.leads() {
		var val []Metric
		if val, err = t.step.Evaluate(ctx, t.val, t.step.Result()); err != nil {
			err = fmt.Errorf("evaluation: %w", err)
		}
		for i, m := range val {
			values[i] = m.Value
		}
		t.warnOfBad(t.val)
	}
	if err := t.ranks.meet(atEpoch, t.state.Step, err); err != nil {
		return nil, err
	}
	if err := t.ranks.shared(values); err != nil {
		return nil, err
	}
	val := make([]Metric, len(values))
	for i, name := range names {
		val[i] = Metric{valKey(name), values[i]}
	}
	return val, nil
}

// newEpoch returns the record of the epoch in progress, before its evaluation.
func (t *Trainer) newEpoch() Epoch {
	return Epoch{Epoch: t.epoch() + 1, Step: t.state.Step, LR: t.rate(t.state.Step - 1), Train: t.step.Means()}
}

// best reports whether no epoch so far had as good a result as e.
func (t *Trainer) best(e *Epoch) bool {
	key := valKey(t.metrics.Best)
	for i := range t.state.History {
		if old, ok := t.state.History[i].Find(key); ok && !t.metrics.Better(e.Get(key), old) {
			return false
		}
	}
	return true
}

// recordPartial records what MaxSteps leave of an epoch.
func (t *Trainer) recordPartial() {
	if t.step.images == 0 {
		return
	}
	e := t.newEpoch()
	e.Seconds, e.Partial = t.state.Seconds, true
	t.state.Partial = &e
	if t.records() {
		t.warn(t.folder().append(e))
	}
	if t.cfg.OnEpoch != nil {
		t.cfg.OnEpoch(e)
	}
}
