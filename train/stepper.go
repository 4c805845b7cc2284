package train

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/par"
	"github.com/mixnet-go/mixnet/internal/rng"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/train/classify"
	"github.com/mixnet-go/mixnet/train/optim"
	"github.com/mixnet-go/mixnet/train/task"
)

// StepConfig says what a Stepper trains, and how.
type StepConfig struct {
	// Graph is the network, and Values its parameters, which are trained in
	// place.
	Graph  *graph.Graph
	Values graph.Values[float32]
	// Recipe is how: its optimizer, parts of a batch, seed, image sizes, frozen
	// layers, batch norm and moving average. Its schedule, data and length are
	// not the stepper's.
	Recipe recipe.Recipe
	// Task is what for; nil means classification as the recipe has it, without
	// Balance.
	Task task.Task
	// Shape is that of the largest part of a batch, at the network's own size.
	Shape tensor.Shape
	// Threads is the number of threads that compute; 0 means GOMAXPROCS, or
	// those of Memory.
	Threads int
	// Memory is shared with other networks that take turns; nil for none.
	Memory *autodiff.Memory
	// Optimizers move the parameters, each those that it names, one after the
	// other; nil means the recipe's for all. Frozen ones are never moved.
	Optimizers []Group
	// Ranks are the processes that share every step; nil for this one alone. Each
	// computes an equal number of the parts of a batch, Recipe.Accumulate in all:
	// rank 0 the first ones, and so on. Parameters, running statistics and train
	// metrics are those of one process that computes all parts, to the bit.
	Ranks Ranks
}

// Group is an optimizer and what it moves.
type Group struct {
	Optimizer recipe.Optimizer
	// Moves reports whether it moves a parameter; nil means all.
	Moves func(graph.ParamID) bool
	// Rate multiplies the rate of a step; 0 means 1.
	Rate float64
}

// Stepper makes training steps: it holds a network's parameters, their
// gradients, the optimizers and the moving average. A Trainer is a stepper with
// data, a schedule and a record; a loop of one's own takes the stepper alone.
//
// A step is one call of Accumulate for every part of a batch, always in the
// same order, and one of Update. The gradients of every part are computed by
// themselves and added up as wholes, so that it does not matter to the last bit
// where a part is computed. A Stepper serves one goroutine.
type Stepper struct {
	cfg    StepConfig
	memory *autodiff.Memory
	main   *View
	frozen func(graph.ParamID) bool
	moved  []group
	ema    graph.Values[float32] // nil for none
	steps  int
	parts  parts     // of the next step
	sums   []float64 // by the task's train metrics
	images int       // that sums are of
}

// group is a Group at work.
type group struct {
	*optim.Optimizer[float32]
	rate float64
}

// ErrDiverged is wrapped by the error of a run whose loss is no longer a
// number.
var ErrDiverged = errors.New("training diverged")

// NewStepper plans the network and its optimizers.
func NewStepper(cfg StepConfig) (*Stepper, error) {
	if cfg.Graph == nil {
		return nil, errors.New("train: no network")
	}
	var err error
	if cfg.Recipe, err = cfg.Recipe.Complete(0); err != nil {
		return nil, err
	}
	return newStepper(cfg)
}

// newStepper is NewStepper for a complete recipe.
func newStepper(cfg StepConfig) (*Stepper, error) {
	r := &cfg.Recipe
	r.Accumulate = max(r.Accumulate, 1)
	if cfg.Task == nil {
		cfg.Task = &classify.Task{Smoothing: r.Smoothing}
	}
	s := &Stepper{cfg: cfg, memory: cfg.Memory, sums: make([]float64, len(cfg.Task.Metrics().Train))}
	if s.memory == nil {
		s.memory = autodiff.NewMemory(cfg.Threads)
	}
	g := withNormMomentum(cfg.Graph, r.NormMomentum)
	var err error
	if s.frozen, err = frozenParams(g, r); err != nil {
		return nil, err
	}
	if s.main, err = s.view(g, cfg.Values, graph.NewValues[float32](g), s.frozen, true); err != nil {
		return nil, err
	}
	if err := s.planParts(); err != nil {
		return nil, err
	}
	if r.EMA > 0 {
		s.ema = cfg.Values.Clone()
	}
	return s, s.addOptimizers(g)
}

