package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/tensor"
)

// Correction is asked what to add to the result of a convolution: node is the
// one whose result it is, with batch norm, and mean the mean over images of the
// convolution's input, 1×H×W×C. It returns a value for each channel, or none.
type Correction func(node graph.ID, mean *tensor.Tensor) ([]float32, error)

// Correct runs a quantized network on single images of one shape, 1×H×W×C, layer
// by layer and all of them at a time, so that each correction of a bias is known
// to the layers behind it. The biases of p stay as corrected. At most size bytes
// are taken for the images, and so perhaps not all are used; it returns how many.
// No other call may run.
func (p *Program) Correct(ctx context.Context, images iter.Seq2[*tensor.Tensor, error], size int, correct Correction) (used int, err error) {
	r := &correcting{p: p}
	for x, err := range images {
		if err != nil {
			return 0, err
		}
		if enough, err := r.add(x, size); err != nil {
			return 0, fmt.Errorf("correct %s: %w", p.g.Name, err)
		} else if enough {
			break
		}
	}
	if len(r.states) == 0 {
		return 0, errors.New("correct: no images")
	}
	step := 0
	for i, l := range p.net.layers {
		if s, ok := l.(correctable); ok {
			if err := r.layer(s, step, correct); err != nil {
				return 0, err
			}
		}
		for ; step < len(r.plan.steps) && r.plan.steps[step].layer == i; step++ {
			if err := r.run(ctx, step); err != nil {
				return 0, err
			}
		}
	}
	return len(r.states), nil
}

// correctable is a layer whose bias can be corrected.
type correctable interface {
	layer
	common() *sums
	rebias()
}

// correcting is what Correct is doing.
type correcting struct {
	p      *Program
	plan   *plan
	states []*state
}

// add takes one more image. It reports whether they are enough.
func (r *correcting) add(x *tensor.Tensor, size int) (enough bool, err error) {
	if x.Shape.N != 1 {
		return false, fmt.Errorf("%d images at a time, want one", x.Shape.N)
	}
	if r.plan == nil {
		if r.plan, err = r.p.net.plan(r.p.g, x.Shape, r.p.Threads()); err != nil {
			return false, err
		}
	}
	if x.Shape != r.plan.in {
		return false, fmt.Errorf("%w: image of %v after those of %v", tensor.ErrShape, x.Shape, r.plan.in)
	}
	s := newState()
	if s.fit(r.p.Threads(), r.plan); len(r.states) > 0 {
		s.scratch, s.epilogues, s.codeEpilogues = r.states[0].scratch, r.states[0].epilogues, r.states[0].codeEpilogues
	}
	s.x = images{floats: append([]float32(nil), x.Data...)}
	r.states = append(r.states, s)
	return len(r.states)*(len(s.arena)+floatBytes*len(x.Data)) >= size, nil
}

// run runs a step on all images.
func (r *correcting) run(ctx context.Context, i int) error {
	st := &r.plan.steps[i]
	for _, s := range r.states {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.work = st.work
		r.p.pool.Each(st.parts, s.do)
	}
	return nil
}

// layer corrects the bias of one layer, whose first step is given.
func (r *correcting) layer(l correctable, step int, correct Correction) error {
	s := l.common()
	var x view
	switch w := r.plan.steps[step].work.(type) {
	case *codeConv:
		x = w.x
	case *codeDepthwise:
		x = w.x
	default:
		return nil
	}
	mean := tensor.New[float32](tensor.Shape{N: 1, H: x.h, W: x.w, C: x.c})
	sums := make([]int32, len(mean.Data))
	for _, of := range r.states {
		for i := range x.pixels() {
			for c, q := range of.codes(x, 0, i)[:x.c] {
				sums[i*x.c+c] += int32(q)
			}
		}
	}
	n := len(r.states)
	for i, sum := range sums {
		mean.Data[i] = float32(float64(int(sum)-n*int(s.x.code.Zero)) * float64(s.x.code.Scale) / float64(n))
	}
	add, err := correct(s.pre, mean)
	if err != nil || add == nil {
		return err
	}
	if len(add) != len(s.shift) {
		return fmt.Errorf("%s: a correction of %d values, want %d", s.name, len(add), len(s.shift))
	}
	for i, v := range add {
		s.shift[i] += float64(v)
	}
	l.rebias()
	return nil
}
