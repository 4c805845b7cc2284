package optim

import (
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/tensor"
)

// rmsprop is TensorFlow's: the root is taken of the mean square plus epsilon,
// the mean square starts at 1, and the rate is part of the momentum.
func rmsprop[T tensor.Float]() rule[T] {
	return rule[T]{
		slots: []slotKind{{name: "square", start: 1}, {name: "momentum"}},
		move: func(cfg *recipe.Optimizer, p *part[T]) {
			kernel.RMSProp(p.w, p.g, p.slots[0], p.slots[1], T(p.decay), T(1-cfg.Decay), T(cfg.Momentum), T(cfg.Eps), T(p.lr))
		},
	}
}
