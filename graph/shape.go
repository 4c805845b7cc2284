package graph

import (
	"fmt"

	"github.com/mixnet-go/mixnet/tensor"
)

func arity(in []tensor.Shape, n int) error {
	if len(in) != n {
		return fmt.Errorf("%w: %d inputs, want %d", tensor.ErrShape, len(in), n)
	}
	return nil
}

func channels(in []tensor.Shape, c int) error {
	if err := arity(in, 1); err != nil {
		return err
	}
	if in[0].C != c {
		return fmt.Errorf("%w: input %v has %d channels, want %d", tensor.ErrShape, in[0], in[0].C, c)
	}
	return nil
}

// same is the shape rule of element-wise operators with one input.
func same(in []tensor.Shape) (tensor.Shape, error) {
	if err := arity(in, 1); err != nil {
		return tensor.Shape{}, err
	}
	return in[0], nil
}

// OutShape accepts no inputs: the executor supplies the input's shape.
func (o *Input) OutShape([]tensor.Shape) (tensor.Shape, error) {
	return tensor.Shape{}, fmt.Errorf("%w: an input node has no inputs", tensor.ErrShape)
}

// OutShape returns N×H'×W'×Out.
func (o *Conv) OutShape(in []tensor.Shape) (tensor.Shape, error) {
	if err := channels(in, o.In()); err != nil {
		return tensor.Shape{}, err
	}
	s, err := o.Padding.window(in[0], o.Kernel, o.Stride, o.Dilation)
	s.C = o.Out()
	return s, err
}

// OutShape returns N×H'×W'×C; all groups must agree on H' and W'.
func (o *MixConv) OutShape(in []tensor.Shape) (tensor.Shape, error) {
	if err := channels(in, o.Channels()); err != nil {
		return tensor.Shape{}, err
	}
	var out tensor.Shape
	for i, g := range o.Groups {
		s, err := o.Padding.window(in[0], g.Kernel, o.Stride, g.Dilation)
		if err != nil {
			return s, err
		}
		if i > 0 && s != out {
			return s, fmt.Errorf("%w: kernel %d gives %v, kernel %d gives %v", tensor.ErrShape, o.Groups[0].Kernel, out, g.Kernel, s)
		}
		out = s
	}
	return out, nil
}

// OutShape returns the input's shape.
func (o *BatchNorm) OutShape(in []tensor.Shape) (tensor.Shape, error) {
	if err := channels(in, o.C); err != nil {
		return tensor.Shape{}, err
	}
	return in[0], nil
}

// OutShape returns N×1×1×C.
func (o *GlobalPool) OutShape(in []tensor.Shape) (tensor.Shape, error) {
	s, err := same(in)
	s.H, s.W = 1, 1
	return s, err
}

// OutShape returns the first input's shape.
func (o *Scale) OutShape(in []tensor.Shape) (tensor.Shape, error) {
	if err := arity(in, 2); err != nil {
		return tensor.Shape{}, err
	}
	if want := (tensor.Shape{N: in[0].N, H: 1, W: 1, C: in[0].C}); in[1] != want {
		return in[0], fmt.Errorf("%w: factors %v for %v, want %v", tensor.ErrShape, in[1], in[0], want)
	}
	return in[0], nil
}

// OutShape returns the inputs' common shape.
func (o *Add) OutShape(in []tensor.Shape) (tensor.Shape, error) {
	if err := arity(in, 2); err != nil {
		return tensor.Shape{}, err
	}
	if in[0] != in[1] {
		return in[0], fmt.Errorf("%w: cannot add %v and %v", tensor.ErrShape, in[0], in[1])
	}
	return in[0], nil
}

// OutShape returns N×1×1×Out.
func (o *Linear) OutShape(in []tensor.Shape) (tensor.Shape, error) {
	if err := channels(in, o.In); err != nil {
		return tensor.Shape{}, err
	}
	if in[0].H != 1 || in[0].W != 1 {
		return in[0], fmt.Errorf("%w: input %v, want a pooled N×1×1×%d", tensor.ErrShape, in[0], o.In)
	}
	s := in[0]
	s.C = o.Out
	return s, nil
}

// OutShape returns N×H'×W'×C.
func (o *Pool) OutShape(in []tensor.Shape) (tensor.Shape, error) {
	if err := arity(in, 1); err != nil {
		return tensor.Shape{}, err
	}
	return o.Padding.window(in[0], o.Kernel, o.Stride, 1)
}

// OutShape returns the inputs' shape with their channels summed.
func (o *Concat) OutShape(in []tensor.Shape) (tensor.Shape, error) {
	if len(in) == 0 {
		return tensor.Shape{}, arity(in, 1)
	}
	out := in[0]
	for _, s := range in[1:] {
		if s.N != out.N || s.H != out.H || s.W != out.W {
			return out, fmt.Errorf("%w: cannot concatenate %v and %v", tensor.ErrShape, in[0], s)
		}
		out.C += s.C
	}
	return out, nil
}

// OutShape returns N×H×W×(To-From).
func (o *Slice) OutShape(in []tensor.Shape) (tensor.Shape, error) {
	s, err := same(in)
	if err == nil && (o.From < 0 || o.From >= o.To || o.To > s.C) {
		err = fmt.Errorf("%w: channels [%d, %d) of %v", tensor.ErrShape, o.From, o.To, s)
	}
	s.C = o.To - o.From
	return s, err
}

// OutShape returns the input's shape.
func (o *Shuffle) OutShape(in []tensor.Shape) (tensor.Shape, error) {
	s, err := same(in)
	if err == nil && (o.Groups < 1 || s.C%o.Groups != 0) {
		err = fmt.Errorf("%w: %d channels cannot be shuffled in %d groups", tensor.ErrShape, s.C, o.Groups)
	}
	return s, err
}
