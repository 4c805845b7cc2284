package supernet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/train/classify"
)

// Method is how the probabilities of options are learned from gradients.
type Method string

const (
	// Gumbel weighs all options of every block at once, by mixtures that come
	// closer and closer to one option (Wu et al., FBNet, 2019).
	Gumbel Method = "gumbel"
	// Paths takes two options of every block at a time, of which one is active
	// (Cai et al., ProxylessNAS, 2019).
	Paths Method = "paths"
)

// LearnConfig says how a policy is learned on a trained supernet. Its parameters
// stay as they are.
type LearnConfig struct {
	Net    *Net
	Method Method
	// Choose are the images that the policy is to do well on: others than the
	// supernet was trained on.
	Choose data.Dataset
	Steps  int     // 0 means 500
	Batch  int     // images of a step; 0 means 64
	Rate   float64 // of Adam, for the logits; 0 means 0.05
	// From and To are Gumbel's temperatures, falling exponentially; 0 means 5
	// and 0.5.
	From, To float64
	// Cost is what choices cost, of which the expectation times Weight is added
	// to the loss; nil for nothing.
	Cost   *nas.Additive
	Weight float64
	Seed   uint64
	// Memory is shared with other nets; nil for the run's own, with Threads.
	Memory  *autodiff.Memory
	Threads int
	// File keeps the state, so that an interrupted run goes on to the bit; ""
	// keeps nothing.
	File string
	// OnStep is told of the progress: the steps done and the mean loss of late.
	OnStep func(step int, loss float64)
}

// Learn learns a policy from gradients, or goes on with what File holds. When ctx
// is done, the state is saved and the error wraps ctx's.
func Learn(ctx context.Context, cfg LearnConfig) (*nas.Policy, error) {
	l, err := newLearner(cfg)
	if err != nil {
		return nil, fmt.Errorf("supernet: %w", err)
	}
	if l.own {
		defer l.memory.Close()
	}
	err = l.run(ctx)
	if cfg.File != "" && (err == nil || ctx.Err() != nil) {
		err = errors.Join(err, l.save())
	}
	return &nas.Policy{Logits: l.state.Logits}, err
}

// learner is a policy in learning.
type learner struct {
	LearnConfig
	loader *data.Loader
	memory *autodiff.Memory
	own    bool
	whole  *ready // of all options, for Gumbel
	state  learned
}

// ready is a mixed network that is planned.
type ready struct {
	mixed *Mixed
	net   *autodiff.Net[float32]
	plain graph.Values[float32] // its parameters without weights
	grads graph.Values[float32]
	out   []float32 // gradient of the logits
}

func newLearner(cfg LearnConfig) (*learner, error) {
	l := &learner{LearnConfig: cfg, memory: cfg.Memory}
	l.Steps, l.Batch, l.Rate = cmp.Or(cfg.Steps, 500), cmp.Or(cfg.Batch, 64), cmp.Or(cfg.Rate, 0.05)
	l.From, l.To = cmp.Or(cfg.From, 5), cmp.Or(cfg.To, 0.5)
	if cfg.Method != Gumbel && cfg.Method != Paths {
		return nil, fmt.Errorf("no method %q: want %s or %s", cfg.Method, Gumbel, Paths)
	}
	var err error
	if l.loader, err = data.NewLoader(cfg.Choose, data.Config{
		Preprocess: cfg.Net.Space.Base.Input, Batch: min(l.Batch, cfg.Choose.Len()), Shuffle: true, Remainder: data.DropRemainder, Seed: cfg.Seed, Workers: cfg.Threads,
	}); err != nil {
		return nil, err
	}
	if l.memory == nil {
		l.memory, l.own = autodiff.NewMemory(cfg.Threads), true
	}
	policy := nas.NewPolicy(cfg.Net.Space)
	l.state = learned{Method: cfg.Method, Seed: cfg.Seed, Steps: l.Steps, Logits: policy.Logits, First: zeros(policy), Second: zeros(policy)}
	for _, d := range policy.Logits {
		l.state.Options = append(l.state.Options, len(d))
	}
	if err := l.restore(); err != nil {
		return nil, err
	}
	if cfg.Method == Gumbel {
		l.whole, err = l.plan(nil)
	}
	return l, err
}

// zeros returns a value for every option.
func zeros(p *nas.Policy) nas.Mixture {
	z := make(nas.Mixture, len(p.Logits))
	for i, d := range p.Logits {
		z[i] = make([]float64, len(d))
	}
	return z
}

// plan makes a mixed network ready.
func (l *learner) plan(options [][]uint8) (*ready, error) {
	m, err := l.Net.Mixed(options)
	if err != nil {
		return nil, err
	}
	frozen := func(p graph.ParamID) bool { return m.Graph.Params[p].Trainable() && !m.gated(p) }
	net, err := autodiff.New[float32](m.Graph, l.loader.Shape(), autodiff.Options{Memory: l.memory, Frozen: frozen})
	if err != nil {
		return nil, err
	}
	r := &ready{mixed: m, net: net, plain: bind(&m.Path, l.Net.Values), grads: graph.NewValues[float32](m.Graph)}
	gather(&m.Path, r.plain, l.Net.Values)
	return r, nil
}

