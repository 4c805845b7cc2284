package onnx

import (
	"fmt"
	"math"
	"slices"
)

// maxMade bounds the elements of constants that are computed from others, which
// no file's size bounds: 128 MB of them.
const maxMade = 32 << 20

// constant is a tensor that does not depend on the images.
type constant struct {
	name   string
	dims   []int64
	floats []float32 // one of these two
	ints   []int64
	kind   dataType  // of what is in the file; 0 where it was computed
	scales []float32 // of each output channel, where the floats are multiples of them
}

func (k *constant) len() int { return max(len(k.floats), len(k.ints)) }

func (c *converter) constantOf(t *tensorProto) (*constant, error) {
	if err := t.resolve(c.folder); err != nil {
		return nil, err
	}
	k := &constant{name: t.name, dims: t.dims, kind: t.kind}
	var err error
	if t.kind.isFloat() {
		k.floats, err = t.floats()
	} else {
		k.ints, err = t.ints()
	}
	return k, err
}

// arithmetic of integers; it reports false where there is no result.
var arithmetic = map[string]func(a, b int64) (int64, bool){
	"Add": func(a, b int64) (int64, bool) { return a + b, true },
	"Sub": func(a, b int64) (int64, bool) { return a - b, true },
	"Mul": func(a, b int64) (int64, bool) { return a * b, true },
	"Div": func(a, b int64) (int64, bool) {
		if b == 0 || b == -1 {
			return -a, b != 0
		}
		return a / b, true
	},
	"Max": func(a, b int64) (int64, bool) { return max(a, b), true },
	"Min": func(a, b int64) (int64, bool) { return min(a, b), true },
}

// floating is arithmetic of floating-point numbers.
var floating = map[string]func(a, b float32) float32{
	"Add": func(a, b float32) float32 { return a + b },
	"Sub": func(a, b float32) float32 { return a - b },
	"Mul": func(a, b float32) float32 { return a * b },
	"Div": func(a, b float32) float32 { return a / b },
	"Max": func(a, b float32) float32 { return max(a, b) },
	"Min": func(a, b float32) float32 { return min(a, b) },
}

// fold computes a node whose result is the same for all images: the shape of
// something, or what is made of constants alone. It reports false for others.
func (c *converter) fold() (bool, error) {
	n := c.node
	switch n.op {
	case "Constant":
		return true, c.foldConstant()
	case "Shape":
		r, err := c.lookup(0)
		if err != nil || r == nil {
			return true, err
		}
		dims := r.dims
		if r.constant != nil {
			dims = r.constant.dims
		}
		return true, c.set(&result{constant: &constant{ints: slices.Clone(dims), dims: []int64{int64(len(dims))}}})
	}
	var in []*constant
	for i := range n.inputs {
		r, err := c.lookup(i)
		if r == nil && err == nil && i == len(n.inputs)-1 {
			break // the last one is left out
		}
		if err != nil || r == nil || r.constant == nil {
			return false, nil // the node's own converter says what is wrong
		}
		in = append(in, r.constant)
	}
	if len(in) == 0 || len(n.outputs) == 0 {
		return false, nil
	}
	k, err := c.folded(n, in)
	if k == nil || err != nil {
		return err != nil, err
	}
	if c.made += k.len(); c.made > maxMade {
		return true, fmt.Errorf("constants of more than %d elements", maxMade)
	}
	return true, c.set(&result{constant: k})
}

func (c *converter) foldConstant() error {
	for _, key := range []string{"value", "value_float", "value_floats", "value_int", "value_ints"} {
		a, ok := c.node.attributes[key]
		if !ok {
			continue
		}
		k := &constant{name: c.name()}
		switch key {
		case "value":
			if a.tensor == nil {
				return formatError("a constant without a value")
			}
			var err error
			if k, err = c.constantOf(a.tensor); err != nil {
				return err
			}
			k.name = c.name()
		case "value_float":
			k.floats = []float32{a.float}
		case "value_int":
			k.ints = []int64{a.int}
		case "value_floats":
			k.floats, k.dims = a.floats, []int64{int64(len(a.floats))}
		case "value_ints":
			k.ints, k.dims = a.ints, []int64{int64(len(a.ints))}
		}
		return c.set(&result{constant: k})
	}
	return fmt.Errorf("a constant that is no tensor of numbers")
}

