package engine

import (
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/par"
)

// winograd is a 3×3 convolution in Winograd's form.
//
// The tiles of a batch are worked on in blocks, whose transformed input stays
// in a thread's second-level cache while it meets the weights. If there are
// too few blocks for the threads, transforming the input is a step of its own,
// and the threads share the outputs.
type winograd struct {
	x, y, add view
	act       kernel.Act
	parts     []winogradPart
}

// winogradPart is some outputs of a block of tiles, in units of 32.
type winogradPart struct {
	weight   *kernel.Winograd
	shape    *kernel.ConvShape
	bias     []float32
	in, out  int // first channels
	block    kernel.Tiles
	from, to int
	input    view // what winogradInput made; the zero view if nothing did
}

const (
	// winogradBlock is the size in elements that the transformed input of a
	// block should have.
	winogradBlock = 128 << 10
	// winogradTiles is the least number of tiles of a block: fewer use each
	// weight too seldom.
	winogradTiles = 32
)

func (f *winogradConv) plan(c *convLayer, b *builder) {
	w := &winograd{x: b.view(c.x), y: b.view(c.y), add: b.optional(c.add), act: c.act}
	var inputs winogradInput
	for gi := range f.groups {
		f.planGroup(c, b, gi, w, &inputs)
	}
	if len(inputs.parts) > 0 {
		inputs.x = w.x
		b.add(step{name: c.name, kind: "winograd input", work: &inputs, parts: len(inputs.parts), bytes: 4 * w.x.bytes(b.images)})
	}
	w.y.block.byRows = len(inputs.parts) == 0
	s := c.info(b, w.y)
	s.kind, s.work, s.parts = "winograd", w, len(w.parts)
	b.add(s)
}

func (f *winogradConv) planGroup(c *convLayer, b *builder, gi int, w *winograd, inputs *winogradInput) {
	g := f.groups[gi]
	shape := c.shape(gi, w.x, w.y)
	part := winogradPart{weight: g.weight, shape: shape, bias: c.biasOf(g.out, g.out+g.weight.Out), in: g.in, out: g.out, to: g.weight.Groups()}
	tiles := b.images * part.weight.Tiles(shape)
	per := max(winogradTiles, winogradBlock/part.weight.InputLen(1))
	blocks := max(1, (tiles+per/2)/per)
	split := b.threads > 1 && blocks < b.threads
	if !split {
		blocks = min(tiles, roundUp(blocks, b.threads))
	}
	for i := range blocks {
		part.block.From, part.block.To = par.Split(tiles, blocks, i)
		n := part.block.To - part.block.From
		b.scratch(part.weight.ScratchLen(n))
		if !split {
			b.scratch(part.weight.ScratchLen(n) + part.weight.InputLen(n))
			w.parts = append(w.parts, part)
			continue
		}
		part.input = b.temporary(1, part.weight.InputLen(n))
		inputs.share(part, shares*b.threads)
		groups := part.weight.Groups()
		for part.from = range groups {
			part.to = part.from + 1
			w.parts = append(w.parts, part)
		}
	}
}

func (w *winograd) run(s *state, worker, i int) {
	p := &w.parts[i]
	n := p.block.To - p.block.From
	m, v := s.scratch[worker], []float32(nil)
	if p.input.block != nil {
		v = s.from(p.input, 0, 0)
	} else {
		scratch := p.weight.ScratchLen(n)
		m, v = m[:scratch], m[scratch:]
		p.weight.Input(v, s.from(w.x, 0, 0)[p.in:], p.shape, p.block, p.block)
	}
	ep := &s.epilogues[worker] // one on the stack would escape
	*ep = kernel.Epilogue{Bias: p.bias, Act: w.act}
	if w.add.block != nil {
		ep.Add, ep.AddStride = s.from(w.add, 0, 0)[p.out:], w.add.stride
	}
	p.weight.Output(s.from(w.y, 0, 0)[p.out:], w.y.stride, v, p.shape, p.block, p.from, p.to, ep, m)
}

// winogradInput transforms the input of blocks of tiles.
type winogradInput struct {
	x     view
	parts []winogradInputPart
}

// winogradInputPart is some tiles of a block.
type winogradInputPart struct {
	*winogradPart
	some kernel.Tiles
}

// share appends the input of p in a number of parts.
func (w *winogradInput) share(p winogradPart, parts int) {
	tiles := p.block.To - p.block.From
	parts = min(parts, tiles)
	for i := range parts {
		from, to := par.Split(tiles, parts, i)
		w.parts = append(w.parts, winogradInputPart{&p, kernel.Tiles{From: p.block.From + from, To: p.block.From + to}})
	}
}

func (w *winogradInput) run(s *state, _, i int) {
	p := &w.parts[i]
	p.weight.Input(s.from(p.input, 0, 0), s.from(w.x, 0, 0)[p.in:], p.shape, p.block, p.some)
}
