package engine

import (
	"slices"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/par"
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

	halves bool // products by Strassen's algorithm
	groups []convGroup
	bias   []float32 // nil for none
	bytes  *byteStem // for an input of bytes; nil if not wanted
}

// convGroup is one group of a convolution, or with Strassen's algorithm some
// of its outputs.
type convGroup struct {
	in, out  int // first channels
	weight   *kernel.Matrix
	strassen *kernel.Strassen // in place of weight
	winograd *kernel.Winograd // in place of weight
}

// byteStem is the first convolution with the normalisation of the image
// folded in.
type byteStem struct {
	weight *kernel.Matrix
	bias   []float32
	pad    []float32 // what stands outside the image: the mean
}

// conv returns the layer of a convolution and the node it ends with.
func (l *lowering) conv(n *node, op *graph.Conv) (end *node, x layer) {
	c := &convLayer{name: n.name, op: op}
	src := n.in[0]
	if _, ok := src.op.(*graph.Scale); ok && src.fused {
		c.factors = l.plain(l.value(src.in[1]))
		src = src.in[0]
	}
	c.x = l.value(src)
	var f fusion
	end = f.follow(n, takeAffine|takeAdd)
	c.affine, c.act = f.affine, f.act
	if f.add != nil {
		c.add = l.value(f.add)
	}
	c.halves = isPointwise(op) && len(op.Groups) == 1 && c.add == nil && c.factors == nil && c.x.order == nil && !n.pooled &&
		min(op.In(), op.Out()) >= strassenLeast && kernel.StrassenFits(op.Out(), op.In())
	if !isPointwise(op) || c.factors != nil {
		c.x = l.plain(c.x)
	}
	if isPointwise(op) && !end.keep && len(end.users) == 1 {
		if u := end.users[0]; isGlobalPool(u) {
			u.fused = true
			c.pool = l.value(u)
			return end, c
		}
	}
	c.y = l.value(end)
	return end, c
}

// strassenLeast is the least number of inputs and of outputs for which
// Strassen's algorithm saves more time than its sums take.
const strassenLeast = 256

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

func (c *convLayer) matrixLen() (n int) {
	if c.halves {
		return kernel.StrassenLen(c.op.Out(), c.op.In())
	}
	form, winograd := winogradForm(c.op)
	for _, g := range c.op.Groups {
		switch {
		case c.op.Kernel == 1:
			n += kernel.MatrixLen(g.Out, g.In)
		case winograd:
			n += kernel.WinogradLen(form, g.Out, g.In)
		}
	}
	return n
}

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

func (c *convLayer) pack(p *packer) (err error) {
	if err := c.packBias(p); err != nil {
		return err
	}
	if c.halves {
		return c.packStrassen(p)
	}
	form, winograd := winogradForm(c.op)
	c.groups = make([]convGroup, len(c.op.Groups))
	w := p.weights(c.op.Weights)
	in, at := 0, 0
	for i, g := range c.op.Groups {
		var scale []float32
		if c.affine != nil {
			scale = c.affine.scale[at:][:g.Out]
		}
		c.groups[i] = convGroup{in: in, out: at}
		switch {
		case c.op.Kernel == 1 && p.stem != c:
			c.groups[i].in, c.groups[i].weight, err = c.x.matrix(w, in, g.In, g.Out, scale)
		case winograd && p.stem != c:
			c.groups[i].winograd, err = w.winograd(form, g, scale)
		default:
			c.groups[i].weight, err = c.packDense(p, w, g, scale)
		}
		if err != nil {
			return err
		}
		in += g.In
		at += g.Out
	}
	c.affine = nil
	return nil
}

// matrix packs the next weights of a layer that reads n channels of v from in on.
// It returns the first of them in v's storage.
func (v *value) matrix(w *weightReader, in, n, out int, scale []float32) (first int, m *kernel.Matrix, err error) {
	if v.order == nil {
		m, err = w.matrix(out, n, scale, nil)
		return in, m, err
	}
	perm, from := ascending(v.order[in:][:n])
	if m, err = w.matrix(out, n, scale, perm); err != nil {
		return 0, nil, err
	}
	first = from[0]
	for i := range from {
		from[i] -= first
	}
	if !consecutive(from) {
		m.Gather(from)
	}
	return first, m, nil
}

// packDense packs the weights of a group of larger windows.
func (c *convLayer) packDense(p *packer, w *weightReader, g graph.ConvGroup, scale []float32) (*kernel.Matrix, error) {
	part, err := w.next(g.Out * g.In * c.op.Kernel * c.op.Kernel)
	if err != nil {
		return nil, err
	}
	m := kernel.PackConv(part, g.Out, g.In, c.op.Kernel)
	if scale != nil {
		m.ScaleOutputs(scale)
	}
	if p.stem == c {
		c.bytes = c.foldBytes(part, g, p)
	}
	return m, nil
}

// packStrassen packs the weights for Strassen's algorithm, in blocks of outputs
// that several threads share.
func (c *convLayer) packStrassen(p *packer) error {
	in, out := c.op.In(), c.op.Out()
	blocks := max(1, min(p.threads, out/strassenLeast))
	w := p.weights(c.op.Weights)
	c.groups = make([]convGroup, blocks)
	for i := range blocks {
		from, to := par.Split(out/kernel.StrassenUnit, blocks, i)
		from, to = from*kernel.StrassenUnit, to*kernel.StrassenUnit
		part, err := w.next((to - from) * in)
		if err != nil {
			return err
		}
		var scale []float32
		if c.affine != nil {
			scale = c.affine.scale[from:to]
		}
		n := kernel.StrassenLen(to-from, in)
		c.groups[i] = convGroup{out: from, strassen: kernel.StrassenIn(p.mem[:n], part, to-from, in, scale)}
		p.mem = p.mem[n:]
	}
	c.affine = nil
	return nil
}

// foldBytes prepares a layer of one group, with weights w, for pixels of bytes.
func (c *convLayer) foldBytes(w []float32, g graph.ConvGroup, p *packer) *byteStem {
	w = slices.Clone(w)
	s := &byteStem{bias: make([]float32, g.Out), pad: make([]float32, g.In)}
	copy(s.bias, c.bias)
	if c.affine != nil {
		perOut := len(w) / g.Out
		for o, f := range c.affine.scale {
			row := w[o*perOut:][:perOut]
			kernel.ScaleVec(row, row, f)
		}
	}
	std := make([]float32, g.In)
	for i := range std {
		s.pad[i] = p.mean[i] * 255
		std[i] = p.std[i] * 255
	}
	kernel.FoldNormalization(w, s.bias, g.In, s.pad, std)
	s.weight = kernel.PackConv(w, g.Out, g.In, c.op.Kernel)
	return s
}
