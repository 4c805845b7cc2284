package optim

import (
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/tensor"
)

// sgd is stochastic gradient descent with Nesterov's momentum, as in PyTorch.
func sgd[T tensor.Float]() rule[T] {
	return rule[T]{
		slots: []slotKind{{name: "momentum"}},
		move: func(cfg *recipe.Optimizer, p *part[T]) {
			kernel.Nesterov(p.w, p.g, p.slots[0], T(p.decay), T(cfg.Momentum), T(p.lr))
		},
	}
}