// folded computes an operator on constants; nil where it is not one of those.
func (c *converter) folded(n *nodeProto, in []*constant) (*constant, error) {
	x := in[0]
	switch n.op {
	case "Identity", "Dropout": // exporters give equal tensors of several layers one value
		k := *x
		k.name = n.outputs[0]
		return &k, nil
	case "Unsqueeze", "Squeeze", "Reshape", "Flatten":
		return c.reshapeConstant(n, in)
	case "Cast":
		to := dataType(n.int("to", 0))
		switch {
		case to.isFloat() == (x.floats != nil):
			return x, nil
		case to.isFloat():
			k := &constant{dims: x.dims, floats: make([]float32, len(x.ints))}
			for i, v := range x.ints {
				k.floats[i] = float32(v)
			}
			return k, nil
		}
		k := &constant{dims: x.dims, ints: make([]int64, len(x.floats))}
		for i, v := range x.floats {
			k.ints[i] = int64(v)
		}
		return k, nil
	case "DequantizeLinear":
		return dequantized(n, in)
	case "Floor", "Ceil":
		return rounded(n.op, x), nil
	case "Clip":
		return clipped(in), nil
	case "ConstantOfShape":
		return c.filled(n, x)
	case "Gather":
		return gather(n, in)
	case "Concat":
		return joined(in), nil
	case "Slice":
		return c.sliceConstant(n, x)
	case "Transpose":
		return transposed(n, x), nil
	case "Add", "Sub", "Mul", "Div", "Max", "Min":
		return computed(n.op, in)
	}
	return nil, nil
}

// reshapeConstant gives the same values other dimensions.
func (c *converter) reshapeConstant(n *nodeProto, in []*constant) (*constant, error) {
	x := *in[0]
	total := int64(x.len())
	switch n.op {
	case "Flatten":
		rows := int64(1)
		for _, d := range x.dims[:max(0, min(n.int("axis", 1), int64(len(x.dims))))] {
			rows *= d
		}
		x.dims = []int64{rows, total / max(rows, 1)}
	case "Reshape":
		if len(in) < 2 {
			return nil, fmt.Errorf("a shape that is an attribute")
		}
		dims, rest := slices.Clone(in[1].ints), int64(1)
		for i, d := range dims {
			if d == 0 && i < len(x.dims) {
				dims[i] = x.dims[i]
			}
			if dims[i] > 0 {
				rest *= dims[i]
			}
			if rest > maxMade {
				return nil, formatError("a constant of %d elements as %v", total, dims)
			}
		}
		if i := slices.Index(dims, -1); i >= 0 && rest > 0 {
			dims[i] = total / rest
		}
		x.dims = dims
	default:
		axes := n.ints("axes")
		if len(in) > 1 {
			axes = in[1].ints
		}
		if n.op == "Squeeze" {
			x.dims = squeezed(x.dims, axes)
			break
		}
		dims := slices.Clone(x.dims)
		for _, a := range slices.Sorted(slices.Values(axes)) {
			if a < 0 {
				a += int64(len(dims)) + 1
			}
			if a < 0 || a > int64(len(dims)) || len(dims) >= maxDims {
				return nil, formatError("axes %v", axes)
			}
			dims = slices.Insert(dims, int(a), 1)
		}
		x.dims = dims
	}
	product := int64(1)
	for _, d := range x.dims {
		if product *= d; product < 0 || product > maxMade && product > total {
			return nil, formatError("a constant of %d elements as %v", total, x.dims)
		}
	}
	if product != total {
		return nil, formatError("a constant of %d elements as %v", total, x.dims)
	}
	return &x, nil
}

// squeezed removes dimensions of one: those of axes, or all.
func squeezed(dims, axes []int64) []int64 {
	var out []int64
	for i, d := range dims {
		named := slices.Contains(axes, int64(i)) || slices.Contains(axes, int64(i-len(dims)))
		if d == 1 && (named || len(axes) == 0) {
			continue
		}
		out = append(out, d)
	}
	return out
}

