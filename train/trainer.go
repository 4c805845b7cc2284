package train

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train/task"
)

// Trainer is a run that can be started and, after it was interrupted, be
// continued.
type Trainer struct {
	cfg     Config
	step    *Stepper
	metrics task.Metrics
	loader  *data.Loader
	val     *data.Loader // nil for none
	length  length
	labels  string // hash of the training data's

	state   state
	kept    graph.Values[float32] // of the best epoch
	bestDue bool                  // kept has not been saved
	resumed bool                  // from the run folder
	made    int                   // steps of this Run
	ranks   *peers                // nil for a run of one process

	told  map[*data.Loader]int // unreadable images that OnWarning knows of
	clock clock
	saved time.Time
}

// state is what a run continues from, besides its tensors.
type state struct {
	Step    int       `json:"step"`
	Sums    []float64 `json:"sums"` // over this epoch's images, by the task's train metrics
	Images  int       `json:"images"`
	Seconds float64   `json:"seconds"` // spent on this epoch before it was interrupted
	History []Epoch   `json:"history"`
	Partial *Epoch    `json:"partial,omitempty"` // what MaxSteps left of an epoch
}

// New prepares a run from the beginning.
func New(cfg Config) (*Trainer, error) { return newTrainer(cfg, nil) }

func newTrainer(cfg Config, more []Extension) (*Trainer, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	t := &Trainer{cfg: cfg, told: map[*data.Loader]int{}, metrics: cfg.Task.Metrics(), labels: hashLabels(cfg.Train)}
	t.length = length{&t.cfg.Recipe, more}
	var err error
	if t.loader, err = t.cfg.loader(); err != nil {
		return nil, err
	}
	t.step, err = newStepper(StepConfig{
		Graph: cfg.Model.Graph, Values: cfg.Model.Values, Recipe: cfg.Recipe, Task: cfg.Task, Shape: t.loader.Shape(), Threads: cfg.Threads,
		Ranks: cfg.Ranks,
	})
	if err != nil {
		return nil, err
	}
	t.ranks = newPeers(cfg.Ranks)
	if cfg.Val != nil {
		batch := min(t.loader.Shape().N, cfg.Val.Len())
		t.val, err = data.NewLoader(cfg.Val, data.Config{Preprocess: cfg.Model.Preprocess(), Batch: batch, Workers: cfg.Threads, MaxBad: cfg.Recipe.MaxBad})
		if err != nil {
			return nil, fmt.Errorf("validation data: %w", err)
		}
	}
	return t, nil
}

// Prepare returns the run of cfg: from the beginning or, if its folder holds it
// as an interrupt has left it, the rest of it, see [Saved.Resume].
func Prepare(cfg Config) (*Trainer, error) {
	if cfg.Dir == "" || !holdsRun(cfg.Dir) {
		return New(cfg)
	}
	o := model.Options{}
	if cfg.Model != nil {
		var err error
		if o, err = known(cfg.Model); err != nil {
			return nil, err
		}
	}
	saved, err := OpenAs(cfg.Dir, o)
	if err != nil {
		return nil, err
	}
	if saved.blank() {
		return New(cfg)
	}
	return saved.Resume(cfg)
}

// Run is [Prepare] and [Trainer.Run].
func Run(ctx context.Context, cfg Config) (*Trainer, error) {
	t, err := Prepare(cfg)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	return t, t.Run(ctx)
}

// Close ends the run's threads; what it has recorded can still be asked for. It
// is optional: what is no longer used is cleaned up.
func (t *Trainer) Close() { t.step.Close() }

// Model returns the network that is trained.
func (t *Trainer) Model() *model.Model { return t.cfg.Model }

// Recipe returns the recipe as it is followed.
func (t *Trainer) Recipe() recipe.Recipe { return t.cfg.Recipe }

// stepsPerEpoch returns the optimizer's steps of an epoch.
func (t *Trainer) stepsPerEpoch() int { return t.loader.Steps() / t.cfg.Recipe.Accumulate }

// rate returns the learning rate of a step.
func (t *Trainer) rate(step int) float64 { return t.length.rate(step, t.stepsPerEpoch()) }

// epoch returns the number of epochs recorded.
func (t *Trainer) epoch() int { return len(t.state.History) }

// Epochs returns what was recorded so far.
func (t *Trainer) Epochs() []Epoch { return slices.Clone(t.state.History) }

// Done reports whether the run has come to its end.
func (t *Trainer) Done() bool { return t.length.finished(t.state.History) }

