package supernet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
)

// Config says how a supernet is trained.
type Config struct {
	Net *Net
	// Recipe is how: its epochs, batch, optimizer, schedule, smoothing and
	// augmentation. Every path of a step sees the same batch. Moving averages,
	// mixed sizes, frozen layers and parts of batches are not for supernets.
	Recipe recipe.Recipe
	// Data are the images that weights are trained on.
	Data data.Dataset
	// Paths is the number of architectures of a step, whose gradients are
	// averaged; 0 means as many as the decision with the most options has, so
	// that every option has its turn.
	Paths int
	// Threads is the number of threads that compute; 0 means GOMAXPROCS, or
	// those of Memory.
	Threads int
	// Memory is shared with a Scorer; nil for the run's own.
	Memory *autodiff.Memory
	// Dir is where the state is kept, in [StateFile]; "" keeps nothing.
	Dir string
	// SaveEvery is the longest time between two saves; 0 means 5 minutes. It is
	// saved after every epoch too.
	SaveEvery time.Duration
	// OnStep and OnEpoch are told of the progress, on the training goroutine; an
	// error of OnEpoch ends the run, which can be continued. nil for none.
	OnStep  func(Progress)
	OnEpoch func(Epoch) error
	// Then is called when the supernet is trained, before the folder is free for
	// others; nil for nothing.
	Then func() error
}

// Progress is where a run stands.
type Progress struct {
	Step, Steps   int
	Epoch, Epochs int     // Epoch from 0
	Loss          float64 // mean over the epoch so far
	Images        int     // of this process, all paths counted
}

// Epoch is what is recorded of an epoch.
type Epoch struct {
	Epoch   int     `json:"epoch"` // from 1
	Loss    float64 `json:"loss"`  // mean over images and paths, in training
	Top1    float64 `json:"top1"`
	Rate    float64 `json:"rate"` // of the last step
	Seconds float64 `json:"seconds"`
}

// run is a supernet in training.
type run struct {
	Config
	step   *train.Stepper
	loader *data.Loader
	fair   nas.Fair
	state  state
	images int
	saved  time.Time
	began  time.Time // of this process's part of the epoch
}

// state is what a run continues from, besides its tensors.
type state struct {
	Step    int     `json:"step"`
	Loss    float64 `json:"loss"` // sums over the steps of this epoch
	Top1    float64 `json:"top1"`
	Seconds float64 `json:"seconds"` // spent on this epoch before
	History []Epoch `json:"history"`
}

// Train trains a supernet, or what is left of the run in Dir, to the bit as if
// it had not been interrupted. When ctx is done, the state is saved and the
// error wraps ctx's.
func Train(ctx context.Context, cfg Config) ([]Epoch, error) {
	r, err := newRun(cfg)
	if err != nil {
		return nil, err
	}
	defer r.step.Close()
	release, err := r.open()
	if err != nil {
		return nil, err
	}
	defer release()
	err = r.run(ctx)
	if r.Dir != "" && (err == nil || ctx.Err() != nil) {
		err = errors.Join(err, r.save())
	}
	if err == nil && r.Then != nil {
		err = r.Then()
	}
	return r.state.History, err
}

func newRun(cfg Config) (*run, error) {
	if cfg.Net == nil || cfg.Data == nil {
		return nil, errors.New("supernet: no net or no data")
	}
	r := &run{Config: cfg}
	rec := &r.Recipe
	rec.Accumulate, rec.EMA, rec.NormMomentum, rec.Freeze, rec.FreezeUntil = 0, 0, 1, nil, ""
	rec.Sizes = recipe.Sizes{}
	var err error
	if *rec, err = rec.Complete(cfg.Data.Len()); err != nil {
		return nil, err
	}
	r.fair = nas.Fair{Space: cfg.Net.Space, Seed: rec.Seed}
	r.Paths = cmp.Or(cfg.Paths, r.fair.Paths())
	r.SaveEvery = cmp.Or(cfg.SaveEvery, 5*time.Minute)
	if r.loader, err = data.NewLoader(cfg.Data, data.Config{
		Preprocess: cfg.Net.Space.Base.Input, Augment: &rec.Augment, Batch: rec.Batch, Shuffle: true,
		Remainder: data.DropRemainder, Seed: rec.Seed, Workers: cfg.Threads, MaxBad: rec.MaxBad,
	}); err != nil {
		return nil, fmt.Errorf("supernet: training data: %w", err)
	}
	parts := *rec
	parts.Batch, parts.Accumulate = rec.Batch*r.Paths, r.Paths
	r.step, err = train.NewStepper(train.StepConfig{
		Graph: cfg.Net.Graph, Values: cfg.Net.Values, Recipe: parts, Shape: r.loader.Shape(), Threads: cfg.Threads, Memory: cfg.Memory,
	})
	return r, err
}

