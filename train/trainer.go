package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/rng"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/tensor"
)

// Config is a run: what is trained on what, how, and where it is recorded.
type Config struct {
	// Model is the network with the parameters to start from. They are
	// trained in place, and at the end of a run are its result.
	Model *model.Model
	// Recipe is how.
	Recipe recipe.Recipe
	// Train is the training data.
	Train data.Dataset
	// Val is what accuracy is measured on after every epoch; nil for nothing.
	Val data.Dataset
	// Source describes where the data comes from. It is recorded.
	Source string
	// Args is recorded too, for a command that resumes the run.
	Args map[string]string
	// Dir is the run folder; "" records nothing.
	Dir string
	// Threads is the number of threads that compute; 0 means GOMAXPROCS. The
	// results of different numbers differ by rounding.
	Threads int
	// SaveEvery is the longest time between two saves; 0 means 5 minutes.
	SaveEvery time.Duration
	// KeepBest makes the model end with the parameters of the epoch with the
	// highest top-1 on Val instead of the last ones. Val must then not be what
	// the result is judged on.
	KeepBest bool

	// OnStep is called after every step, OnEpoch after every epoch and its
	// evaluation, and OnWarning when something went wrong that the run
	// survives. They run on the training goroutine; nil for none.
	OnStep    func(Progress)
	OnEpoch   func(Epoch)
	OnWarning func(error)
}

// Progress is the state of a run after a step.
type Progress struct {
	Epoch, Epochs int // epochs done before this one, and of the run
	Step, Steps   int // steps done of this epoch, and all of them
	Loss, Top1    float64
	LR            float64
	Rate          float64       // images a second
	Elapsed, Left time.Duration // of the run, the evaluations included in what is left
}

// Epoch is what is recorded of an epoch. Top1 and Top5 are fractions of Val.
type Epoch struct {
	Epoch     int     `json:"epoch"` // counted from 1
	Step      int     `json:"step"`  // steps done since the start
	LR        float64 `json:"lr"`    // of the last step
	TrainLoss float64 `json:"train_loss"`
	TrainTop1 float64 `json:"train_top1"`
	Validated bool    `json:"validated,omitempty"` // the values below were measured
	ValLoss   float64 `json:"val_loss,omitempty"`
	Top1      float64 `json:"top1,omitempty"`
	Top5      float64 `json:"top5,omitempty"`
	Best      bool    `json:"best,omitempty"` // the highest Top1 so far
	Seconds   float64 `json:"seconds"`
}

// Trainer is a run that can be started and, after it was interrupted, be
// continued.
type Trainer struct {
	cfg    Config
	memory *autodiff.Memory // of the nets, and the threads
	graph  *graph.Graph
	losses []graph.Output
	nets   nets
	loader *data.Loader
	val    *evaluator

	values, grads graph.Values[float32]
	ema           graph.Values[float32] // nil for none
	kept          graph.Values[float32] // of the best epoch
	bestDue       bool                  // kept has not been saved
	updater       *updater[float32]
	weights       []float64 // of the classes, for Balance
	labels        string    // hash of the training data's
	state         state
	resumed       bool // from the run folder

	told  map[*data.Loader]int // unreadable images that OnWarning knows of
	dOut  [][]float32
	clock clock
	saved time.Time
}

// state is what a run continues from, besides its tensors.
type state struct {
	Step    int     `json:"step"`
	Loss    float64 `json:"loss"` // sums over this epoch's images
	Correct int     `json:"correct"`
	Images  int     `json:"images"`
	Seconds float64 `json:"seconds"` // spent on this epoch before it was interrupted
	History []Epoch `json:"history"`
}

// ErrDiverged is wrapped by the error of a run whose loss is no longer a
// number.
var ErrDiverged = errors.New("training diverged")

