package train

import (
	"errors"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/weights"
)

// Tensors returns what a stepper goes on from, for a file: the parameters under
// their names, their moving average and what the optimizers keep under names of
// their own. The values are the stepper's, not copies.
func (s *Stepper) Tensors() []weights.Tensor {
	var all []weights.Tensor
	s.eachState(func(prefix string, values graph.Values[float32]) {
		for i, p := range s.main.graph.Params {
			if values[i] != nil {
				all = append(all, weights.NewTensor(prefix+p.Name, p.Shape, values[i]))
			}
		}
	})
	return all
}

// Restore reads what Tensors returned after a number of steps, which is then
// that of Steps.
func (s *Stepper) Restore(f *weights.File, steps int) error {
	var all []error
	s.eachState(func(prefix string, values graph.Values[float32]) {
		for i, p := range s.main.graph.Params {
			if values[i] != nil {
				all = append(all, f.Read(prefix+p.Name, values[i]))
			}
		}
	})
	s.steps = steps
	s.parts.reset()
	return errors.Join(all...)
}

// eachState calls f for all that a stepper keeps from step to step.
func (s *Stepper) eachState(f func(prefix string, values graph.Values[float32])) {
	f("", s.Values())
	if s.ema != nil {
		f(averagePrefix, s.ema)
	}
	for _, slot := range s.slots() {
		f(slotPrefix+slot.Name+"/", slot.Values)
	}
}

// averagePrefix precedes the names of the moving average in Stepper.Tensors.
const averagePrefix = "train/average/"
