package onnx

import (
	"fmt"
	"math"
	"slices"

	"github.com/mixnet-go/mixnet/graph"
)

// perChannel returns a constant operand of an element-wise operator as one value
// for each channel of the other operand, at place i.
func (c *converter) perChannel(k *constant, i int) ([]float32, error) {
	r, err := c.view(i)
	if err != nil {
		return nil, err
	}
	if k.floats == nil {
		return nil, fmt.Errorf("a constant of integers")
	}
	channels := r.step.c
	if len(k.floats) == 1 {
		return slices.Repeat(k.floats, channels), nil
	}
	at := 1 - (r.rank() - len(k.dims)) // the axis of the channels in the constant
	if a, ok := c.node.attributes["axis"]; ok && c.f.opset < 7 {
		at = 1 - int(a.int)
	}
	for axis, d := range k.dims {
		if axis == at && d == int64(channels) || d == 1 {
			continue
		}
		return nil, fmt.Errorf("a constant of dimensions %v on images of %v", k.dims, r.dims)
	}
	return k.floats, nil
}

// operands returns the images and the constant of an operator that has one of
// each; the constant is nil where both are images.
func (c *converter) operands() (at int, k *constant, err error) {
	for i := range 2 {
		r, err := c.lookup(i)
		if err != nil {
			return 0, nil, err
		}
		if r == nil {
			return 0, nil, formatError("input %d is missing", i)
		}
		if r.constant != nil {
			at, k = 1-i, r.constant
		}
	}
	_, err = c.images(at)
	return at, k, err
}

func (c *converter) mul() error {
	at, k, err := c.operands()
	if err != nil {
		return err
	}
	if k != nil {
		factors, err := c.perChannel(k, at)
		if err != nil {
			return err
		}
		return c.affine(at, k.name, factors, nil)
	}
	return c.product()
}

// product multiplies two results: a gate by what it is computed from, every
// channel by a factor, or element by element.
func (c *converter) product() error {
	a, err := c.images(0)
	if err != nil {
		return err
	}
	b, err := c.images(1)
	if err != nil {
		return err
	}
	for i, pair := range [][2]*step{{a, b}, {b, a}} {
		x, gate := pair[0], pair[1]
		for from, to := range map[graph.Activation]graph.Activation{graph.Sigmoid: graph.Swish, graph.HardSigmoid: graph.HardSwish} {
			if gate.isAct(from, x) {
				return c.keep(i, c.add(c.name(), &graph.Activate{Func: to}, x.c, x.h, x.w, x))
			}
		}
	}
	for i, pair := range [][2]*step{{a, b}, {b, a}} {
		x, factors := pair[0], pair[1]
		if gated, ok := factors.hardGate(); ok && gated == x {
			continue
		}
		if factors.h == 1 && factors.w == 1 && factors.c == x.c {
			return c.keep(i, c.add(c.name(), &graph.Scale{}, x.c, x.h, x.w, x, factors))
		}
	}
	if a.c != b.c || a.h != b.h || a.w != b.w {
		return fmt.Errorf("of %d×%d×%d by %d×%d×%d", a.c, a.h, a.w, b.c, b.h, b.w)
	}
	return c.keep(0, c.add(c.name(), &productStep{}, a.c, a.h, a.w, a, b))
}

func (c *converter) div() error {
	at, k, err := c.operands()
	if err != nil {
		return err
	}
	if k == nil || at != 0 {
		return fmt.Errorf("by other than a constant")
	}
	if done, err := c.meanInside(k); done || err != nil {
		return err
	}
	divisors, err := c.perChannel(k, at)
	if err != nil {
		return err
	}
	factors := make([]float32, len(divisors))
	for i, d := range divisors {
		if d == 0 {
			return fmt.Errorf("by zero")
		}
		factors[i] = 1 / d
	}
	return c.affine(at, k.name, factors, nil)
}

