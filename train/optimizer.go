package train

import (
	"math"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/par"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/tensor"
)

// slot is a value that an optimizer keeps for every trained parameter.
type slot[T tensor.Float] struct {
	name   string
	values graph.Values[T] // nil where a parameter is not trained
}

// updater is an Optimizer at work on one network.
type updater[T tensor.Float] struct {
	cfg    recipe.Optimizer
	slots  []slot[T]
	decays []bool  // by parameter
	pieces []piece // of all trained parameters
	norms  []float64
	muon   muon[T]
}

// piece is a part of a parameter that is updated at once, unless it belongs to
// a matrix, which is updated as a whole.
type piece struct {
	param, from, to int
	ofMatrix        bool
}

const (
	pieceLen   = 16 << 10
	besideMuon = 0.9 // β1 of AdamW
)

// newUpdater returns an updater for the parameters of g that train says are
// trained.
func newUpdater[T tensor.Float](cfg recipe.Optimizer, g *graph.Graph, train func(graph.ParamID) bool) *updater[T] {
	u := &updater[T]{cfg: cfg.WithDefaults()}
	switch u.cfg.Kind {
	case recipe.RMSProp:
		u.slots = []slot[T]{{name: "square"}, {name: "momentum"}}
	case recipe.SGD:
		u.slots = []slot[T]{{name: "momentum"}}
	case recipe.AdamW, recipe.Muon:
		u.slots = []slot[T]{{name: "mean"}, {name: "square"}}
	}
	for i := range u.slots {
		u.slots[i].values = make(graph.Values[T], len(g.Params))
	}
	for i, p := range g.Params {
		u.decays = append(u.decays, p.Decays())
		if !p.Trainable() || !train(graph.ParamID(i)) {
			continue
		}
		m, ok := matrixOf(i, p)
		orthogonal := ok && u.cfg.Kind == recipe.Muon
		if orthogonal {
			u.muon.matrices = append(u.muon.matrices, m)
		}
		for j := range u.slots {
			if orthogonal && u.slots[j].name != "mean" {
				continue
			}
			v := make([]T, p.Len())
			if u.cfg.Kind == recipe.RMSProp && u.slots[j].name == "square" {
				for k := range v {
					v[k] = 1
				}
			}
			u.slots[j].values[i] = v
		}
		for from := 0; from < p.Len(); from += pieceLen {
			u.pieces = append(u.pieces, piece{i, from, min(from+pieceLen, p.Len()), orthogonal})
		}
	}
	u.muon.sort()
	u.norms = make([]float64, len(u.pieces))
	return u
}

// update moves params against grads, which it overwrites. step counts the
// updates before this one.
func (u *updater[T]) update(pool *par.Pool, params, grads graph.Values[T], step int, lr float64) {
	scale := u.clip(pool, grads)
	if len(u.muon.matrices) > 0 {
		u.muon.update(pool, u.cfg, params, grads, u.slots[0].values, scale, lr)
	}
	u.each(pool, func(i int, p piece) {
		if p.ofMatrix {
			return
		}
		w, g := params[p.param][p.from:p.to], grads[p.param][p.from:p.to]
		decay := 0.0
		if u.decays[p.param] {
			decay = u.cfg.WeightDecay
		}
		if scale != 1 {
			for j := range g {
				g[j] *= T(scale)
			}
		}
		at := func(slot int) []T { return u.slots[slot].values[p.param][p.from:p.to] }
		switch u.cfg.Kind {
		case recipe.RMSProp:
			kernel.RMSProp(w, g, at(0), at(1), T(decay), T(1-u.cfg.Decay), T(u.cfg.Momentum), T(u.cfg.Eps), T(lr))
		case recipe.SGD:
			kernel.Nesterov(w, g, at(0), T(decay), T(u.cfg.Momentum), T(lr))
		case recipe.AdamW:
			u.adamw(w, g, at(0), at(1), decay, lr, u.cfg.Momentum, step)
		case recipe.Muon:
			u.adamw(w, g, at(0), at(1), decay, lr, besideMuon, step)
		}
	})
}

func (u *updater[T]) each(pool *par.Pool, f func(i int, p piece)) {
	parts := min(pool.Threads(), len(u.pieces))
	pool.Run(parts, func(part int) {
		from, to := par.Split(len(u.pieces), parts, part)
		for i := from; i < to; i++ {
			f(i, u.pieces[i])
		}
	})
}

// clip returns the factor that brings the norm of all gradients to its bound,
// as torch.nn.utils.clip_grad_norm_ does.
func (u *updater[T]) clip(pool *par.Pool, grads graph.Values[T]) float64 {
	if u.cfg.Clip == 0 {
		return 1
	}
	u.each(pool, func(i int, p piece) {
		sum := 0.0
		for _, g := range grads[p.param][p.from:p.to] {
			sum += float64(g) * float64(g)
		}
		u.norms[i] = sum
	})
	total := 0.0
	for _, n := range u.norms {
		total += n
	}
	return min(u.cfg.Clip/(math.Sqrt(total)+1e-6), 1)
}

// adamw is that of Loshchilov and Hutter, as in PyTorch.
func (u *updater[T]) adamw(w, g, mean, square []T, decay, lr, b1 float64, step int) {
	t := float64(step + 1)
	b2 := u.cfg.Decay
	rate := T(lr / (1 - math.Pow(b1, t)))
	root := T(1 / math.Sqrt(1-math.Pow(b2, t)))
	kernel.AdamW(w, g, mean, square, T(1-lr*decay), T(1-b1), T(1-b2), rate, root, T(u.cfg.Eps))
}