// steps returns the number of steps of the whole run.
func (r *run) steps() int { return r.Recipe.Epochs * r.loader.Steps() }

func (r *run) run(ctx context.Context) error {
	r.saved, r.began = time.Now(), time.Now()
	for b, err := range r.loader.Batches(ctx, r.state.Step, r.steps()) {
		if err != nil {
			return fmt.Errorf("supernet: training data: %w", err)
		}
		if err := r.one(b); err != nil {
			return fmt.Errorf("supernet: step %d: %w", r.state.Step+1, err)
		}
		if r.state.Step%r.loader.Steps() == 0 {
			if err := r.endEpoch(); err != nil {
				return err
			}
		} else if r.Dir != "" && time.Since(r.saved) > r.SaveEvery {
			if err := r.save(); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// one is a step: all its paths on one batch.
func (r *run) one(b *data.Batch) error {
	r.step.Reset()
	for i := range r.Paths {
		p, err := r.Net.Path(r.fair.Arch(r.state.Step*r.Paths + i))
		if err != nil {
			return err
		}
		if err := r.accumulate(p, b); err != nil {
			return err
		}
	}
	means := r.step.Means()
	if err := r.step.Update(r.rate()); err != nil {
		return err
	}
	r.state.Step++
	r.state.Loss += means[0].Value
	r.state.Top1 += means[1].Value
	r.images += r.Paths * len(b.Labels)
	if r.OnStep != nil {
		perEpoch := r.loader.Steps()
		done := (r.state.Step-1)%perEpoch + 1
		r.OnStep(Progress{
			Step: r.state.Step, Steps: r.steps(), Epoch: (r.state.Step - 1) / perEpoch, Epochs: r.Recipe.Epochs,
			Loss: r.state.Loss / float64(done), Images: r.images,
		})
	}
	return nil
}

// accumulate adds a path's gradients.
func (r *run) accumulate(p *Path, b *data.Batch) error {
	values, grads := bind(p, r.Net.Values), bind(p, r.step.Grads())
	gather(p, values, r.Net.Values)
	view, err := r.step.View(p.Graph, values, grads, nil)
	if err != nil {
		return err
	}
	if err := r.step.Accumulate(view, b); err != nil {
		return err
	}
	scatter(p, grads, r.step.Grads())
	return nil
}

func (r *run) rate() float64 {
	return r.Recipe.Schedule.Rate(r.state.Step, r.loader.Steps(), r.Recipe.Epochs)
}

// endEpoch records an epoch and saves.
func (r *run) endEpoch() error {
	n := float64(r.loader.Steps())
	e := Epoch{
		Epoch: len(r.state.History) + 1, Loss: r.state.Loss / n, Top1: r.state.Top1 / n,
		Rate:    r.Recipe.Schedule.Rate(r.state.Step-1, r.loader.Steps(), r.Recipe.Epochs),
		Seconds: r.state.Seconds + time.Since(r.began).Seconds(),
	}
	r.state.History = append(r.state.History, e)
	r.state.Loss, r.state.Top1, r.state.Seconds = 0, 0, 0
	r.began = time.Now()
	if r.Dir != "" {
		if err := r.save(); err != nil {
			return err
		}
	}
	if r.OnEpoch == nil {
		return nil
	}
	err := r.OnEpoch(e)
	r.began = time.Now()
	return err
}