// New prepares a run from the beginning.
func New(cfg Config) (*Trainer, error) {
	if cfg.Model == nil || cfg.Train == nil {
		return nil, errors.New("train: no model or no data")
	}
	var err error
	if cfg.Recipe, err = cfg.Recipe.Complete(cfg.Train.Len()); err != nil {
		return nil, err
	}
	if cfg.SaveEvery <= 0 {
		cfg.SaveEvery = 5 * time.Minute
	}
	t := &Trainer{cfg: cfg, told: map[*data.Loader]int{}, memory: autodiff.NewMemory(cfg.Threads), graph: withNormMomentum(cfg.Model.Graph, cfg.Recipe.NormMomentum), losses: cfg.Model.Graph.Losses(), values: cfg.Model.Values}
	if err := t.checkClasses(); err != nil {
		return nil, err
	}
	r := &cfg.Recipe
	load := data.Config{
		Preprocess: cfg.Model.Preprocess(), Augment: &r.Augment, Mix: r.Mix, Batch: r.Batch / r.Accumulate,
		Shuffle: true, Remainder: data.DropRemainder, Seed: r.Seed, Workers: cfg.Threads, Sizes: r.Sizes.Shapes(), MaxBad: r.MaxBad,
	}
	if r.Sizes.Order == recipe.Progressive {
		load.SizeOf = func(pass int) int { return r.Sizes.At(pass, r.Epochs*t.loader.Steps()) }
	}
	if t.loader, err = data.NewLoader(cfg.Train, load); err != nil {
		return nil, fmt.Errorf("training data: %w", err)
	}
	if t.stepsPerEpoch() == 0 {
		return nil, fmt.Errorf("training data: %d images do not fill a batch of %d: make it smaller", cfg.Train.Len(), r.Batch)
	}
	if err := t.prepare(t.loader.Shape()); err != nil {
		return nil, err
	}
	t.labels = hashLabels(cfg.Train)
	if r.Balance {
		t.weights = classWeights(cfg.Train)
	}
	if cfg.Val != nil {
		if t.val, err = newEvaluator(t.nets.of(t.loader.Shape()), cfg.Model.Preprocess(), cfg.Val, r.MaxBad, cfg.Threads); err != nil {
			return nil, fmt.Errorf("validation data: %w", err)
		}
	}
	return t, nil
}

// prepare plans the network for batches of a shape and for the recipe's image
// sizes, and the optimizer.
func (t *Trainer) prepare(in tensor.Shape) (err error) {
	frozen, err := frozenParams(t.graph, &t.cfg.Recipe)
	if err != nil {
		return err
	}
	t.nets, err = newNets(t.graph, in, t.cfg.Recipe.Sizes.Shapes(), autodiff.Options{Memory: t.memory, Frozen: frozen, FixedNorms: t.cfg.Recipe.FixedNorm})
	if err != nil {
		return err
	}
	t.grads = graph.NewValues[float32](t.graph)
	if t.cfg.Recipe.EMA > 0 {
		t.ema = t.values.Clone()
	}
	t.updater = newUpdater[float32](t.cfg.Recipe.Optimizer, t.graph, func(p graph.ParamID) bool { return !frozen(p) })
	return nil
}

func (t *Trainer) checkClasses() error {
	n := t.graph.Classes()
	for _, d := range []data.Dataset{t.cfg.Train, t.cfg.Val} {
		if d != nil && len(d.Classes()) != n {
			return fmt.Errorf("train: the data has %d classes, the network %d", len(d.Classes()), n)
		}
	}
	return nil
}

// stepsPerEpoch returns the optimizer's steps of an epoch.
func (t *Trainer) stepsPerEpoch() int { return t.loader.Steps() / t.cfg.Recipe.Accumulate }

// steps returns the optimizer's steps of the whole run.
func (t *Trainer) steps() int { return t.cfg.Recipe.Epochs * t.stepsPerEpoch() }

// work returns what the steps [from, to) cost.
func (t *Trainer) work(from, to int) float64 { return t.cfg.Recipe.Sizes.Work(from, to, t.steps()) }

// Epochs returns what was recorded so far.
func (t *Trainer) Epochs() []Epoch { return slices.Clone(t.state.History) }

// Trained returns the time that training and its evaluations have taken, that
// of interrupted runs of the same folder included.
func (t *Trainer) Trained() time.Duration {
	sum := t.state.Seconds
	for _, e := range t.state.History {
		sum += e.Seconds
	}
	return seconds(sum)
}

