package onnx

import (
	"fmt"
	"math"
	"slices"

	"github.com/mixnet-go/mixnet/graph"
)

// reshape views a result otherwise: pixels of one as a vector, or channels in
// groups, which a transposition shuffles.
func (c *converter) reshape() error {
	r, err := c.view(0)
	if err != nil {
		return err
	}
	shape, err := c.constInts(1)
	if err != nil {
		return err
	}
	if c.f.opset < 5 {
		shape = c.node.ints("shape")
	}
	if c.node.int("allowzero", 0) != 0 && slices.Contains(shape, 0) {
		return fmt.Errorf("to %v with allowzero", shape)
	}
	dims, err := r.reshaped(shape, c.batch)
	if err != nil {
		return err
	}
	return c.viewAs(r, dims)
}

// reshaped returns the dimensions that a Reshape to shape gives.
func (r *result) reshaped(shape []int64, batch int64) ([]int64, error) {
	if len(shape) == 0 || len(shape) > maxDims {
		return nil, fmt.Errorf("to %v", shape)
	}
	dims, all := slices.Clone(shape), int64(r.step.c*r.step.h*r.step.w)
	if d := dims[0]; d != 0 && d != batch && d != -1 {
		return nil, fmt.Errorf("to %v, which is of %d images", shape, d)
	}
	dims[0] = batch
	known, free := int64(1), -1
	for i := 1; i < len(dims); i++ {
		if dims[i] == 0 && i < len(r.dims) {
			dims[i] = r.dims[i]
		}
		switch d := dims[i]; {
		case d == -1 && free < 0:
			free = i
		case d < 1 || known > all/d:
			return nil, fmt.Errorf("%v to %v", r.dims, shape)
		default:
			known *= d
		}
	}
	if free >= 0 {
		dims[free] = all / known
		known *= dims[free]
	}
	if known != all {
		return nil, fmt.Errorf("%v to %v", r.dims, shape)
	}
	return dims, nil
}

// viewAs gives the node's output the values of r with other dimensions. Images
// whose channels were transposed are shuffled.
func (c *converter) viewAs(r *result, dims []int64) error {
	s := r.step
	if r.shuffle == 0 {
		return c.set(&result{step: s, dims: dims})
	}
	if !slices.Equal(dims[1:], []int64{int64(s.c), int64(s.h), int64(s.w)}) {
		return fmt.Errorf("shuffled channels to %v", dims)
	}
	return c.give(c.add(c.name(), &graph.Shuffle{Groups: r.shuffle}, s.c, s.h, s.w, s))
}

func (c *converter) flatten() error {
	r, err := c.view(0)
	if err != nil {
		return err
	}
	if axis := c.node.int("axis", 1); axis != 1 && axis != 1-int64(r.rank()) {
		return fmt.Errorf("from axis %d on", axis)
	}
	if r.shuffle != 0 {
		return fmt.Errorf("of shuffled channels")
	}
	return c.set(&result{step: r.step, dims: []int64{c.batch, int64(r.step.c * r.step.h * r.step.w)}})
}

// axes returns the axes of the node: an attribute before a version, an input
// from then on.
func (c *converter) axes(version int64) ([]int64, error) {
	if c.f.opset < version {
		return c.node.ints("axes"), nil
	}
	return c.constInts(1)
}

func (c *converter) squeeze() error {
	r, err := c.view(0)
	if err != nil {
		return err
	}
	axes, err := c.axes(13)
	if err != nil {
		return err
	}
	if len(axes) == 0 || slices.Contains(axes, 0) || r.shuffle != 0 {
		return fmt.Errorf("of axes %v, want those of height and width", axes)
	}
	return c.set(&result{step: r.step, dims: append([]int64{c.batch}, squeezed(append([]int64{-2}, r.dims[1:]...), axes)[1:]...)})
}

func (c *converter) unsqueeze() error {
	r, err := c.view(0)
	if err != nil {
		return err
	}
	axes, err := c.axes(13)
	if err != nil {
		return err
	}
	axes = slices.Clone(axes)
	slices.Sort(axes)
	if r.rank() != 2 || r.step.h*r.step.w != 1 || !slices.Equal(axes, []int64{2, 3}) && !slices.Equal(axes, []int64{-2, -1}) {
		return fmt.Errorf("axes %v of %v", axes, r.dims)
	}
	return c.giveAs(r.step, 4)
}