// Close ends the stepper's threads, unless its memory is shared. It is optional:
// what is no longer used is cleaned up.
func (s *Stepper) Close() {
	if s.cfg.Memory == nil {
		s.memory.Close()
	}
}

// view plans g in the stepper's memory.
func (s *Stepper) view(g *graph.Graph, values, grads graph.Values[float32], frozen func(graph.ParamID) bool, holdNorms bool) (*View, error) {
	return newView(g, values, grads, s.cfg.Shape, s.cfg.Recipe.Sizes.Shapes(), autodiff.Options{
		Memory: s.memory, Frozen: frozen, FixedNorms: s.cfg.Recipe.FixedNorm, HoldNorms: holdNorms,
		BFloat16: s.cfg.Recipe.Precision == recipe.BFloat16,
	})
}

// planParts prepares for the parts of a batch.
func (s *Stepper) planParts() error {
	p, all := newPeers(s.cfg.Ranks), s.cfg.Recipe.Accumulate
	shared, err := newExchange(p, all)
	if err != nil {
		return err
	}
	s.parts = parts{first: p.rank() * all / p.count(), shared: shared, metrics: len(s.sums), moments: s.main.any().NormMoments()}
	return nil
}

func (s *Stepper) addOptimizers(g *graph.Graph) error {
	groups := s.cfg.Optimizers
	if groups == nil {
		groups = []Group{{Optimizer: s.cfg.Recipe.Optimizer}}
	}
	for _, c := range groups {
		moves := func(p graph.ParamID) bool { return !s.frozen(p) && (c.Moves == nil || c.Moves(p)) }
		o, err := optim.New[float32](c.Optimizer, g, moves)
		if err != nil {
			return fmt.Errorf("train: %w", err)
		}
		if c.Rate == 0 {
			c.Rate = 1
		}
		s.moved = append(s.moved, group{o, c.Rate})
	}
	return nil
}

// View plans another graph for Accumulate, in the stepper's memory: values and
// grads, by its own parameters, are parts of the stepper's Values and Grads
// wherever the two share them. Frozen is as in autodiff.Options. Its running
// statistics move with every part. Ranks share steps of the stepper's own graph
// only.
func (s *Stepper) View(g *graph.Graph, values, grads graph.Values[float32], frozen func(graph.ParamID) bool) (*View, error) {
	return s.view(withNormMomentum(g, s.cfg.Recipe.NormMomentum), values, grads, frozen, false)
}

// Main returns the view of the stepper's own graph.
func (s *Stepper) Main() *View { return s.main }

// Values returns the parameters.
func (s *Stepper) Values() graph.Values[float32] { return s.main.values }

// Grads returns the gradients: those of the last part, and after Update those of
// the batch.
func (s *Stepper) Grads() graph.Values[float32] { return s.main.grads }

// Result returns the parameters to use: their moving average if there is one.
func (s *Stepper) Result() graph.Values[float32] {
	if s.ema != nil {
		return s.ema
	}
	return s.main.values
}

// Steps returns how often Update was called.
func (s *Stepper) Steps() int { return s.steps }

// Threads returns the number of threads that compute.
func (s *Stepper) Threads() int { return s.pool().Threads() }

func (s *Stepper) pool() *par.Pool { return s.memory.Pool() }

// Accumulate runs a part of a batch through v, nil for the stepper's own
// graph, and keeps its gradients. The batch's Step determines what dropout
// draws.
func (s *Stepper) Accumulate(v *View, b *data.Batch) error {
	if v == nil {
		v = s.main
	}
	if s.parts.shared != nil && v != s.main {
		return errors.New("train: several processes share steps of one graph only")
	}
	if s.parts.count > 0 {
		s.parts.putBy(s.main.grads)
	}
	for _, g := range s.main.grads {
		clear(g)
	}
	net, err := v.of(b.Images.Shape)
	if err != nil {
		return err
	}
	if err := net.Train(&b.Images, v.values, rng.Step(s.cfg.Recipe.Seed, b.Step)); err != nil {
		return err
	}
	n := b.Images.Shape.N
	r := s.parts.next()
	r.about[0] = float64(n)
	if v == s.main {
		r.about[1] = 1
		net.AppendMoments(r.moments[:0])
	}
	scale := 1 / float64(n*s.cfg.Recipe.Accumulate)
	if err := s.cfg.Task.Loss(b, v.read(net, n, true), scale, r.sums); err != nil {
		return err
	}
	if loss := r.sums[0]; math.IsNaN(loss) || math.IsInf(loss, 0) {
		return fmt.Errorf("%w: the loss is %g in step %d: lower the learning rate", ErrDiverged, loss, s.steps+1)
	}
	return net.Backward(v.dOut, v.values, v.grads)
}