// Run trains until the recipe is done, or ctx is: then the run is saved as it
// stands, to be continued by Resume, and the error wraps ctx's. The model's
// parameters are then those of the last step, or their moving average if the
// recipe has one; with KeepBest, those of the best epoch of a run that is done.
func (t *Trainer) Run(ctx context.Context) error {
	if err := t.startFolder(); err != nil {
		return err
	}
	t.saved = time.Now()
	t.clock = newClock(t)
	err := t.run(ctx)
	if err != nil && ctx.Err() == nil {
		return err
	}
	if t.cfg.Dir != "" {
		if saveErr := t.save(); saveErr != nil {
			return errors.Join(err, saveErr)
		}
	}
	result := t.best()
	if err == nil && t.cfg.KeepBest && t.kept != nil {
		result = t.kept
	}
	for i := range result {
		copy(t.values[i], result[i])
	}
	return err
}

func (t *Trainer) run(ctx context.Context) error {
	for !finished(t.cfg.Recipe, t.state.History) {
		if err := t.trainEpoch(ctx); err != nil {
			return err
		}
		if err := t.finishEpoch(ctx); err != nil {
			return err
		}
	}
	return nil
}

// finished reports whether a run with these epochs behind it has ended.
// Patience begins with the first epoch of a progressive run's last size.
func finished(r recipe.Recipe, history []Epoch) bool {
	if len(history) >= r.Epochs {
		return true
	}
	since := 0
	for i, e := range history {
		since++
		if e.Best || r.Sizes.Growing(i, r.Epochs) {
			since = 0
		}
	}
	return r.Patience > 0 && since >= r.Patience
}

// classWeights returns the inverse of every class's share of d's examples,
// over the number of classes: 1 for equal shares. A class without examples
// weighs nothing.
func classWeights(d data.Dataset) []float64 {
	counts := make([]float64, len(d.Classes()))
	for i := range d.Len() {
		counts[d.Label(i)]++
	}
	for i, n := range counts {
		if n > 0 {
			counts[i] = float64(d.Len()) / (n * float64(len(counts)))
		}
	}
	return counts
}

// epoch returns the number of epochs recorded.
func (t *Trainer) epoch() int { return len(t.state.History) }