// filled is a constant of one value.
func (c *converter) filled(n *nodeProto, shape *constant) (*constant, error) {
	k := &constant{name: c.name(), dims: shape.ints}
	total := int64(1)
	for _, d := range k.dims {
		if d < 0 || d > 0 && total > maxMade/d {
			return nil, fmt.Errorf("a constant of dimensions %v is too large", k.dims)
		}
		total *= d
	}
	if int(total)+c.made > maxMade {
		return nil, fmt.Errorf("constants of more than %d elements", maxMade)
	}
	value := &constant{floats: []float32{0}}
	if t := n.attributes["value"].tensor; t != nil {
		var err error
		if value, err = c.constantOf(t); err != nil {
			return nil, err
		}
	}
	if value.len() != 1 {
		return nil, formatError("a fill of %d values", value.len())
	}
	if value.ints != nil {
		k.ints = slices.Repeat(value.ints, int(total))
	} else {
		k.floats = slices.Repeat(value.floats, int(total))
	}
	return k, nil
}

// gather picks elements of a vector.
func gather(n *nodeProto, in []*constant) (*constant, error) {
	if len(in) != 2 || len(in[0].dims) != 1 || in[0].ints == nil || in[1].ints == nil || n.int("axis", 0) != 0 {
		return nil, nil
	}
	k := &constant{dims: in[1].dims}
	for _, i := range in[1].ints {
		if i < 0 {
			i += int64(len(in[0].ints))
		}
		if i < 0 || i >= int64(len(in[0].ints)) {
			return nil, formatError("element %d of %d", i, len(in[0].ints))
		}
		k.ints = append(k.ints, in[0].ints[i])
	}
	return k, nil
}

// joined concatenates vectors; nil where they are none, or of two types.
func joined(in []*constant) *constant {
	k := &constant{}
	for _, x := range in {
		if len(x.dims) != 1 || (x.ints == nil) != (in[0].ints == nil) {
			return nil
		}
		k.ints, k.floats = append(k.ints, x.ints...), append(k.floats, x.floats...)
	}
	k.dims = []int64{int64(k.len())}
	return k
}

// sliceConstant takes rows of a vector or matrix of integers, in their order or
// backwards.
func (c *converter) sliceConstant(n *nodeProto, x *constant) (*constant, error) {
	if len(x.dims) < 1 || len(x.dims) > 2 || x.ints == nil || x.dims[0] == 0 {
		return nil, nil
	}
	ranges, err := c.ranges()
	if err != nil || len(ranges) != 1 || ranges[0].axis != 0 {
		return nil, err
	}
	width := int64(len(x.ints)) / x.dims[0]
	k := &constant{dims: slices.Clone(x.dims), ints: []int64{}}
	from, to := ranges[0].clamp(x.dims[0])
	for i := from; i < to; i++ {
		k.ints = append(k.ints, x.ints[i*width:][:width]...)
	}
	if ranges[0].backwards {
		k.ints = k.ints[:0]
		for i := x.dims[0] - 1; i >= 0; i-- {
			k.ints = append(k.ints, x.ints[i*width:][:width]...)
		}
	}
	k.dims[0] = int64(len(k.ints)) / max(width, 1)
	return k, nil
}

// transposed swaps the two dimensions of a matrix; nil where x is none.
func transposed(n *nodeProto, x *constant) *constant {
	if perm := n.ints("perm"); len(x.dims) != 2 || len(perm) > 0 && !slices.Equal(perm, []int64{1, 0}) {
		return nil
	}
	rows, columns := int(x.dims[0]), int(x.dims[1])
	return &constant{name: x.name, dims: []int64{x.dims[1], x.dims[0]}, floats: turned(x.floats, rows, columns), ints: turned(x.ints, rows, columns)}
}

func turned[T any](v []T, rows, columns int) []T {
	if v == nil {
		return nil
	}
	out := make([]T, len(v))
	for i := range rows {
		for j := range columns {
			out[j*rows+i] = v[i*columns+j]
		}
	}
	return out
}

// rounded is the integer above or below every number.
func rounded(op string, x *constant) *constant {
	if x.floats == nil {
		return x
	}
	k := &constant{dims: x.dims, floats: make([]float32, len(x.floats))}
	for i, v := range x.floats {
		if k.floats[i] = float32(math.Floor(float64(v))); op == "Ceil" {
			k.floats[i] = float32(math.Ceil(float64(v)))
		}
	}
	return k
}

// clipped bounds numbers from below and above.
func clipped(in []*constant) *constant {
	for i, bound := range in[1:] {
		k, _ := computed([]string{"Max", "Min"}[min(i, 1)], []*constant{in[0], bound})
		if k == nil || bound.len() != 1 {
			return nil
		}
		in[0] = k
	}
	return in[0]
}

