package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/mixnet-go/mixnet/graph"
)

// converters are the operators that work on images.
var converters map[string]func(*converter) error

func init() {
	converters = map[string]func(*converter) error{
		"Conv": (*converter).conv, "BatchNormalization": (*converter).batchNorm, "Gemm": (*converter).gemm, "MatMul": (*converter).matMul,
		"Relu": activation(graph.ReLU), "Sigmoid": activation(graph.Sigmoid), "HardSwish": activation(graph.HardSwish),
		"Clip": (*converter).clip, "HardSigmoid": (*converter).hardSigmoid, "Swish": (*converter).swish,
		"Mul": (*converter).mul, "Div": (*converter).div, "Add": (*converter).sum, "Sub": (*converter).sub, "Sum": (*converter).sum,
		"GlobalAveragePool": (*converter).globalPool, "ReduceMean": (*converter).reduceMean, "MaxPool": (*converter).pool, "AveragePool": (*converter).pool,
		"Identity": (*converter).same, "Dropout": (*converter).same, "Cast": (*converter).same,
		"Reshape": (*converter).reshape, "Flatten": (*converter).flatten, "Squeeze": (*converter).squeeze, "Unsqueeze": (*converter).unsqueeze,
		"Transpose": (*converter).transpose, "Concat": (*converter).concat, "Split": (*converter).split, "Slice": (*converter).slice,
		"QuantizeLinear": (*converter).quantize, "DequantizeLinear": (*converter).dequantize,
		"Pad": (*converter).pad, "Softmax": (*converter).softmax,
	}
}

func activation(f graph.Activation) func(*converter) error {
	return func(c *converter) error { return c.activate(f) }
}

// activate applies a function to the first input.
func (c *converter) activate(f graph.Activation) error {
	x, err := c.images(0)
	if err != nil {
		return err
	}
	return c.keep(0, c.add(c.name(), &graph.Activate{Func: f}, x.c, x.h, x.w, x))
}

// keep gives a step the dimensions of input i.
func (c *converter) keep(i int, s *step) error {
	r, err := c.view(i)
	if err != nil {
		return err
	}
	return c.set(&result{step: s, dims: r.dims})
}

// same passes an input on.
func (c *converter) same() error {
	r, err := c.view(0)
	if err != nil {
		return err
	}
	if to := dataType(c.node.int("to", typeFloat)); c.node.op == "Cast" && !to.isFloat() {
		return fmt.Errorf("to elements of type %d", to)
	}
	if len(c.node.outputs) > 1 && c.node.outputs[1] != "" {
		c.values[c.node.outputs[1]] = nil
	}
	return c.set(r)
}

func (c *converter) clip() error {
	low, high := float64(c.node.float("min", -math.MaxFloat32)), float64(c.node.float("max", math.MaxFloat32))
	for i, to := range []*float64{&low, &high} {
		k, err := c.constFloats(1 + i)
		if err != nil {
			return err
		}
		if k != nil && len(k.floats) == 1 {
			*to = float64(k.floats[0])
		}
	}
	switch {
	case low == 0 && high == 6:
		return c.activate(graph.ReLU6)
	case low == 0 && high >= math.MaxFloat32:
		return c.activate(graph.ReLU)
	}
	return fmt.Errorf("from %g to %g, want 0 to 6 or 0 up", low, high)
}

func (c *converter) hardSigmoid() error {
	alpha, beta := c.node.float("alpha", 0.2), c.node.float("beta", 0.5)
	if !nearSixth(alpha) || beta != 0.5 {
		return fmt.Errorf("alpha %g, beta %g, want 1/6 and 0.5", alpha, beta)
	}
	return c.activate(graph.HardSigmoid)
}

func (c *converter) swish() error {
	if alpha := c.node.float("alpha", 1); alpha != 1 {
		return fmt.Errorf("alpha %g", alpha)
	}
	return c.activate(graph.Swish)
}

