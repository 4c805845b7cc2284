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
	// Reduce, if not nil, is called with the gradients of a step before they are
	// used: to add up those of several machines, each of which computes some of
	// the parts of a batch, Recipe.Accumulate in all. The gradients of a part are
	// then computed by themselves and added up as wholes, so that it does not
	// matter to the last bit where they were computed. Running statistics are not
	// among them: each machine keeps its own.
	Reduce func(grads graph.Values[float32]) error
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
// same order, and one of Update. A Stepper serves one goroutine.
type Stepper struct {
	cfg    StepConfig
	memory *autodiff.Memory
	main   *View
	frozen func(graph.ParamID) bool
	moved  []group
	ema    graph.Values[float32] // nil for none
	steps  int
	dirty  bool                  // the gradients hold a part of a batch
	total  graph.Values[float32] // of the parts before, for Reduce
	sums   []float64             // by the task's train metrics
	images int                   // that sums are of
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
	if s.main, err = s.view(g, cfg.Values, graph.NewValues[float32](g), s.frozen); err != nil {
		return nil, err
	}
	if r.EMA > 0 {
		s.ema = cfg.Values.Clone()
	}
	if cfg.Reduce != nil {
		s.total = graph.NewValues[float32](g)
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
func (s *Stepper) view(g *graph.Graph, values, grads graph.Values[float32], frozen func(graph.ParamID) bool) (*View, error) {
	return newView(g, values, grads, s.cfg.Shape, s.cfg.Recipe.Sizes.Shapes(), autodiff.Options{
		Memory: s.memory, Frozen: frozen, FixedNorms: s.cfg.Recipe.FixedNorm,
	})
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
// wherever the two share them. Frozen is as in autodiff.Options.
func (s *Stepper) View(g *graph.Graph, values, grads graph.Values[float32], frozen func(graph.ParamID) bool) (*View, error) {
	return s.view(withNormMomentum(g, s.cfg.Recipe.NormMomentum), values, grads, frozen)
}

// Main returns the view of the stepper's own graph.
func (s *Stepper) Main() *View { return s.main }

// Values returns the parameters.
func (s *Stepper) Values() graph.Values[float32] { return s.main.values }

// Grads returns the gradients that the parts of a batch are added to.
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
// graph, and adds its gradients. The batch's Step determines what dropout
// draws.
func (s *Stepper) Accumulate(v *View, b *data.Batch) error {
	if v == nil {
		v = s.main
	}
	first := !s.dirty
	if first || s.total != nil {
		for _, g := range s.main.grads {
			clear(g)
		}
	}
	s.dirty = true
	net, err := v.of(b.Images.Shape)
	if err != nil {
		return err
	}
	if err := net.Train(&b.Images, v.values, rng.Step(s.cfg.Recipe.Seed, b.Step)); err != nil {
		return err
	}
	n := b.Images.Shape.N
	scale := 1 / float64(n*s.cfg.Recipe.Accumulate)
	if err := s.cfg.Task.Loss(b, v.read(net, n, true), scale, s.sums); err != nil {
		return err
	}
	s.images += n
	if loss := s.sums[0]; math.IsNaN(loss) || math.IsInf(loss, 0) {
		return fmt.Errorf("%w: the loss is %g in step %d: lower the learning rate", ErrDiverged, loss, s.steps+1)
	}
	if err := net.Backward(v.dOut, v.values, v.grads); err != nil {
		return err
	}
	s.collect(first)
	return nil
}

// collect adds the gradients of a part to those of the parts before it, where
// they are kept apart.
func (s *Stepper) collect(first bool) {
	for i, sum := range s.total {
		if first {
			clear(sum)
		}
		for j, g := range s.main.grads[i] {
			sum[j] += g
		}
	}
}

// Update ends a step: it moves the parameters by their gradients at the given
// rate, and their average.
func (s *Stepper) Update(rate float64) error {
	if s.cfg.Reduce != nil {
		for i, sum := range s.total {
			copy(s.main.grads[i], sum)
		}
		if err := s.cfg.Reduce(s.main.grads); err != nil {
			return fmt.Errorf("train: gradients of step %d: %w", s.steps+1, err)
		}
	}
	for _, m := range s.moved {
		m.Step(s.pool(), s.main.values, s.main.grads, s.steps, rate*m.rate)
	}
	s.steps++
	s.dirty = false
	if s.ema != nil {
		optim.Average(s.pool(), s.ema, s.main.values, optim.AverageDecay(s.cfg.Recipe.EMA, s.steps))
	}
	return nil
}

// Step is a whole step on one batch at the given rate. It returns the mean loss
// of the batch.
func (s *Stepper) Step(b *data.Batch, rate float64) (float64, error) {
	s.Reset()
	if err := s.Accumulate(nil, b); err != nil {
		return 0, err
	}
	return s.Means()[0].Value, s.Update(rate)
}

// Means returns the train metrics over the images since the last Reset.
func (s *Stepper) Means() []Metric {
	means := make([]Metric, len(s.sums))
	for i, name := range s.cfg.Task.Metrics().Train {
		means[i] = Metric{trainKey(name), s.sums[i] / float64(max(s.images, 1))}
	}
	return means
}

// Reset begins new means.
func (s *Stepper) Reset() {
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