// meanInside makes of a mean with zeros round the image that is divided by the
// part of each window that lies inside the mean of what lies inside.
func (c *converter) meanInside(part *constant) (bool, error) {
	y, err := c.images(0)
	if err != nil {
		return false, err
	}
	mean, ok := y.op.(*poolStep)
	if !ok || mean.Max || !mean.CountPad || mean.Stride < 1 || !slices.Equal(part.dims, []int64{1, 1, int64(y.h), int64(y.w)}) || len(part.floats) != y.h*y.w {
		return false, nil
	}
	x := y.in[0]
	inside := func(i, before, size int) int {
		from := i*mean.Stride - before
		return min(from+mean.Kernel, size) - max(from, 0)
	}
	for i, v := range part.floats {
		n := inside(i/y.w, mean.pads[0], x.h) * inside(i%y.w, mean.pads[1], x.w)
		if d := float64(v) - float64(n)/float64(mean.Kernel*mean.Kernel); n < 1 || math.Abs(d) > 1e-6 {
			return false, nil
		}
	}
	op := *mean
	op.CountPad = false
	return true, c.keep(0, c.add(c.name(), &op, y.c, y.h, y.w, x))
}

func (c *converter) sub() error {
	at, k, err := c.operands()
	if err != nil {
		return err
	}
	if k == nil {
		return fmt.Errorf("of two results")
	}
	shift, err := c.perChannel(k, at)
	if err != nil {
		return err
	}
	if at == 1 { // constant - x
		return c.affine(at, k.name, slices.Repeat([]float32{-1}, len(shift)), shift)
	}
	negative := make([]float32, len(shift))
	for i, v := range shift {
		negative[i] = -v
	}
	return c.affine(at, k.name, nil, negative)
}

// sum adds two or more results, or a constant to one.
func (c *converter) sum() error {
	if len(c.node.inputs) == 1 {
		return c.same()
	}
	if len(c.node.inputs) == 2 {
		at, k, err := c.operands()
		if err != nil {
			return err
		}
		if k != nil {
			shift, err := c.perChannel(k, at)
			if err != nil {
				return err
			}
			return c.affine(at, k.name, nil, shift)
		}
	}
	a, err := c.images(0)
	if err != nil {
		return err
	}
	for i := range c.node.inputs[1:] {
		b, err := c.images(1 + i)
		if err != nil {
			return err
		}
		if a.c != b.c || a.h != b.h || a.w != b.w {
			return fmt.Errorf("of %d×%d×%d and %d×%d×%d", a.c, a.h, a.w, b.c, b.h, b.w)
		}
		a = c.add(c.name(), &graph.Add{}, a.c, a.h, a.w, a, b)
	}
	return c.keep(0, a)
}

// affine scales and shifts the channels of input i; nil is 1 or 0. A shift of a
// fully connected layer becomes its bias, the last part of a hard gate the gate.
func (c *converter) affine(i int, name string, gamma, beta []float32) error {
	x, err := c.images(i)
	if err != nil {
		return err
	}
	if l, ok := x.op.(*linearStep); ok && gamma == nil && l.bias == nil {
		with := *l
		with.bias = beta
		return c.keep(i, c.add(x.name, &with, x.c, 1, 1, x.in...))
	}
	if gamma == nil {
		gamma = slices.Repeat([]float32{1}, x.c)
	}
	if beta == nil {
		beta = make([]float32, x.c)
	}
	n := affine(c.base(name), gamma, beta)
	if factor, ok := n.constantFactor(); ok && nearSixth(factor) {
		if from, ok := x.hardGate(); ok {
			return c.keep(i, c.add(c.name(), &graph.Activate{Func: graph.HardSigmoid}, x.c, x.h, x.w, from))
		}
		if _, product := x.op.(*productStep); product {
			for j, gate := range x.in {
				if from, ok := gate.hardGate(); ok && from == x.in[1-j] {
					return c.keep(i, c.add(c.name(), &graph.Activate{Func: graph.HardSwish}, x.c, x.h, x.w, from))
				}
			}
		}
	}
	return c.keep(i, c.add(c.name(), n, x.c, x.h, x.w, x))
}

// concat joins results along the channels. Branches that convolve parts of the
// same images become one convolution.
func (c *converter) concat() error {
	r, err := c.view(0)
	if err != nil {
		return err
	}
	if axis := c.node.int("axis", 1); axis != 1 && axis != 1-int64(r.rank()) {
		return fmt.Errorf("along axis %d of %d", axis, r.rank())
	}
	var parts []*step
	channels := 0
	for i := range c.node.inputs {
		x, err := c.images(i)
		if err != nil {
			return err
		}
		if len(parts) > 0 && (x.h != parts[0].h || x.w != parts[0].w) {
			return formatError("of %d×%d and %d×%d", parts[0].h, parts[0].w, x.h, x.w)
		}
		parts, channels = append(parts, x), channels+x.c
	}
	if len(parts) == 1 {
		return c.set(r)
	}
	joined := c.branches(parts)
	if joined == nil {
		joined = c.add(c.name(), &graph.Concat{}, channels, parts[0].h, parts[0].w, parts...)
	}
	return c.giveAs(joined, r.rank())
}

