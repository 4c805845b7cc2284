package engine

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/kernel/q8"
	"github.com/mixnet-go/mixnet/internal/par"
)

// codeConvLayer is a convolution on codes, with batch norm, activation and
// residual.
type codeConvLayer struct {
	sums
	op     *graph.Conv
	bias   graph.ParamID
	groups []codeGroup
}

// codeGroup is a group of a convolution on codes.
type codeGroup struct {
	in, out int // first channels
	weight  *q8.Matrix
}

func (c *codeConvLayer) pack(p *packer) (err error) {
	var bias []float32
	if c.bias != graph.NoParam {
		if bias, err = p.copyOf(c.bias); err != nil {
			return err
		}
	}
	c.packSums(bias)
	w := p.weights(c.op.Weights)
	in, out := 0, 0
	for _, g := range c.op.Groups {
		part, err := w.next(g.Out * g.In * c.op.Kernel * c.op.Kernel)
		if err != nil {
			return err
		}
		codes, err := c.codes(part, out, g.Out)
		if err != nil {
			return err
		}
		c.groups = append(c.groups, codeGroup{in, out, q8.PackConv(codes, g.Out, g.In, c.op.Kernel)})
		in, out = in+g.In, out+g.Out
	}
	c.rebias()
	return nil
}

// rebias makes the biases of the sums.
func (c *codeConvLayer) rebias() {
	c.start()
	for _, g := range c.groups {
		g.weight.FoldZero(c.ep.Bias[g.out:][:g.weight.N], c.x.code.Zero)
	}
}

func (c *codeConvLayer) plan(b *builder) {
	p := &codeConv{x: b.view(c.x), y: b.view(c.y), add: b.optional(c.add)}
	for _, g := range c.groups {
		p.tiles = append(p.tiles, c.tiles(b, p, g)...)
	}
	if !isPointwise(c.op) {
		for range p.x.c {
			p.pad = append(p.pad, c.x.code.Zero)
		}
	}
	b.add(c.info(b, p.x, p.y, c.op.Kind(), c.op.MACsPerPixel(), p, len(p.tiles)))
}

// info returns a step of s.
func (s *sums) info(b *builder, x, y view, kind string, macs int64, w work, parts int) step {
	y.block.byRows = true
	st := step{name: s.name, kind: kind + " int8", work: w, parts: parts, macs: macs * int64(b.images*y.pixels()), bytes: x.bytes(b.images) + y.bytes(b.images)}
	if s.add != nil {
		st.bytes += y.bytes(b.images)
	}
	return st
}

// codeConv is a convolution on codes.
type codeConv struct {
	x, y, add view
	pad       []uint8 // what surrounds images; nil for a product of pixels
	tiles     []codeTile
}

// codeTile is some outputs of a group for a range of rows: of pixels of the
// whole batch, or where windows are read of the output of an image.
type codeTile struct {
	shape    *kernel.ConvShape
	weight   q8.Matrix
	ep       q8.Epilogue
	in, out  int // first channels
	image    int
	from, to int
}

// codeMACs is the least work on codes that is worth handing to another thread.
const codeMACs = 4 * tileMACs

// tiles cuts the work of a group.
func (c *codeConvLayer) tiles(b *builder, p *codeConv, g codeGroup) (out []codeTile) {
	t := codeTile{in: g.in, out: g.out}
	images, rows, perRow := 1, b.images*p.y.pixels(), g.weight.K*g.weight.N
	if !isPointwise(c.op) {
		images, rows, perRow = b.images, p.y.h, perRow*p.y.w
		t.shape = c.shape(g, p.x, p.y)
		b.scratch(floatsFor(q8.ConvScratch(t.shape)))
	}
	rowParts, colParts := 1, 1
	if b.threads > 1 {
		want := max(1, min(shares*b.threads, rows*perRow/codeMACs))
		rowParts = min(want, max(1, rows/(minRows/max(1, p.y.w*(images/b.images))+1)))
		if rowParts > 1 {
			rowParts = roundUp(rowParts, b.threads)
		}
		rowParts = min(rowParts, rows)
		if rowParts < want {
			colParts = min((want+rowParts-1)/rowParts, (g.weight.N+kernelCols-1)/kernelCols)
		}
	}
	for image := range images {
		for r := range rowParts {
			t.image = image
			t.from, t.to = par.Split(rows, rowParts, r)
			for i := range colParts {
				from, to := par.Split((g.weight.N+kernelCols-1)/kernelCols, colParts, i)
				from, to = from*kernelCols, min(to*kernelCols, g.weight.N)
				part := t
				part.out += from
				part.weight, part.ep = g.weight.Columns(from, to), c.part(g.out+from, g.out+to)
				out = append(out, part)
			}
		}
	}
	return out
}

// shape returns the geometry of a group on one image.
func (c *codeConvLayer) shape(g codeGroup, x, y view) *kernel.ConvShape {
	op := c.op
	_, top := op.Padding.Extent(x.h, op.Kernel, op.Stride, op.Dilation)
	_, left := op.Padding.Extent(x.w, op.Kernel, op.Stride, op.Dilation)
	return &kernel.ConvShape{
		H: x.h, W: x.w, C: g.weight.K / (op.Kernel * op.Kernel), Pixel: x.stride,
		K: op.Kernel, Stride: op.Stride, Dilation: op.Dilation,
		Top: top, Left: left, OutH: y.h, OutW: y.w,
	}
}

func (p *codeConv) run(s *state, worker, part int) {
	t := &p.tiles[part]
	ep := &s.codeEpilogues[worker]
	*ep = t.ep
	pixel := t.from
	if t.shape != nil {
		pixel *= p.y.w
	}
	if p.add.block != nil {
		ep.Add, ep.AddStride = s.codes(p.add, t.image, pixel)[t.out:], p.add.stride
	}
	y := s.codes(p.y, t.image, pixel)[t.out:]
	if t.shape == nil {
		q8.Pointwise(y, p.y.stride, s.codes(p.x, 0, t.from)[t.in:], p.x.stride, t.to-t.from, &t.weight, ep)
		return
	}
	x := s.codes(p.x, t.image, 0)[t.in:]
	q8.Conv(y, p.y.stride, x, t.shape, p.pad[t.in:], t.from, t.to, &t.weight, ep, bytesOf(s.scratch[worker]))
}
