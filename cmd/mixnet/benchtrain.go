package main

import (
	"errors"
	"fmt"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/train"
)

// trainJob is a training step on a fixed batch: forward, backward and RMSProp
// as in the paper's recipe.
func (c *benchCmd) trainJob(e *env) (*job, error) {
	m, err := c.model()
	if err != nil {
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
	r.EMA = 0
	r.Schedule.LR, r.Fit = 1e-4, recipe.Fit{}
	s, err := train.NewStepper(m, r, shape, e.cores())
	if err != nil {
		return nil, err
	}
	j := &job{name: m.Network, x: x, out: tensor.New[float32](tensor.Shape{N: 1, H: 1, W: 1, C: 1}), threads: e.cores(), images: c.Batch, close: func() {}}
	forward, err := m.Graph.MACs(shape)
	j.macs = 3 * forward // the backward pass computes two gradients of every layer
	j.run = func() error {
		loss, err := s.Step(b)
		j.out.Data[0] = float32(loss)
		return errors.Join(err, e.ctx.Err())
	}
	return j, err
}

// loadJob is one pass through a folder of images, read as the paper's training
// reads them.
func (c *benchCmd) loadJob(e *env) (*job, error) {
	splits, err := data.Open(c.Load)
	if err != nil {
		return nil, err
	}
	set, _, err := split(splits, "auto")
	if err != nil {
		return nil, err
	}
	size := c.Size
	if size == 0 {
		size = 224
	}
	loader, err := data.NewLoader(set, data.Config{
		Preprocess: input.Preprocess{Size: [2]int{size, size}, Interpolation: input.Bilinear},
		Augment:    &input.Augment{Crop: input.InceptionCrop, Flip: 0.5},
		Batch:      c.Batch, Shuffle: true, Workers: e.cores(),
	})
	if err != nil {
		return nil, err
	}
	j := &job{
		name: "loading " + c.Load, x: &tensor.Tensor{Shape: loader.Shape()}, out: tensor.New[float32](tensor.Shape{N: 1, H: 1, W: 1, C: 1}),
		threads: e.cores(), images: set.Len(), close: func() {},
	}
	epoch := 0
	j.run = func() error {
		for _, err := range loader.Epoch(e.ctx, epoch, 0) {
			if err != nil {
				return fmt.Errorf("%s: %w", c.Load, err)
			}
		}
		epoch++
		return nil
	}
	return j, nil
}