// slopes returns the loss of a mixture on a batch, and its gradient.
func (r *ready) slopes(b *data.Batch, z, slope nas.Mixture) (float64, error) {
	weighted := weigh(r.mixed, r.plain, z)
	if err := r.net.Train(&b.Images, weighted, 0); err != nil {
		return 0, err
	}
	n := len(b.Labels)
	r.out = append(r.out[:0], r.net.Output(0)...)
	loss, _ := classify.CrossEntropy(r.net.Output(0), classify.Targets{Labels: b.Labels}, 1/float64(n), r.out)
	for _, g := range r.grads {
		clear(g)
	}
	if err := r.net.Backward([][]float32{r.out}, weighted, r.grads); err != nil {
		return 0, err
	}
	slopes(r.mixed, r.plain, r.grads, slope)
	return loss / float64(n), nil
}

// Saving is no more often than this.
const learnSaveEvery = time.Minute

func (l *learner) run(ctx context.Context) error {
	saved := time.Now()
	for b, err := range l.loader.Batches(ctx, l.state.Step, l.Steps) {
		if err != nil {
			return fmt.Errorf("supernet: images to choose by: %w", err)
		}
		if err := l.step(b); err != nil {
			return fmt.Errorf("supernet: step %d: %w", l.state.Step+1, err)
		}
		if l.OnStep != nil {
			l.OnStep(l.state.Step, l.state.Loss)
		}
		if l.File != "" && time.Since(saved) > learnSaveEvery {
			if err := l.save(); err != nil {
				return err
			}
			saved = time.Now()
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// step moves the logits by the gradient on one batch.
func (l *learner) step(b *data.Batch) error {
	policy := &nas.Policy{Logits: l.state.Logits}
	rng := rand.New(rand.NewPCG(l.Seed, 1<<62|uint64(l.state.Step)))
	estimate := l.gumbel
	if l.Method == Paths {
		estimate = l.paths
	}
	grad := zeros(policy)
	loss, err := estimate(b, policy, rng, grad)
	if err != nil {
		return err
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return fmt.Errorf("the loss is %g", loss)
	}
	if l.Cost != nil {
		policy.ExpectedGradient(l.Cost, l.Weight, grad)
	}
	l.state.Step++
	l.adam(grad)
	keep := min(0.95, float64(l.state.Step-1)/float64(l.state.Step))
	l.state.Loss = keep*l.state.Loss + (1-keep)*loss
	return nil
}

// gumbel estimates the gradient by a mixture of all options.
func (l *learner) gumbel(b *data.Batch, policy *nas.Policy, rng *rand.Rand, grad nas.Mixture) (float64, error) {
	temperature := l.From * math.Pow(l.To/l.From, float64(l.state.Step)/float64(max(l.Steps-1, 1)))
	z, slope := policy.Relax(temperature, rng), zeros(policy)
	loss, err := l.whole.slopes(b, z, slope)
	if err == nil {
		policy.RelaxedGradient(z, slope, temperature, grad)
	}
	return loss, err
}

// paths estimates the gradient by an active option and a rival of every decision.
func (l *learner) paths(b *data.Batch, policy *nas.Policy, rng *rand.Rand, grad nas.Mixture) (float64, error) {
	active := policy.Draw(l.Net.Space, rng)
	z, slope := zeros(policy), zeros(policy)
	pairs := make([][]uint8, len(active))
	for d, o := range active {
		z[d][o] = 1
		pairs[d] = []uint8{o, policy.Rival(d, o, rng)}
	}
	two, err := l.plan(pairs)
	if err != nil {
		return 0, err
	}
	loss, err := two.slopes(b, z, slope)
	if err != nil {
		return 0, err
	}
	for d, p := range pairs {
		policy.PairGradient(d, p[0], p[1], slope[d][p[0]]-slope[d][p[1]], grad)
	}
	return loss, nil
}

// adam moves the logits (Kingma and Ba 2015), against the gradient.
func (l *learner) adam(grad nas.Mixture) {
	const first, second, eps = 0.5, 0.999, 1e-8 // as DARTS and FBNet move theirs
	n := float64(l.state.Step)
	for i, g := range grad {
		for j, v := range g {
			m, s := &l.state.First[i][j], &l.state.Second[i][j]
			*m = first**m + (1-first)*v
			*s = second**s + (1-second)*v*v
			mean, square := *m/(1-math.Pow(first, n)), *s/(1-math.Pow(second, n))
			l.state.Logits[i][j] -= l.Rate * mean / (math.Sqrt(square) + eps)
		}
	}
}