// transpose makes images of an input that is N×H×W×C, leaves vectors as they are,
// or swaps the two halves of channels that are viewed as groups.
func (c *converter) transpose() error {
	r, err := c.view(0)
	if err != nil {
		return err
	}
	perm := c.node.ints("perm")
	if r.last { // or it would not be
		return c.set(&result{step: r.step, dims: r.dims})
	}
	if dims := permuted(r.dims, perm); dims != nil && r.shuffle == 0 {
		return c.set(&result{step: r.step, dims: dims})
	}
	if len(perm) != r.rank() || r.rank() < 4 || r.shuffle != 0 || r.plain() {
		return fmt.Errorf("%v of %v: only channels are shuffled", perm, r.dims)
	}
	for i, p := range perm {
		if want := map[int]int64{1: 2, 2: 1}[i]; i != 1 && i != 2 && p != int64(i) || want != 0 && p != want {
			return fmt.Errorf("%v of %v: only channels are shuffled", perm, r.dims)
		}
	}
	if r.dims[1]*r.dims[2] != int64(r.step.c) {
		return fmt.Errorf("%v of %v: only channels are shuffled", perm, r.dims)
	}
	dims := slices.Clone(r.dims)
	dims[1], dims[2] = dims[2], dims[1]
	return c.set(&result{step: r.step, dims: dims, shuffle: int(r.dims[1])})
}

// permuted returns the dimensions of a vector, such as the channels of single
// pixels, in another order, which leaves its values where they are; nil of others.
func permuted(dims, perm []int64) []int64 {
	if len(perm) != len(dims) || perm[0] != 0 {
		return nil
	}
	out := make([]int64, len(dims))
	long := 0
	for i, d := range dims {
		at := slices.Index(perm, int64(i))
		if at < 0 {
			return nil
		}
		if out[at] = d; i > 0 && d != 1 {
			long++
		}
	}
	if long > 1 {
		return nil
	}
	return out
}

func (c *converter) split() error {
	x, err := c.images(0)
	if err != nil {
		return err
	}
	r, err := c.view(0)
	if err != nil {
		return err
	}
	n := c.node
	if axis := n.int("axis", 0); axis != 1 && axis != 1-int64(r.rank()) {
		return fmt.Errorf("along axis %d", axis)
	}
	sizes := n.ints("split")
	if c.f.opset >= 13 {
		if sizes, err = c.constInts(1); err != nil {
			return err
		}
	}
	if parts := len(n.outputs); len(sizes) == 0 {
		each := (x.c + parts - 1) / parts
		for i := range parts {
			sizes = append(sizes, int64(min(each, x.c-i*each)))
		}
	}
	if len(sizes) != len(n.outputs) {
		return formatError("%d sizes for %d parts", len(sizes), len(n.outputs))
	}
	at := 0
	for i, size := range sizes {
		if size < 1 || size > int64(x.c-at) {
			return formatError("sizes %v of %d channels", sizes, x.c)
		}
		s := c.cut(x, at, at+int(size))
		dims := slices.Clone(r.dims)
		dims[1] = size
		c.values[n.outputs[i]] = &result{step: s, dims: dims}
		at += int(size)
	}
	if at != x.c {
		return formatError("sizes %v of %d channels", sizes, x.c)
	}
	return nil
}

// cut takes the channels [from, to).
func (c *converter) cut(x *step, from, to int) *step {
	if from == 0 && to == x.c {
		return x
	}
	return c.add(fmt.Sprintf("%s.%d", c.name(), from), &graph.Slice{From: from, To: to}, to-from, x.h, x.w, x)
}

