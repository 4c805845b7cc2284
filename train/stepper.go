package train

import (
	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/tensor"
)

// Stepper makes training steps on batches that it is given, outside a run: to
// measure them, or for a loop of one's own.
type Stepper struct{ t *Trainer }

// NewStepper prepares steps on batches of up to the given shape. The recipe's
// optimizer, smoothing and moving average are used, and the schedule's peak
// rate for every step. The model's parameters are trained in place. Threads is
// as in Config.
func NewStepper(m *model.Model, r recipe.Recipe, in tensor.Shape, threads int) (*Stepper, error) {
	r.Batch, r.Accumulate = in.N, 1
	r, err := r.Complete(in.N)
	if err != nil {
		return nil, err
	}
	t := &Trainer{cfg: Config{Model: m, Recipe: r}, memory: autodiff.NewMemory(threads), graph: m.Graph, losses: m.Graph.Losses(), values: m.Values}
	if err := t.prepare(in); err != nil {
		return nil, err
	}
	return &Stepper{t}, nil
}

// Step makes one step and returns the mean loss of the batch.
func (s *Stepper) Step(b *data.Batch) (float64, error) {
	before, images := s.t.state.Loss, s.t.state.Images
	if err := s.t.accumulate(b, 0); err != nil {
		return 0, err
	}
	s.t.step(s.t.cfg.Recipe.Schedule.LR)
	return (s.t.state.Loss - before) / float64(s.t.state.Images-images), nil
}