// branch is a convolution of some channels with what follows it.
type branch struct {
	conv  *step
	links []*step // activations and norms, the last first
}

// branches joins parts that are convolutions of all channels of the same images,
// each of some of them and in order; nil where they are not.
func (c *converter) branches(parts []*step) *step {
	var all []branch
	var source *step
	at := 0
	for _, p := range parts {
		b := branchOf(p)
		if b.conv == nil {
			return nil
		}
		cut, ok := b.conv.in[0].op.(*graph.Slice)
		if !ok || cut.From != at || source != nil && b.conv.in[0].in[0] != source {
			return nil
		}
		source, at = b.conv.in[0].in[0], cut.To
		if len(all) > 0 && !b.like(all[0]) {
			return nil
		}
		all = append(all, b)
	}
	if at != source.c {
		return nil
	}
	op := merged(all)
	if op == nil {
		return nil
	}
	channels := 0
	for _, p := range parts {
		channels += p.c
	}
	code := func(of func(branch) *step) *graph.Code {
		var codes []*graph.Code
		for _, b := range all {
			codes = append(codes, of(b).code)
		}
		return cover(codes)
	}
	s := c.add(shared(all[0].conv.name), op, channels, parts[0].h, parts[0].w, source)
	s.code = code(func(b branch) *step { return b.conv })
	for i := len(all[0].links) - 1; i >= 0; i-- {
		s = c.add(shared(all[0].links[i].name), joinedLinks(all, i), channels, s.h, s.w, s)
		s.code = code(func(b branch) *step { return b.links[i] })
	}
	return s
}

func branchOf(s *step) branch {
	var b branch
	for {
		switch s.op.(type) {
		case *convStep:
			b.conv = s
			return b
		case *graph.Activate, *normStep:
			b.links = append(b.links, s)
			s = s.in[0]
		default:
			return b
		}
	}
}

// like reports whether what follows the convolutions of both is of one kind.
func (b branch) like(o branch) bool {
	return slices.EqualFunc(b.links, o.links, func(x, y *step) bool {
		f, isAct := x.op.(*graph.Activate)
		g, isAct2 := y.op.(*graph.Activate)
		if isAct && isAct2 {
			return f.Func == g.Func
		}
		n, isNorm := x.op.(*normStep)
		m, isNorm2 := y.op.(*normStep)
		return isNorm && isNorm2 && n.eps == m.eps
	})
}

// merged is one operator for the convolutions of branches: a MixConv where all
// are depthwise, else one of several groups.
func merged(all []branch) any {
	var convs []*convStep
	depthwise, alike := true, true
	first := all[0].conv.op.(*convStep)
	for _, b := range all {
		s := b.conv.op.(*convStep)
		depthwise = depthwise && s.depthwise() && s.stride == first.stride
		alike = alike && s.groups == 1 && s.kernel == first.kernel && s.stride == first.stride && s.dilation == first.dilation && s.pads == first.pads
		convs = append(convs, s)
	}
	switch {
	case depthwise:
		return &mixStep{base: shared(first.base), groups: convs}
	case alike:
		return &groupStep{base: shared(first.base), groups: convs}
	}
	return nil
}

// depthwise reports whether every channel is convolved by itself.
func (s *convStep) depthwise() bool {
	return s.in == 1 && s.out == s.groups && s.kernel%2 == 1 && (s.groups > 1 || s.kernel > 1)
}

// joinedLinks is link i of all branches for all their channels.
func joinedLinks(all []branch, i int) any {
	n, ok := all[0].links[i].op.(*normStep)
	if !ok {
		return all[0].links[i].op
	}
	out := &normStep{base: shared(n.base), eps: n.eps, momentum: n.momentum}
	for _, b := range all {
		n := b.links[i].op.(*normStep)
		out.gamma, out.beta = append(out.gamma, n.gamma...), append(out.beta, n.beta...)
		out.mean, out.vari = append(out.mean, n.mean...), append(out.vari, n.vari...)
	}
	return out
}