// computed is arithmetic of two constants, one of them a single number or both
// of one length.
func computed(op string, in []*constant) (*constant, error) {
	if len(in) != 2 || (in[0].ints == nil) != (in[1].ints == nil) {
		return nil, nil
	}
	a, b := in[0], in[1]
	size := max(a.len(), b.len())
	if a.len() != size && a.len() != 1 || b.len() != size && b.len() != 1 || size == 0 {
		return nil, nil
	}
	k := &constant{dims: a.dims}
	if a.len() < size || len(a.dims) < len(b.dims) {
		k.dims = b.dims
	}
	for i := range size {
		x, y := min(i, a.len()-1), min(i, b.len()-1)
		if a.ints == nil {
			k.floats = append(k.floats, floating[op](a.floats[x], b.floats[y]))
			continue
		}
		v, ok := arithmetic[op](a.ints[x], b.ints[y])
		if !ok {
			return nil, formatError("a division by zero")
		}
		k.ints = append(k.ints, v)
	}
	return k, nil
}

// span is a range of an axis.
type span struct {
	axis, from, to int64
	backwards      bool // all of it, from the end
}

// clamp returns the bounds within a size, those below 0 counted from its end.
func (s span) clamp(size int64) (from, to int64) {
	at := func(v int64) int64 {
		if v < 0 {
			v += size
		}
		return max(0, min(v, size))
	}
	return at(s.from), at(s.to)
}

// ranges returns what a Slice takes: attributes before opset 10, then inputs.
func (c *converter) ranges() ([]span, error) {
	n := c.node
	from, to, axes := n.ints("starts"), n.ints("ends"), n.ints("axes")
	if c.f.opset >= 10 {
		var lists [4][]int64
		for i := range lists {
			k, err := c.constInts(1 + i)
			if err != nil {
				return nil, err
			}
			lists[i] = k
		}
		from, to, axes = lists[0], lists[1], lists[2]
		if backwards := len(from) == 1 && from[0] == -1 && len(to) == 1 && to[0] < -1<<30 && slices.Equal(lists[3], []int64{-1}); backwards && len(axes) == 1 {
			return []span{{axis: axes[0], backwards: true}}, nil
		}
		if slices.ContainsFunc(lists[3], func(v int64) bool { return v != 1 }) {
			return nil, fmt.Errorf("steps %v", lists[3])
		}
	}
	if len(from) != len(to) || len(axes) > 0 && len(axes) != len(from) {
		return nil, formatError("starts %v, ends %v, axes %v", from, to, axes)
	}
	var out []span
	for i := range from {
		axis := int64(i)
		if len(axes) > 0 {
			axis = axes[i]
		}
		out = append(out, span{axis: axis, from: from[i], to: to[i]})
	}
	return out, nil
}

// constInts returns a constant input of integers, nil where it is left out.
func (c *converter) constInts(i int) ([]int64, error) {
	r, err := c.lookup(i)
	switch {
	case err != nil || r == nil:
		return nil, err
	case r.constant == nil || r.constant.ints == nil && len(r.constant.floats) > 0:
		return nil, fmt.Errorf("input %d is not a constant of integers", i)
	}
	return r.constant.ints, nil
}

// constFloats returns a constant input of numbers, nil where it is left out.
func (c *converter) constFloats(i int) (*constant, error) {
	r, err := c.lookup(i)
	switch {
	case err != nil || r == nil:
		return nil, err
	case r.constant == nil || r.constant.floats == nil:
		return nil, fmt.Errorf("input %d is not a constant", i)
	}
	for _, v := range r.constant.floats {
		if f := float64(v); math.IsNaN(f) {
			return nil, formatError("tensor %.100q has values that are no numbers", r.constant.name)
		}
	}
	return r.constant, nil
}

func (n *nodeProto) int(name string, or int64) int64 {
	if a, ok := n.attributes[name]; ok {
		return a.int
	}
	return or
}

func (n *nodeProto) float(name string, or float32) float32 {
	if a, ok := n.attributes[name]; ok {
		return a.float
	}
	return or
}

func (n *nodeProto) ints(name string) []int64 { return n.attributes[name].ints }