// trainEpoch makes the steps that are left of the current epoch.
func (t *Trainer) trainEpoch(ctx context.Context) error {
	r := &t.cfg.Recipe
	perEpoch := t.stepsPerEpoch()
	done := t.state.Step - t.epoch()*perEpoch
	if done == perEpoch {
		return nil
	}
	// A batch is Accumulate batches of the loader.
	first := t.epoch()*t.loader.Steps() + done*r.Accumulate
	last := t.epoch()*t.loader.Steps() + perEpoch*r.Accumulate
	part := 0
	for b, err := range t.loader.Batches(ctx, first, last) {
		t.warnOfBad(t.loader)
		if err != nil {
			return fmt.Errorf("training data: %w", err)
		}
		if err := t.accumulate(b, part); err != nil {
			return err
		}
		if part++; part < r.Accumulate {
			continue
		}
		part = 0
		t.update()
		t.report()
		if time.Since(t.saved) > t.cfg.SaveEvery {
			t.saveOrWarn()
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// accumulate adds the gradients of one part of a batch.
func (t *Trainer) accumulate(b *data.Batch, part int) error {
	r := &t.cfg.Recipe
	if part == 0 {
		for _, g := range t.grads {
			clear(g)
		}
	}
	key := t.key(b.Step)
	net := t.nets.of(b.Images.Shape)
	if net == nil {
		return fmt.Errorf("train: a batch of %v, which is none of the sizes planned for", b.Images.Shape)
	}
	if err := net.Train(&b.Images, t.values, key); err != nil {
		return err
	}
	n := len(b.Labels)
	scale := 1 / float64(n*r.Accumulate)
	for i := range net.Outputs() {
		logits := net.Output(i)
		if len(t.dOut) <= i {
			t.dOut = append(t.dOut, nil)
		}
		t.dOut[i] = slices.Grow(t.dOut[i][:0], len(logits))[:len(logits)]
		weight := t.losses[i].Loss
		want := targets{labels: b.Labels, other: b.Other, share: float64(b.Share), smoothing: r.Smoothing, weights: t.weights}
		loss, correct := crossEntropy(logits, want, weight*scale, t.dOut[i])
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return fmt.Errorf("%w: the loss is %g in step %d: lower the learning rate", ErrDiverged, loss, t.state.Step+1)
		}
		t.state.Loss += weight * loss
		if i == 0 {
			t.state.Correct += correct
		}
	}
	t.state.Images += n
	return net.Backward(t.dOut, t.values, t.grads)
}

// key returns what dropout draws from in one forward pass.
func (t *Trainer) key(pass int) uint64 {
	return rng.Step(t.cfg.Recipe.Seed, pass)
}

// update makes an optimizer step.
func (t *Trainer) update() {
	t.step(t.rate(t.state.Step))
}

// step moves the parameters and their average by the gradients.
func (t *Trainer) step(rate float64) {
	t.updater.update(t.memory.Pool(), t.values, t.grads, t.state.Step, rate)
	t.state.Step++
	if t.ema != nil {
		average(t.memory.Pool(), t.ema, t.values, averageDecay(t.cfg.Recipe.EMA, t.state.Step))
	}
}

// rate returns the learning rate of a step.
func (t *Trainer) rate(step int) float64 {
	r := &t.cfg.Recipe
	return r.Schedule.Rate(step, t.stepsPerEpoch(), r.Epochs)
}

// best returns the parameters to use: the moving average if there is one.
func (t *Trainer) best() graph.Values[float32] {
	if t.ema != nil {
		return t.ema
	}
	return t.values
}

// finishEpoch evaluates, records and saves.
func (t *Trainer) finishEpoch(ctx context.Context) error {
	images := float64(t.state.Images)
	e := Epoch{
		Epoch: t.epoch() + 1, Step: t.state.Step, LR: t.rate(t.state.Step - 1),
		TrainLoss: t.state.Loss / images, TrainTop1: float64(t.state.Correct) / images,
	}
	if t.val != nil && (e.Epoch%max(t.cfg.Recipe.EvalEvery, 1) == 0 || e.Epoch == t.cfg.Recipe.Epochs) {
		score, err := t.val.run(ctx, t.best())
		t.warnOfBad(t.val.loader)
		if err != nil {
			return fmt.Errorf("evaluation: %w", err)
		}
		e.Validated, e.ValLoss, e.Top1, e.Top5 = true, score.Loss, score.Top1, score.Top5
		e.Best = !slices.ContainsFunc(t.state.History, func(old Epoch) bool { return old.Top1 >= e.Top1 })
	}
	if e.Best {
		t.kept, t.bestDue = t.best().Clone(), true
	}
	e.Seconds = t.clock.lap()
	t.state = state{Step: t.state.Step, History: append(t.state.History, e)}
	if t.cfg.Dir != "" {
		t.saveOrWarn()
		t.warn(t.record(e))
	}
	if t.cfg.OnEpoch != nil {
		t.cfg.OnEpoch(e)
	}
	return nil
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

// saveOrWarn saves. A full disk is no reason to stop: what was saved before is
// still there, and there will be another time.
func (t *Trainer) saveOrWarn() {
	t.saved = time.Now()
	if t.cfg.Dir != "" {
		t.warn(t.save())
	}
}

// report tells OnStep of the step just made.
func (t *Trainer) report() {
	t.clock.step(t)
	if t.cfg.OnStep == nil {
		return
	}
	s := &t.state
	p := Progress{
		Epoch: t.epoch(), Epochs: t.cfg.Recipe.Epochs,
		Step: s.Step - t.epoch()*t.stepsPerEpoch(), Steps: t.stepsPerEpoch(),
		Loss: s.Loss / float64(s.Images), Top1: float64(s.Correct) / float64(s.Images),
		LR: t.rate(s.Step - 1), Rate: t.clock.rate(), Elapsed: time.Since(t.clock.start), Left: t.clock.left(t),
	}
	t.cfg.OnStep(p)
}
