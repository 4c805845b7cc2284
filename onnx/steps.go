package onnx

import (
	"fmt"
	"math"

	"github.com/mixnet-go/mixnet/graph"
)

// The operators of steps that need more than the graph's operator of the kind.
type (
	// convStep is a convolution, or one of groups of channels side by side.
	convStep struct {
		base             string // of the parameters' names
		weights, bias    []float32
		scales           []float32 // of the weights of each output, where they are whole numbers
		out, in          int       // of all channels; in of one group
		groups           int
		kernel           int
		stride, dilation int
		pads             pads
	}
	// mixStep is a mixed depthwise convolution.
	mixStep struct {
		base   string
		groups []*convStep
	}
	// groupStep is a convolution of unequal groups, or of equal ones with a
	// tensor of weights each.
	groupStep struct {
		base   string
		groups []*convStep
	}
	// normStep is a batch norm, or a scale and shift of every channel.
	normStep struct {
		base                    string
		gamma, beta, mean, vari []float32
		eps, momentum           float64
	}
	poolStep struct {
		graph.Pool
		pads pads
	}
	linearStep struct {
		base          string
		weights, bias []float32
		scales        []float32
		in, out       int
	}
	// padStep puts zeros round images, or what is less than all. Only what
	// follows makes it an operator.
	padStep struct {
		pads
		lowest bool
	}
	// cropStep cuts off borders of images.
	cropStep struct{ pads }
	// productStep multiplies images element by element.
	productStep struct{}
)

// pads are zeros, or pixels, at the top, left, bottom and right.
type pads [4]int

func (p pads) zero() bool { return p == pads{} }

func (p pads) plus(q pads) pads {
	for i := range p {
		p[i] += q[i]
	}
	return p
}

// affine is a scale and shift of every channel, exactly.
func affine(base string, gamma, beta []float32) *normStep {
	n := &normStep{base: base, gamma: gamma, beta: beta, momentum: 0.1, mean: make([]float32, len(gamma)), vari: make([]float32, len(gamma))}
	for i := range n.vari {
		n.vari[i] = 1
	}
	return n
}

// constantShift reports whether a step adds v to all of x.
func (s *step) constantShift(v float32) bool {
	n, ok := s.op.(*normStep)
	if !ok || n.eps != 0 {
		return false
	}
	for i := range n.gamma {
		if n.gamma[i] != 1 || n.mean[i] != 0 || n.vari[i] != 1 || n.beta[i] != v {
			return false
		}
	}
	return true
}

// constantFactor returns the factor by which a step multiplies all, if it does.
func (n *normStep) constantFactor() (float32, bool) {
	for i := range n.gamma {
		if n.gamma[i] != n.gamma[0] || n.beta[i] != 0 || n.mean[i] != 0 || n.vari[i] != 1 || n.eps != 0 {
			return 0, false
		}
	}
	return n.gamma[0], true
}

// isAct reports whether a step is a function of x.
func (s *step) isAct(f graph.Activation, x *step) bool {
	a, ok := s.op.(*graph.Activate)
	return ok && a.Func == f && s.in[0] == x
}

// hardGate reports whether a step is ReLU6(x+3), and returns x.
func (s *step) hardGate() (*step, bool) {
	a, ok := s.op.(*graph.Activate)
	if !ok || a.Func != graph.ReLU6 || !s.in[0].constantShift(3) {
		return nil, false
	}
	return s.in[0].in[0], true
}

// nearSixth reports whether a factor is 1/6 as far as float32 can tell.
func nearSixth(v float32) bool { return math.Abs(float64(v)*6-1) < 1e-5 }

// notNegative reports whether a step's values are 0 or more.
func (s *step) notNegative() bool {
	switch op := s.op.(type) {
	case *graph.Activate:
		return op.Func == graph.ReLU || op.Func == graph.ReLU6 || op.Func == graph.Sigmoid || op.Func == graph.HardSigmoid
	case *graph.Slice, *graph.Shuffle, *poolStep:
		return s.in[0].notNegative()
	}
	return false
}

// window reads the attributes of a convolution or pool: a square kernel, its
// stride and dilation, and the pads for images of a step.
func (c *converter) window(x *step, kernel []int64) (k, stride, dilation int, p pads, err error) {
	n := c.node
	square := func(name string, v []int64) (int, error) {
		switch {
		case len(v) == 0:
			return 1, nil
		case len(v) != 2 || v[0] != v[1]:
			return 0, fmt.Errorf("%s %v, want the same for both axes", name, v)
		case v[0] < 1 || v[0] > 1<<16:
			return 0, formatError("%s %v", name, v)
		}
		return int(v[0]), nil
	}
	for _, a := range []struct {
		to   *int
		name string
		v    []int64
	}{{&k, "kernel", kernel}, {&stride, "strides", n.ints("strides")}, {&dilation, "dilations", n.ints("dilations")}} {
		if *a.to, err = square(a.name, a.v); err != nil {
			return
		}
	}
	reach := dilation*(k-1) + 1
	switch auto := n.attributes["auto_pad"].text; auto {
	case "", "NOTSET":
		list := n.ints("pads")
		if len(list) != 0 && len(list) != 4 {
			return k, stride, dilation, p, formatError("pads %v", list)
		}
		for i, v := range list {
			if v < 0 || v > 1<<16 {
				return k, stride, dilation, p, fmt.Errorf("pads %v", list)
			}
			p[i] = int(v)
		}
	case "VALID":
	case "SAME_UPPER", "SAME_LOWER":
		for i, size := range []int{x.h, x.w} {
			all := max(((size+stride-1)/stride-1)*stride+reach-size, 0)
			before := all / 2
			if auto == "SAME_LOWER" {
				before = all - all/2
			}
			p[i], p[2+i] = before, all-before
		}
	default:
		err = formatError("auto_pad %.50q", auto)
	}
	return
}

// extent returns the height and width of what a window gives.
func extent(x *step, kernel, stride, dilation int, p pads, ceil bool) (h, w int, err error) {
	reach := dilation*(kernel-1) + 1
	size := func(in, before, after int) int {
		room := in + before + after - reach
		if room < 0 {
			return 0
		}
		n := room/stride + 1
		if ceil && room%stride != 0 && n*stride < in+before { // the last window begins within the image
			n++
		}
		return n
	}
	h, w = size(x.h, p[0], p[2]), size(x.w, p[1], p[3])
	if h < 1 || w < 1 {
		err = formatError("images of %d×%d are smaller than the kernel", x.h, x.w)
	}
	return
}

// fits reports whether a rule of padding gives the pads and the size.
func fits(rule graph.Padding, x, y *step, kernel, stride, dilation int, p pads) bool {
	h, top := rule.Extent(x.h, kernel, stride, dilation)
	w, left := rule.Extent(x.w, kernel, stride, dilation)
	return h == y.h && w == y.w && top == p[0] && left == p[1]
}
