package command

import (
	"errors"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/train"
)

type benchTrainCmd struct {
	benchNetwork
	benchTime
	Precision recipe.Precision `default:"float32" enum:"float32,bf16" placeholder:"P" help:"What layers multiply in: float32 or bf16. Default: float32."`
}

func (c *benchTrainCmd) Run(e *env) error {
	j, err := c.job(e)
	if err != nil {
		return err
	}
	return c.time(e, j, c.Batch)
}

// job is a training step on a fixed batch: forward, backward and RMSProp
// as in the paper's recipe.
func (c *benchTrainCmd) job(e *env) (*job, error) {
	m, err := c.model()
	if err != nil {
		return nil, err
	}
	if err := checkClassifies(m.Header); err != nil {
		return nil, err
	}
	shape, err := c.shape(m.Preprocess(), m.Graph)
	if err != nil {
		return nil, err
	}
	x := tensor.New[float32](shape)
	if err := c.fill(x); err != nil {
		return nil, err
	}
	b := &data.Batch{Images: *x, Labels: make([]int, c.Batch)}
	for i := range b.Labels {
		b.Labels[i] = (7*i + 3) % m.Graph.Classes()
	}
	r, err := recipe.Preset("mixnet")
	if err != nil {
		return nil, err
	}
	r.EMA, r.Precision = 0, c.Precision
	r.Schedule.LR, r.Fit = 1e-4, recipe.Fit{}
	s, err := train.NewStepper(train.StepConfig{Graph: m.Graph, Values: m.Values, Recipe: r, Shape: shape, Threads: e.cores()})
	if err != nil {
		return nil, err
	}
	j := &job{name: m.Network, x: x, threads: e.cores(), images: c.Batch, precision: string(c.Precision), close: func() {}}
	forward, err := m.Graph.MACs(shape)
	j.macs = 3 * forward // the backward pass computes two gradients of every layer
	last := float32(0)
	j.out = func() []float32 { return []float32{last} }
	j.run = func() error {
		loss, err := s.Step(b, r.Schedule.LR)
		last = float32(loss)
		return errors.Join(err, e.ctx.Err())
	}
	return j, err
}