// Trained returns the time that training and its evaluations have taken, that
// of interrupted runs of the same folder included.
func (t *Trainer) Trained() time.Duration {
	sum := t.state.Seconds
	for _, e := range t.state.History {
		sum += e.Seconds
	}
	return seconds(sum)
}

// errCut ends the loop after MaxSteps.
var errCut = errors.New("steps")

// Run trains until the recipe is done, or ctx is: then the run is saved as it
// stands, to be continued by Resume, and the error wraps ctx's. The model's
// parameters are then those of the last step, or their moving average if the
// recipe has one; with KeepBest, those of the best epoch of a run that is done.
//
// While it runs, the folder is locked: the error wraps [ErrBusy] if another
// process trains in it. A run that ends by too many unreadable images in its
// first epoch leaves no files.
//
// Of several ranks all must call Run. Rank 0 keeps the folder, and all stop when
// the context of one is done.
func (t *Trainer) Run(ctx context.Context) error {
	release, err := t.open()
	if err != nil {
		return err
	}
	defer release()
	t.saved, t.made, t.state.Partial = time.Now(), 0, nil
	t.clock = newClock(t)
	err = t.run(ctx)
	if errors.Is(err, errCut) {
		err = nil
		t.recordPartial()
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, context.Canceled) {
		if errors.Is(err, data.ErrTooManyBad) && !t.resumed && t.epoch() == 0 {
			t.abandonFolder()
		}
		return err
	}
	if t.records() {
		if saveErr := t.save(); saveErr != nil {
			return errors.Join(err, saveErr)
		}
	}
	result := t.step.Result()
	if t.Done() && err == nil && t.cfg.KeepBest && t.kept != nil {
		result = t.kept
	}
	for i := range result {
		copy(t.step.Values()[i], result[i])
	}
	return err
}

func (t *Trainer) run(ctx context.Context) error {
	for !t.Done() {
		if err := t.trainEpoch(ctx); err != nil {
			return err
		}
		if err := t.finishEpoch(ctx); err != nil {
			return err
		}
		if t.cut() {
			return errCut
		}
	}
	return nil
}

// cut reports whether MaxSteps are done.
func (t *Trainer) cut() bool { return t.cfg.MaxSteps > 0 && t.made >= t.cfg.MaxSteps }

// trainEpoch makes the steps that are left of the current epoch.
func (t *Trainer) trainEpoch(ctx context.Context) error {
	r := &t.cfg.Recipe
	perEpoch := t.stepsPerEpoch()
	done := t.state.Step - t.epoch()*perEpoch
	if done == perEpoch {
		return nil
	}
	// A batch is Accumulate batches of the loader, shared by the ranks.
	own := r.Accumulate / t.ranks.count()
	first := t.epoch()*t.loader.Steps() + done*r.Accumulate + t.ranks.rank()*own
	part := func(i int) int { return first + i/own*r.Accumulate + i%own }
	loading := ctx
	if t.ranks != nil { // all stop after the same step
		loading = context.WithoutCancel(ctx)
	}
	t.step.parts.reset()
	for b, err := range t.loader.Sequence(loading, (perEpoch-done)*own, part) {
		t.warnOfBad(t.loader)
		if err != nil {
			return t.step.fail(fmt.Errorf("training data: %w", err))
		}
		if err := t.step.Accumulate(nil, b); err != nil {
			return t.step.fail(err)
		}
		if t.step.parts.count < own {
			continue
		}
		if err := t.endStep(ctx); err != nil {
			return err
		}
		if done++; t.cut() && done < perEpoch {
			return errCut
		}
	}
	return t.ranks.meet(atStop, t.state.Step, ctx.Err())
}

// endStep moves the parameters, tells of it, and saves if it is time.
func (t *Trainer) endStep(ctx context.Context) error {
	if err := t.step.Update(t.rate(t.state.Step)); err != nil {
		return err
	}
	t.state.Step++
	t.made++
	t.report()
	if time.Since(t.saved) > t.cfg.SaveEvery {
		t.saveOrWarn()
	}
	return t.ranks.meet(atStop, t.state.Step, ctx.Err())
}

func (t *Trainer) warn(err error) {
	if err != nil && t.cfg.OnWarning != nil {
		t.cfg.OnWarning(err)
	}
}

// warnOfBad tells of the images that a loader has found unreadable since it was
// asked last.
func (t *Trainer) warnOfBad(l *data.Loader) {
	bad := l.Bad()
	for _, b := range bad[min(t.told[l], len(bad)):] {
		t.warn(fmt.Errorf("skipped %s: %w", b.Name, b.Err))
	}
	t.told[l] = len(bad)
}
