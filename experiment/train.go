package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

// Outcome is what came of a trial: the store's Trial.Info.
type Outcome struct {
	Run     string  `json:"run"` // the run folder
	Seconds float64 `json:"seconds"`
	// Right has a bit for every image that judged, in order: whether the network
	// was right. Differences between networks are paired by it.
	Right []byte `json:"right"`
	// Images is how many judged.
	Images int `json:"images"`
	// Details are what else an experiment keeps of its trials.
	Details json.RawMessage `json:"details,omitempty"`
}

// Trainer does trials of a plan.
type Trainer struct {
	Plan    *Plan
	Roles   data.Roles // of experiments on one set
	Targets []Target   // of experiments that transfer
	Sources []Source   // likewise
	// Load opens weights by their address, of experiments that judge them. Its
	// errors about weights that cannot be had wrap [store.ErrFails].
	Load func(ctx context.Context, address string) (*model.Model, error)
	// Pictures are those on which objects are found.
	Pictures Pictures
	Threads  int // that compute; 0 means 1
	// OnEpoch is told of the epochs of a trial; nil for nobody.
	OnEpoch func(store.Trial, train.Epoch)
}

// Do does a trial, for [store.Worker].
func (r *Trainer) Do(ctx context.Context, t store.Trial) (float64, json.RawMessage, error) {
	arm, seed, err := r.Plan.trial(t.Arch)
	if err != nil {
		return 0, nil, err
	}
	e, err := Lookup(r.Plan.Experiment)
	if err != nil {
		return 0, nil, err
	}
	do := e.kind.trial
	if do == nil {
		do = trainAndJudge
	}
	o := Outcome{Run: filepath.Join(r.Plan.Dir, fmt.Sprintf("%04d", t.Number))}
	score, err := do(ctx, r, t, &r.Plan.Arms[arm], r.Plan.Seed+uint64(seed), &o)
	if err != nil {
		if errors.Is(err, train.ErrDiverged) {
			err = fmt.Errorf("%w: %w", store.ErrFails, err)
		}
		return 0, nil, err
	}
	info, err := json.Marshal(o)
	return score, info, err
}

// trainAndJudge trains an arm's network and judges it.
func trainAndJudge(ctx context.Context, r *Trainer, t store.Trial, arm *Planned, seed uint64, o *Outcome) (float64, error) {
	var m *model.Model
	err := o.inFolder(t, func() (err error) {
		m, err = r.train(ctx, t, arm, seed, o)
		return err
	})
	if err != nil {
		return 0, err
	}
	return r.judge(ctx, m, o)
}

// train trains an arm with a seed, or goes on with what was begun, in the folder
// of the outcome.
func (r *Trainer) train(ctx context.Context, t store.Trial, arm *Planned, seed uint64, o *Outcome) (*model.Model, error) {
	n, err := netfile.Parse(arm.Label+".toml", []byte(arm.Network))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrFails, err)
	}
	rec := r.Plan.Recipe
	rec.Seed = seed
	if rec, err = rec.Complete(r.Roles.Fit.Len()); err != nil {
		return nil, err
	}
	m, err := model.New(n, zoo.Options{}, r.Roles.Fit.Classes(), seed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrFails, err)
	}
	run, err := train.Prepare(train.Config{
		Model: m, Recipe: rec, Train: r.Roles.Fit, Threads: max(r.Threads, 1), Source: r.Plan.Data, Dir: o.Run,
		Args:    map[string]string{"experiment": r.Plan.Experiment, "trial": fmt.Sprint(t.Number)},
		OnEpoch: func(e train.Epoch) { r.epoch(t, e) },
	})
	if err != nil {
		return nil, err
	}
	defer run.Close()
	if err := run.Run(ctx); err != nil {
		return nil, err
	}
	o.Seconds = run.Trained().Seconds()
	return run.Model(), nil
}

// inFolder does a trial in its run folder, or in one of its own if that is
// another's: somebody whose lease ran out works there, or it is damaged.
func (o *Outcome) inFolder(t store.Trial, do func() error) error {
	err := do()
	if errors.Is(err, train.ErrBusy) || errors.Is(err, train.ErrCheckpoint) || errors.Is(err, train.ErrOccupied) {
		o.Run = fmt.Sprintf("%s-%d", o.Run, t.Attempts)
		err = do()
	}
	return err
}

// epoch tells of an epoch.
func (r *Trainer) epoch(t store.Trial, e train.Epoch) {
	if r.OnEpoch != nil {
		r.OnEpoch(t, e)
	}
}

// judge evaluates a network on the images that nothing was trained on.
func (r *Trainer) judge(ctx context.Context, m *model.Model, o *Outcome) (float64, error) {
	result, err := r.evaluate(ctx, m, r.Roles.Judge)
	if err != nil {
		return 0, err
	}
	o.judged(result.Ranks)
	return result.Top(1), nil
}

// evaluate runs a network on images.
func (r *Trainer) evaluate(ctx context.Context, m *model.Model, set data.Dataset) (*evaluate.Result, error) {
	p, err := engine.Compile(m.Graph, m.Values, engine.Options{Threads: max(r.Threads, 1), MaxConcurrent: 1})
	if err != nil {
		return nil, err
	}
	defer p.Close()
	loader, err := data.NewLoader(set, data.Config{Preprocess: m.Preprocess(), Batch: 32, Workers: 1})
	if err != nil {
		return nil, err
	}
	return evaluate.Run(ctx, p, loader, evaluate.Options{})
}

// judged keeps which images the network was right about.
func (o *Outcome) judged(ranks []int) {
	o.Images = len(ranks)
	o.Right = make([]byte, (o.Images+7)/8)
	for i, rank := range ranks {
		if rank == 0 {
			o.Right[i/8] |= 1 << (i % 8)
		}
	}
}

// right reports whether the network was right about an image.
func (o *Outcome) right(image int) bool { return o.Right[image/8]>>(image%8)&1 != 0 }

// OutcomeOf reads a trial's outcome.
func OutcomeOf(t store.Trial) (Outcome, error) {
	var o Outcome
	if err := json.Unmarshal(t.Info, &o); err != nil {
		return o, fmt.Errorf("trial %d: %w", t.Number, err)
	}
	if len(o.Right) != (o.Images+7)/8 {
		return o, fmt.Errorf("trial %d: %d bytes for %d images", t.Number, len(o.Right), o.Images)
	}
	return o, nil
}
