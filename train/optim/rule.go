package optim

import (
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/tensor"
)

// rule is a way to move parameters.
type rule[T tensor.Float] struct {
	// slots are what it keeps, at most maxSlots.
	slots []slotKind
	// move moves a part of a parameter.
	move func(cfg *recipe.Optimizer, p *part[T])
	// matrix, if not nil, sets a matrix's gradient to the direction in which it
	// is moved instead; scratch has matrix.scratchLen values.
	matrix func(cfg *recipe.Optimizer, m matrix, move, grad, slot, scratch []T)
}

// slotKind describes a slot.
type slotKind struct {
	name     string
	start    float64
	ofMatrix bool // matrices have it too; the first alone can be one
}

const maxSlots = 2

// part is a part of a parameter that is moved.
type part[T tensor.Float] struct {
	w, g  []T
	slots [maxSlots][]T
	decay float64 // weight decay; 0 where there is to be none
	lr    float64
	step  int // steps before this one
}

// rules are those of the kinds that package recipe knows.
func rules[T tensor.Float]() map[recipe.OptimizerKind]rule[T] {
	return map[recipe.OptimizerKind]rule[T]{
		recipe.RMSProp: rmsprop[T](),
		recipe.SGD:     sgd[T](),
		recipe.AdamW:   adamw[T](),
		recipe.Muon:    muon[T](),
	}
}
