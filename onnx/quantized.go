package onnx

import (
	"fmt"
	"slices"

	"github.com/mixnet-go/mixnet/graph"
)

// dequantized is what whole numbers stand for that are constants: weights and
// biases. Those of 8 bits with a scale for each of the first dimension keep it.
func dequantized(n *nodeProto, in []*constant) (*constant, error) {
	x := in[0]
	if len(in) < 2 || x.ints == nil || len(in[1].floats) == 0 {
		return nil, formatError("DequantizeLinear of other than whole numbers and scales")
	}
	scales, zeros := in[1].floats, []int64{0}
	if len(in) > 2 {
		zeros = in[2].ints
	}
	axis := 0
	if len(scales) > 1 {
		if axis = int(n.int("axis", 1)); axis < 0 {
			axis += len(x.dims)
		}
		if axis < 0 || axis >= len(x.dims) || x.dims[axis] != int64(len(scales)) {
			return nil, formatError("%d scales along axis %d of %v", len(scales), axis, x.dims)
		}
	}
	if len(zeros) != len(scales) && len(zeros) != 1 {
		return nil, formatError("%d zero points for %d scales", len(zeros), len(scales))
	}
	inner := 1 // elements with the same index along the axis, one after the other
	if len(x.dims) > 0 {
		for _, d := range x.dims[axis+1:] {
			inner *= int(d)
		}
	}
	k := &constant{name: n.outputs[0], dims: x.dims, floats: make([]float32, len(x.ints))}
	whole := x.kind == typeInt8 && axis == 0 && len(x.dims) > 0 && !slices.ContainsFunc(zeros, func(z int64) bool { return z != 0 })
	for i, q := range x.ints {
		c := 0
		if len(scales) > 1 {
			c = i / max(inner, 1) % len(scales)
		}
		k.floats[i] = float32(q-zeros[c%len(zeros)]) * scales[c]
		whole = whole && q >= -graph.MaxWeightCode
	}
	if whole {
		if k.scales = scales; len(scales) == 1 {
			k.scales = slices.Repeat(scales, int(x.dims[0]))
		}
	}
	return k, nil
}

// quantize notes the code that a result is rounded to.
func (c *converter) quantize() error {
	r, err := c.view(0)
	if err != nil {
		return err
	}
	scale, err := c.constFloats(1)
	if err != nil {
		return err
	}
	if scale == nil || len(scale.floats) != 1 {
		return fmt.Errorf("with a scale for each channel")
	}
	code, kind := graph.Code{Scale: scale.floats[0]}, typeUint8
	zero, err := c.lookup(2)
	if err != nil {
		return err
	}
	if zero != nil {
		if zero.constant == nil || len(zero.constant.ints) != 1 {
			return fmt.Errorf("with a zero point that is not one constant")
		}
		kind = zero.constant.kind
		at := zero.constant.ints[0]
		if kind == typeInt8 {
			at += 128
		}
		if at < 0 || at > 255 {
			return formatError("a zero point of %d", zero.constant.ints[0])
		}
		code.Zero = uint8(at)
	}
	if kind != typeUint8 && kind != typeInt8 {
		return fmt.Errorf("to elements of type %d, want 8 bits", kind)
	}
	r.step.code = &code
	return c.set(&result{step: r.step, dims: r.dims})
}

// dequantize passes a result on that was rounded.
func (c *converter) dequantize() error {
	r, err := c.view(0)
	if err != nil {
		return err
	}
	if r.step.code == nil {
		return fmt.Errorf("of what was not quantized")
	}
	return c.set(&result{step: r.step, dims: r.dims})
}

// cover returns a code for the values of all; nil unless all have one.
func cover(codes []*graph.Code) *graph.Code {
	var low, high float32
	for _, c := range codes {
		if c == nil {
			return nil
		}
		low, high = min(low, c.Value(0)), max(high, c.Value(255))
	}
	if !slices.ContainsFunc(codes, func(c *graph.Code) bool { return *c != *codes[0] }) {
		return codes[0]
	}
	c := graph.Code{Scale: (high - low) / 255}
	c.Zero = uint8(-low/c.Scale + 0.5)
	return &c
}

// quantization returns what the file says of the built graph; nil where nothing
// is whole.
func (b *building) quantization() (*graph.Quantization, error) {
	if len(b.quant.Codes) == 0 || len(b.quant.Scales) == 0 {
		return nil, nil
	}
	if err := b.quant.Check(b.g); err != nil {
		return nil, formatError("%w", err)
	}
	return &b.quant, nil
}