func (c *converter) conv() error {
	x, err := c.images(0)
	if err != nil {
		return err
	}
	w, err := c.constFloats(1)
	if err != nil {
		return err
	}
	if w == nil || len(w.dims) != 4 {
		return fmt.Errorf("weights are not of four dimensions")
	}
	s := &convStep{base: c.base(w.name), weights: w.floats, scales: w.scales, out: int(w.dims[0]), in: int(w.dims[1]), groups: int(c.node.int("group", 1))}
	if s.kernel, s.stride, s.dilation, s.pads, err = c.window(x, w.dims[2:]); err != nil {
		return err
	}
	if kernel := c.node.ints("kernel_shape"); len(kernel) > 0 && !slices.Equal(kernel, w.dims[2:]) {
		return formatError("kernel %v, weights of %v", kernel, w.dims)
	}
	if s.groups < 1 || s.out < 1 || s.in < 1 || s.out%s.groups != 0 || x.c%s.groups != 0 || x.c/s.groups != s.in {
		return formatError("%d channels in %d groups, weights of %v", x.c, s.groups, w.dims)
	}
	b, err := c.constFloats(2)
	if err != nil {
		return err
	}
	if b != nil {
		if s.bias = b.floats; len(s.bias) != s.out {
			return formatError("%d biases for %d channels", len(s.bias), s.out)
		}
	}
	if p, ok := x.op.(*padStep); ok && !p.lowest {
		x, s.pads = x.in[0], s.pads.plus(p.pads)
	}
	h, width, err := extent(x, s.kernel, s.stride, s.dilation, s.pads, false)
	if err != nil {
		return err
	}
	return c.give(c.add(c.name(), s, s.out, h, width, x))
}

func (c *converter) batchNorm() error {
	x, err := c.images(0)
	if err != nil {
		return err
	}
	if c.node.int("training_mode", 0) != 0 || c.node.int("is_test", 1) == 0 && c.f.opset < 7 || c.node.int("spatial", 1) == 0 {
		return fmt.Errorf("in training mode, or by position")
	}
	n := &normStep{eps: float64(c.node.float("epsilon", 1e-5)), momentum: 1 - float64(c.node.float("momentum", 0.9))}
	for i, to := range []*[]float32{&n.gamma, &n.beta, &n.mean, &n.vari} {
		k, err := c.constFloats(1 + i)
		if err != nil {
			return err
		}
		if k == nil || len(k.floats) != x.c {
			return formatError("parameter %d is not one number for each of %d channels", 1+i, x.c)
		}
		if *to = k.floats; i == 0 {
			n.base = c.base(k.name)
		}
	}
	return c.keep(0, c.add(c.name(), n, x.c, x.h, x.w, x))
}

func (c *converter) gemm() error {
	n := c.node
	if n.float("alpha", 1) != 1 || n.float("beta", 1) != 1 || n.int("transA", 0) != 0 {
		return fmt.Errorf("alpha, beta or transA is not the default")
	}
	b, err := c.constFloats(2)
	if err != nil {
		return err
	}
	return c.linear(n.int("transB", 0) != 0, b)
}

func (c *converter) matMul() error { return c.linear(false, nil) }

// linear is a fully connected layer; on more than one pixel, it is a
// convolution of the whole image.
func (c *converter) linear(rows bool, bias *constant) error {
	x, err := c.view(0)
	if err != nil {
		return err
	}
	w, err := c.constFloats(1)
	if err != nil {
		return err
	}
	s := x.step
	in := s.c * s.h * s.w
	if w == nil || len(w.dims) != 2 || x.rank() != 2 || x.dims[1] != int64(in) {
		return fmt.Errorf("a matrix product of other than images and constant weights")
	}
	base := c.base(w.name)
	if !rows {
		w = transposed(&nodeProto{}, w)
	}
	out := int(w.dims[0])
	if int(w.dims[1]) != in || out < 1 {
		return formatError("%d inputs, weights of %v", in, w.dims)
	}
	var b []float32
	if bias != nil {
		if b = bias.floats; len(b) == 1 && out > 1 {
			b = slices.Repeat(b, out)
		}
		if len(b) != out {
			return formatError("%d biases for %d outputs", len(b), out)
		}
	}
	if s.h == 1 && s.w == 1 {
		return c.giveAs(c.add(c.name(), &linearStep{base, w.floats, b, w.scales, in, out}, out, 1, 1, s), 2)
	}
	if s.h != s.w {
		return fmt.Errorf("of images of %d×%d, which are not square", s.h, s.w)
	}
	conv := &convStep{base: base, weights: w.floats, bias: b, out: out, in: s.c, groups: 1, kernel: s.h, stride: 1, dilation: 1}
	return c.giveAs(c.add(c.name(), conv, out, 1, 1, s), 2)
}

