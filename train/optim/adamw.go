package optim

import (
	"math"

	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/tensor"
)

// adamw is that of Loshchilov and Hutter, as in PyTorch.
func adamw[T tensor.Float]() rule[T] {
	return rule[T]{
		slots: []slotKind{{name: "mean"}, {name: "square"}},
		move:  func(cfg *recipe.Optimizer, p *part[T]) { moveAdamW(cfg, cfg.Momentum, p) },
	}
}

func moveAdamW[T tensor.Float](cfg *recipe.Optimizer, b1 float64, p *part[T]) {
	t := float64(p.step + 1)
	b2 := cfg.Decay
	rate := T(p.lr / (1 - math.Pow(b1, t)))
	root := T(1 / math.Sqrt(1-math.Pow(b2, t)))
	kernel.AdamW(p.w, p.g, p.slots[0], p.slots[1], T(1-p.lr*p.decay), T(1-b1), T(1-b2), rate, root, T(cfg.Eps))
}