// Update ends a step: it moves the parameters by their gradients at the given
// rate, the running statistics by what batch norm saw of the parts, in their
// order, and the average.
func (s *Stepper) Update(rate float64) error {
	if err := s.settle(); err != nil {
		return fmt.Errorf("train: step %d: %w", s.steps+1, err)
	}
	for _, m := range s.moved {
		m.Step(s.pool(), s.main.values, s.main.grads, s.steps, rate*m.rate)
	}
	s.steps++
	if s.ema != nil {
		optim.Average(s.pool(), s.ema, s.main.values, optim.AverageDecay(s.cfg.Recipe.EMA, s.steps))
	}
	return nil
}

// settle gathers the parts of a batch from all ranks: their gradients, metrics
// and the moments of batch norm.
func (s *Stepper) settle() error {
	p := &s.parts
	records := p.records
	if e := p.shared; e != nil {
		var err error
		if want := s.cfg.Recipe.Accumulate / e.Size(); p.count != want {
			err = fmt.Errorf("rank %d has computed %d parts of the batch, its share is %d", e.Rank(), p.count, want)
		}
		if err = e.meet(atStep, s.steps, err); err != nil {
			return err
		}
		if records, err = e.gatherNumbers(records); err != nil {
			return err
		}
	}
	if p.count > 0 {
		if err := p.total(s.main.grads); err != nil {
			return err
		}
	}
	for i := range len(records) / p.width() {
		r := p.record(records, i)
		s.images += r.addTo(s.sums)
		if r.about[1] == 0 {
			continue
		}
		if err := s.main.any().MoveNorms(s.main.values, r.moments); err != nil {
			return err
		}
	}
	p.reset()
	return nil
}

// fail tells the other ranks of an error that keeps this one from going on.
func (s *Stepper) fail(err error) error {
	if s.parts.shared == nil {
		return err
	}
	return s.parts.shared.meet(atStep, s.steps, err)
}

// Step is a whole step on one batch at the given rate. It returns the mean loss
// of the batch.
func (s *Stepper) Step(b *data.Batch, rate float64) (float64, error) {
	s.Reset()
	if err := s.Accumulate(nil, b); err != nil {
		return 0, err
	}
	err := s.Update(rate)
	return s.Means()[0].Value, err
}

// Means returns the train metrics over the images since the last Reset. Those of
// a batch's parts that other ranks have computed count from Update on.
func (s *Stepper) Means() []Metric {
	images, sums := s.images, slices.Clone(s.sums)
	for i := range s.parts.count {
		images += s.parts.record(s.parts.records, i).addTo(sums)
	}
	means := make([]Metric, len(sums))
	for i, name := range s.cfg.Task.Metrics().Train {
		means[i] = Metric{trainKey(name), sums[i] / float64(max(images, 1))}
	}
	return means
}

// Reset begins new means.
func (s *Stepper) Reset() {
	for i := range s.parts.count {
		r := s.parts.record(s.parts.records, i)
		r.about[0] = 0
		clear(r.sums)
	}
	clear(s.sums)
	s.images = 0
}

// slots returns what the optimizers keep, each under a name of its own.
func (s *Stepper) slots() []optim.Slot[float32] {
	var all []optim.Slot[float32]
	for i, m := range s.moved {
		for _, slot := range m.Slots() {
			if i > 0 {
				slot.Name = fmt.Sprintf("%s.%d", slot.Name, i)
			}
			all = append(all, slot)
		}
	}
	return slices.Clip(all)
}