func (c *converter) globalPool() error {
	x, err := c.images(0)
	if err != nil {
		return err
	}
	return c.give(c.add(c.name(), &graph.GlobalPool{}, x.c, 1, 1, x))
}

func (c *converter) reduceMean() error {
	r, err := c.view(0)
	if err != nil {
		return err
	}
	x, err := c.images(0)
	if err != nil {
		return err
	}
	axes := slices.Clone(c.node.ints("axes"))
	if c.f.opset >= 18 {
		k, err := c.constInts(1)
		if err != nil {
			return err
		}
		axes = slices.Clone(k)
	}
	for i := range axes {
		if axes[i] < 0 {
			axes[i] += int64(r.rank())
		}
	}
	slices.Sort(axes)
	if r.rank() != 4 || !slices.Equal(axes, []int64{2, 3}) {
		return fmt.Errorf("over axes %v of %d, want height and width", axes, r.rank())
	}
	rank := 4
	if c.node.int("keepdims", 1) == 0 {
		rank = 2
	}
	return c.giveAs(c.add(c.name(), &graph.GlobalPool{}, x.c, 1, 1, x), rank)
}

func (c *converter) pool() error {
	x, err := c.images(0)
	if err != nil {
		return err
	}
	n, largest := c.node, c.node.op == "MaxPool"
	kernel := n.ints("kernel_shape")
	ceil, count := n.int("ceil_mode", 0) != 0, n.int("count_include_pad", 0) != 0
	if len(n.outputs) > 1 || n.int("storage_order", 0) != 0 {
		return fmt.Errorf("with indices")
	}
	if whole := []int64{int64(x.h), int64(x.w)}; !largest && slices.Equal(kernel, whole) && !slices.ContainsFunc(n.ints("pads"), func(v int64) bool { return v != 0 }) {
		return c.give(c.add(c.name(), &graph.GlobalPool{}, x.c, 1, 1, x))
	}
	s := &poolStep{}
	var dilation int
	if s.Kernel, s.Stride, dilation, s.pads, err = c.window(x, kernel); err != nil {
		return err
	}
	s.Max, s.CountPad = largest, count && !largest
	if p, ok := x.op.(*padStep); ok && (largest && (p.lowest || x.in[0].notNegative()) || !largest && !p.lowest && (count || s.pads.zero())) {
		x, s.pads, s.CountPad = x.in[0], s.pads.plus(p.pads), !largest
	}
	if dilation != 1 || ceil && count {
		return fmt.Errorf("dilated, or with ceil_mode and counted pads")
	}
	h, w, err := extent(x, s.Kernel, s.Stride, 1, s.pads, ceil)
	if err != nil {
		return err
	}
	return c.give(c.add(c.name(), s, x.c, h, w, x))
}

// softmax may only end a network: it changes no ranking, and who reads logits
// applies it.
func (c *converter) softmax() error {
	r, err := c.view(0)
	if err != nil {
		return err
	}
	last := slices.ContainsFunc(c.f.graph.outputs, func(v valueInfo) bool { return len(c.node.outputs) > 0 && v.name == c.node.outputs[0] })
	axis := c.node.int("axis", map[bool]int64{true: -1, false: 1}[c.f.opset >= 13])
	if !last || !r.plain() || r.step.h*r.step.w != 1 || axis != 1 && (axis != -1 || r.rank() != 2) {
		return errors.New("other than over the classes at the end")
	}
	c.notes = append(c.notes, "the softmax at the end is left out: outputs are logits")
	return c.set(r)
}
