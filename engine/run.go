package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/par"
	"github.com/mixnet-go/mixnet/tensor"
)

// images is a batch of images, as floats or as bytes.
type images struct {
	floats []float32
	bytes  []uint8
}

// part returns the elements [from, to).
func (x images) part(from, to int) images {
	if x.bytes != nil {
		return images{bytes: x.bytes[from:to]}
	}
	return images{floats: x.floats[from:to]}
}

// tap says where the result of a node is to be written, for the whole batch.
type tap struct {
	id graph.ID
	to *tensor.Tensor
}

// call is one call of a Program: its memory, which later calls use again, and
// its arguments.
type call struct {
	states []*state
	floats []float32 // the images, where the first layer cannot take bytes
	unit   func(worker, unit int)

	ctx   context.Context
	x     images
	in    tensor.Shape
	batch batching
	taps  []tap
	errs  []error
}

func newCall() *call {
	c := &call{}
	c.unit = func(worker, unit int) { c.errs[unit] = c.runUnit(nil, c.states[worker], unit) }
	return c
}

// exec runs the network on a batch and writes the results that taps ask for.
func (p *Program) exec(ctx context.Context, x images, in tensor.Shape, taps ...tap) error {
	b, err := p.plans.batching(p, in)
	if err != nil {
		return err
	}
	for _, t := range taps {
		v := b.full.results[t.id].view
		if want := (tensor.Shape{N: in.N, H: v.h, W: v.w, C: v.c}); t.to.Shape != want {
			return fmt.Errorf("%s: output: %w: %v, want %v", p.g.Name, tensor.ErrShape, t.to.Shape, want)
		}
	}
	c, err := p.calls.acquire(ctx)
	if err != nil {
		return err
	}
	defer p.calls.release(c, p.plans.most(p.pool.Threads()))
	p.pool.Enter()
	defer p.pool.Leave()
	c.ctx, c.x, c.in, c.batch = ctx, x, in, b
	c.taps = append(c.taps[:0], taps...)
	if x.bytes != nil && p.net.stem == nil && p.net.first == nil {
		c.normalize(p.mean, p.std)
	}
	return c.run(p.pool)
}

// normalise replaces the bytes of the call by floats.
func (c *call) normalize(mean, std []float32) {
	c.floats = slices.Grow(c.floats[:0], len(c.x.bytes))[:len(c.x.bytes)]
	kernel.Normalize(c.floats, c.x.bytes, mean, std)
	c.x = images{floats: c.floats}
}

// run runs the units of the batch one after the other, each by all threads, or
// one on every thread.
func (c *call) run(pool *par.Pool) error {
	b := &c.batch
	defer c.forget()
	if !b.parallel {
		s := c.state(0)
		s.fit(pool.Threads(), b.full, b.rest)
		for unit := range b.units {
			if err := c.runUnit(pool, s, unit); err != nil {
				return err
			}
		}
		return nil
	}
	for w := range pool.Threads() {
		c.state(w).fit(1, b.full, b.rest)
	}
	c.errs = slices.Grow(c.errs[:0], b.units)[:b.units]
	pool.Each(b.units, c.unit)
	for _, err := range c.errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// forget drops the references to the caller's memory.
func (c *call) forget() {
	c.ctx, c.x = nil, images{}
	clear(c.taps)
	for _, s := range c.states {
		s.x = images{}
		clear(s.taps)
		clear(s.epilogues)
	}
}

// state returns the memory of worker i.
func (c *call) state(i int) *state {
	for len(c.states) <= i {
		c.states = append(c.states, newState())
	}
	return c.states[i]
}

// runUnit runs the plan on the images of one unit, until the last tap is served.
func (c *call) runUnit(pool *par.Pool, s *state, unit int) error {
	b := &c.batch
	p := b.full
	first := unit * p.in.N
	if c.in.N-first < p.in.N {
		p = b.rest
	}
	image := c.in.H * c.in.W * c.in.C
	s.x = c.x.part(first*image, (first+p.in.N)*image)
	s.taps = s.taps[:0]
	for _, t := range c.taps {
		r := p.results[t.id]
		n := r.len()
		s.taps = append(s.taps, stateTap{r, t.to.Data[first*n : (first+p.in.N)*n]})
	}
	s.sortTaps()
	return s.run(c.ctx, pool, p)
}

// size returns the bytes that c holds for plans.
func (c *call) size() int {
	n := 0
	for _, s := range c.states {
		n += s.size()
	}
	return n
}
