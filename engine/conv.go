package engine

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
)

// convLayer is a convolution with batch norm, activation, squeeze-excite's
// scaling of its input, residual addition and global pooling fused in.
type convLayer struct {
	name    string
	op      *graph.Conv
	x       *value
	factors *value     // N×1×1×C, multiplies the input; nil for none
	add     *value     // residual; nil for none
	y       *value     // nil if only the pooled output is wanted
	pool    *value     // mean of y over all positions; nil if not wanted
	act     kernel.Act // after the residual
	affine  *affine
	bias    []float32 // nil for none
	form    form
}

// form is a way to compute a convolution: its weights as a kernel takes them, and
// how the work is shared out.
type form interface {
	// packedLen returns the elements of the packed weights.
	packedLen(op *graph.Conv) int
	// pack packs the weights of c, whose bias is packed already.
	pack(c *convLayer, p *packer) error
	// plan appends the steps of c.
	plan(c *convLayer, b *builder)
}

// conv returns the layer of a convolution and the node it ends with.
func (l *lowering) conv(n *node, op *graph.Conv) (end *node, x layer) {
	c := &convLayer{name: n.name, op: op}
	src := n.in[0]
	if _, ok := src.op.(*graph.Scale); ok && src.fused {
		c.factors = l.float(l.value(src.in[1]))
		src = src.in[0]
	}
	c.x = l.value(src)
	if c.x.code != nil {
		c.x = l.float(c.x)
	}
	var f fusion
	end = f.follow(n, takeAffine|takeAdd)
	c.affine, c.act = f.affine, f.act
	if f.add != nil {
		c.add = l.value(f.add)
	}
	c.form = c.choose(n.pooled, l)
	switch h, ok := c.form.(*halfConv); {
	case ok && !h.vector:
		c.x = l.half(c.x)
	case c.x.half:
		c.x = l.float(c.x)
	case !isPointwise(op) || c.factors != nil:
		c.x = l.plain(c.x)
	}
	if isPointwise(op) && !n.pooled && !end.keep && len(end.users) == 1 {
		if u := end.users[0]; isGlobalPool(u) {
			u.fused = true
			c.pool = l.value(u)
			return end, c
		}
	}
	c.y = l.value(end)
	c.y.half = c.makesHalf()
	return end, c
}

// choose returns the form of c. The output is one pixel if pooled is true.
func (c *convLayer) choose(pooled bool, l *lowering) form {
	op := c.op
	if pooled && l.quant != nil && isPointwise(op) {
		return &vectorConv{scales: scalesOf(op.Weights, l.quant)}
	}
	if h := halfForm(c, pooled, l); h != nil {
		return h
	}
	if f, ok := winogradForm(op); ok {
		return &winogradConv{form: f}
	}
	switch {
	case !isPointwise(op):
		return &windowConv{half: l.halves && !pooled}
	case len(op.Groups) == 1 && c.add == nil && c.factors == nil && c.x.order == nil && !pooled && strassenPays(op):
		return &strassenConv{}
	}
	return &matrixConv{}
}

func isGlobalPool(n *node) bool {
	_, ok := n.op.(*graph.GlobalPool)
	return ok
}

func (c *convLayer) args() (reads, writes []*value) {
	return present(c.x, c.factors, c.add), present(c.y, c.pool)
}

// overwrites: a sum may replace the residual it adds to.
func (c *convLayer) overwrites() (y *value, inputs []*value) {
	if c.add == nil {
		return nil, nil
	}
	x, _ := c.x.storage()
	if a, _ := c.add.storage(); a == x {
		return nil, nil
	}
	return c.y, []*value{c.add}
}

// present returns those values that are not nil.
func present(values ...*value) []*value {
	out := values[:0]
	for _, v := range values {
		if v != nil {
			out = append(out, v)
		}
	}
	return out
}

func (c *convLayer) packedLen() int { return c.form.packedLen(c.op) }

func (c *convLayer) pack(p *packer) error {
	if err := c.packBias(p); err != nil {
		return err
	}
	err := c.form.pack(c, p)
	c.affine = nil
	return err
}

func (c *convLayer) plan(b *builder) { c.form.plan(c, b) }

// packBias computes the bias.
func (c *convLayer) packBias(p *packer) (err error) {
	if c.op.Bias != graph.NoParam {
		if c.bias, err = p.copyOf(c.op.Bias); err != nil {
			return err
		}
	}
	if a := c.affine; a != nil {
		if c.bias == nil {
			c.bias = make([]float32, c.op.Out())
		}
		for i := range c.bias {
			c.bias[i] = c.bias[i]*a.scale[i] + a.shift[i]
		}
	}
	return nil
}

// scale returns what batch norm multiplies outputs [from, to) by; nil for none.
func (c *convLayer) scale(from, to int) []float32 {
	if c.affine == nil {
		return nil
	}
	return c.affine.scale[from:to]
}

// biasOf returns the bias of outputs [from, to); nil for none.
func (c *convLayer) biasOf(from, to int) []float32 {
	if c.bias == nil {
		return nil
	}
	return c.bias[from:to]
}

// info returns a step of c for output feature maps of y's size.
func (c *convLayer) info(b *builder, y view) step {
	weights := int64(0)
	for _, g := range c.op.Groups {
		weights += 4 * int64(g.Out*g.In*c.op.Kernel*c.op.Kernel)
	}
	x := b.view(c.x)
	s := step{name: c.name, kind: c.op.Kind(), macs: c.op.MACsPerPixel() * int64(b.images*y.pixels()), bytes: weights + x.bytes(b.images)}
	if c.y != nil {
		s.bytes += y.bytes(b.images)
	}
	if c.add != nil {
		s.bytes += y.bytes(b.images)
	}
	return s
}

// optional returns the view of v, or the zero view for nil.
func (b *builder) optional(v *value) view {
	if v == nil {
		return view{}
	}
	return b.view(v)
}

// shape returns the geometry of a group of c on one image.
func (c *convLayer) shape(group int, x, y view) *kernel.ConvShape {
	op := c.op
	_, top := op.Padding.Extent(x.h, op.Kernel, op.Stride, op.Dilation)
	_, left := op.Padding.Extent(x.w, op.Kernel, op.Stride, op.Dilation)
	return &kernel.ConvShape{
		H: x.h, W: x.w, C: op.Groups[group].In, Pixel: x.stride,
		K: op.Kernel, Stride: op.Stride, Dilation: op.Dilation,
		Top: top, Left: left, OutH: y.h, OutW: y.w,
	}
}
