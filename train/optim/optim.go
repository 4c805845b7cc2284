// Package optim moves parameters against their gradients. Each rule has a file
// of its own; package recipe describes them and holds their usual values.
package optim

import (
	"fmt"
	"math"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/par"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/tensor"
)

// Slot is a value that a rule keeps for every parameter that it moves.
type Slot[T tensor.Float] struct {
	Name   string
	Values graph.Values[T] // nil for parameters that it does not move
}

// Optimizer is a recipe's optimizer at work on parameters of one network.
type Optimizer[T tensor.Float] struct {
	cfg    recipe.Optimizer
	rule   rule[T]
	slots  []Slot[T]
	decays []bool    // by parameter
	scales []float64 // of the rate, by parameter
	pieces []piece   // of all parameters that are moved
	norms  []float64
	whole  matrices[T] // those that the rule moves as matrices
}

// piece is a part of a parameter that is moved at once, unless it belongs to a
// matrix, which is moved as a whole.
type piece struct {
	param, from, to int
	ofMatrix        bool
}

const pieceLen = 16 << 10

// New returns an optimizer for the parameters of g for which moves reports
// true. Running statistics are never among them.
func New[T tensor.Float](cfg recipe.Optimizer, g *graph.Graph, moves func(graph.ParamID) bool) (*Optimizer[T], error) {
	o := &Optimizer[T]{cfg: cfg.WithDefaults()}
	var ok bool
	if o.rule, ok = rules[T]()[o.cfg.Kind]; !ok {
		return nil, fmt.Errorf("optimizer %q: there is no such rule", o.cfg.Kind)
	}
	var err error
	if o.scales, err = layerScales(g, o.cfg.LayerDecay); err != nil {
		return nil, err
	}
	for _, s := range o.rule.slots {
		o.slots = append(o.slots, Slot[T]{s.name, make(graph.Values[T], len(g.Params))})
	}
	for i, p := range g.Params {
		o.decays = append(o.decays, p.Decays())
		if p.Trainable() && moves(graph.ParamID(i)) {
			o.add(i, p)
		}
	}
	o.whole.rule = o.rule
	o.whole.sort()
	o.norms = make([]float64, len(o.pieces))
	return o, nil
}

// add makes the parameter i one that is moved.
func (o *Optimizer[T]) add(i int, p graph.Param) {
	m, ok := matrixOf(i, p)
	ok = ok && o.rule.matrix != nil
	if ok {
		m.scale = o.scales[i]
		o.whole.list = append(o.whole.list, m)
	}
	for j, s := range o.rule.slots {
		if ok && !s.ofMatrix {
			continue
		}
		v := make([]T, p.Len())
		if s.start != 0 {
			for k := range v {
				v[k] = T(s.start)
			}
		}
		o.slots[j].Values[i] = v
	}
	for from := 0; from < p.Len(); from += pieceLen {
		o.pieces = append(o.pieces, piece{i, from, min(from+pieceLen, p.Len()), ok})
	}
}

// Slots returns what the optimizer has to be given back to go on as it was. The
// values are its own.
func (o *Optimizer[T]) Slots() []Slot[T] { return o.slots }

// Step moves params against grads, which it overwrites, at the rate lr. step
// counts the steps before this one. The work is shared by the threads of pool;
// the result does not depend on their number.
func (o *Optimizer[T]) Step(pool *par.Pool, params, grads graph.Values[T], step int, lr float64) {
	scale := o.clip(pool, grads)
	if len(o.whole.list) > 0 {
		o.whole.move(pool, &o.cfg, params, grads, o.slots[0].Values, scale, lr)
	}
	o.each(pool, func(_ int, p piece) {
		if p.ofMatrix {
			return
		}
		at := part[T]{w: params[p.param][p.from:p.to], g: grads[p.param][p.from:p.to], lr: lr * o.scales[p.param], step: step}
		if o.decays[p.param] {
			at.decay = o.cfg.WeightDecay
		}
		if scale != 1 {
			multiply(at.g, T(scale))
		}
		for i := range o.slots {
			at.slots[i] = o.slots[i].Values[p.param][p.from:p.to]
		}
		o.rule.move(&o.cfg, &at)
	})
}

func (o *Optimizer[T]) each(pool *par.Pool, f func(i int, p piece)) {
	parts := min(pool.Threads(), len(o.pieces))
	pool.Run(parts, func(part int) {
		from, to := par.Split(len(o.pieces), parts, part)
		for i := from; i < to; i++ {
			f(i, o.pieces[i])
		}
	})
}

// clip returns the factor that brings the norm of all gradients to its bound,
// as torch.nn.utils.clip_grad_norm_ does.
func (o *Optimizer[T]) clip(pool *par.Pool, grads graph.Values[T]) float64 {
	if o.cfg.Clip == 0 {
		return 1
	}
	o.each(pool, func(i int, p piece) {
		sum := 0.0
		for _, g := range grads[p.param][p.from:p.to] {
			sum += float64(g) * float64(g)
		}
		o.norms[i] = sum
	})
	total := 0.0
	for _, n := range o.norms {
		total += n
	}
	return min(o.cfg.Clip/(math.Sqrt(total)+1e-6), 1)
}