func (c *converter) slice() error {
	r, err := c.view(0)
	if err != nil {
		return err
	}
	x, err := c.images(0)
	if err != nil {
		return err
	}
	ranges, err := c.ranges()
	if err != nil {
		return err
	}
	dims := slices.Clone(r.dims)
	var border pads
	for _, s := range ranges {
		axis := s.axis
		if axis < 0 {
			axis += int64(len(dims))
		}
		if axis < 1 || axis >= int64(len(dims)) || s.backwards {
			return fmt.Errorf("along axis %d", s.axis)
		}
		from, to := s.clamp(dims[axis])
		if from >= to {
			return fmt.Errorf("of nothing: %d to %d of %d", s.from, s.to, dims[axis])
		}
		if axis == 1 {
			x = c.cut(x, int(from), int(to))
		} else {
			border[axis-2], border[axis] = border[axis-2]+int(from), border[axis]+int(dims[axis]-to)
		}
		dims[axis] = to - from
	}
	if !border.zero() {
		if old, ok := x.op.(*cropStep); ok {
			x, border = x.in[0], border.plus(old.pads)
		}
		if added, ok := x.op.(*padStep); ok && !added.lowest {
			if op := shift(added.pads, border); op != nil {
				return c.set(&result{step: c.add(c.name(), op, x.c, x.in[0].h, x.in[0].w, x.in[0]), dims: dims})
			}
		}
		x = c.add(c.name(), &cropStep{border}, x.c, x.h-border[0]-border[2], x.w-border[1]-border[3], x)
	}
	return c.set(&result{step: x, dims: dims})
}

// pad puts zeros round images, or for a maximum what is less than all. After a
// cut of as much on the other sides it shifts them.
func (c *converter) pad() error {
	x, err := c.images(0)
	if err != nil {
		return err
	}
	n := c.node
	if mode := n.attributes["mode"].text; mode != "" && mode != "constant" {
		return fmt.Errorf("by %.50q", mode)
	}
	list, value := n.ints("pads"), n.float("value", 0)
	var axes []int64
	if c.f.opset >= 11 {
		if list, err = c.constInts(1); err != nil {
			return err
		}
		k, err := c.constFloats(2)
		if err != nil {
			return err
		}
		if k != nil && len(k.floats) == 1 {
			value = k.floats[0]
		}
		if axes, err = c.constInts(3); err != nil {
			return err
		}
	}
	border, err := borders(list, axes)
	lowest := value <= -math.MaxFloat32
	if err != nil || value != 0 && !lowest {
		return fmt.Errorf("by %v of %g, want zeros round images", list, value)
	}
	if border.zero() {
		return c.same()
	}
	if cut, ok := x.op.(*cropStep); ok && !lowest {
		if op := shift(border, cut.pads); op != nil {
			x = x.in[0]
			return c.give(c.add(c.name(), op, x.c, x.h, x.w, x))
		}
	}
	step := &padStep{border, lowest}
	in := x
	if old, ok := x.op.(*padStep); ok && old.lowest == lowest {
		in, step.pads = x.in[0], border.plus(old.pads)
	}
	return c.give(c.add(c.name(), step, x.c, x.h+border[0]+border[2], x.w+border[1]+border[3], in))
}

// shift is what zeros on some sides and a cut of as much on the other sides do;
// nil for others.
func shift(added, cut pads) *graph.Shift {
	if added[0] != cut[2] || added[2] != cut[0] || added[1] != cut[3] || added[3] != cut[1] || added[0]*added[2] != 0 || added[1]*added[3] != 0 {
		return nil
	}
	return &graph.Shift{DY: added[2] - added[0], DX: added[3] - added[1]}
}

// borders returns the pads of height and width, of a list for all axes or for
// some.
func borders(list, axes []int64) (pads, error) {
	var p pads
	if len(axes) == 0 {
		axes = []int64{0, 1, 2, 3}
	}
	if len(list) != 2*len(axes) {
		return p, formatError("pads %v for axes %v", list, axes)
	}
	for i, a := range axes {
		if a < 0 {
			a += 4
		}
		before, after := list[i], list[i+len(axes)]
		switch {
		case before == 0 && after == 0:
		case a != 2 && a != 3 || before < 0 || after < 0 || before > 1<<16 || after > 1<<16:
			return p, fmt.Errorf("pads %v", list)
		default:
			p[a-2], p[a] = int(before), int(after)
		}
	}
	return p, nil
}
