package engine

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/kernel/q8"
)

// The layers on codes without weights.

// lookupLayer is a function of one code: an activation, or a change of scale.
type lookupLayer struct {
	noWeights
	name string
	x, y *value
	act  kernel.Act
}

type codeAddLayer struct {
	noWeights
	name    string
	a, b, y *value
	act     kernel.Act // Identity or a rectifier
}

// codeScaleLayer multiplies each channel of an image by its factor, a float.
type codeScaleLayer struct {
	noWeights
	name       string
	x, factors *value
	y          *value
}

// codeMeanLayer makes the mean over all pixels, in floats.
type codeMeanLayer struct {
	noWeights
	name string
	x, y *value
}

type codePoolLayer struct {
	noWeights
	name string
	op   *graph.Pool
	x, y *value
}

func (l *lookupLayer) args() (r, w []*value)    { return present(l.x), present(l.y) }
func (l *codeAddLayer) args() (r, w []*value)   { return present(l.a, l.b), present(l.y) }
func (l *codeScaleLayer) args() (r, w []*value) { return present(l.x, l.factors), present(l.y) }
func (l *codeMeanLayer) args() (r, w []*value)  { return present(l.x), present(l.y) }
func (l *codePoolLayer) args() (r, w []*value)  { return present(l.x), present(l.y) }

func (l *lookupLayer) overwrites() (*value, []*value)    { return l.y, []*value{l.x} }
func (l *codeAddLayer) overwrites() (*value, []*value)   { return l.y, []*value{l.a, l.b} }
func (l *codeScaleLayer) overwrites() (*value, []*value) { return l.y, []*value{l.x} }

func (l *lookupLayer) plan(b *builder) {
	p := &lookup{y: b.view(l.y), x: b.view(l.x)}
	for q := range p.table {
		p.table[q] = activated(l.act, float64(l.x.code.Value(uint8(q))), *l.y.code)
	}
	p.spans = b.spans(p.y)
	b.addSpans(l.name, "lookup int8", p, len(p.spans), p.y, p.x)
}

type lookup struct {
	y, x  view
	table [256]uint8
	spans []span
}

func (p *lookup) run(s *state, _, part int) {
	r := p.spans[part]
	row := r.from * p.y.w
	q8.Lookup(s.codes(p.y, r.image, row), p.y.stride, s.codes(p.x, r.image, row), p.x.stride, p.y.c, (r.to-r.from)*p.y.w, &p.table)
}

func (l *codeAddLayer) plan(b *builder) {
	p := &codeAdd{y: b.view(l.y), a: b.view(l.a), b: b.view(l.b)}
	y := *l.y.code
	p.sum = q8.Add{
		AZero: l.a.code.Zero, BZero: l.b.code.Zero,
		AMul: l.a.code.Scale / y.Scale, BMul: l.b.code.Scale / y.Scale,
		Zero: y.Zero, Hi: 255,
	}
	if l.act != kernel.Identity {
		p.sum.Lo = y.Zero
	}
	if l.act == kernel.ReLU6 {
		p.sum.Hi = y.Round(6)
	}
	p.spans = b.spans(p.y)
	b.addSpans(l.name, "add int8", p, len(p.spans), p.y, p.a, p.b)
}

type codeAdd struct {
	y, a, b view
	sum     q8.Add
	spans   []span
}

func (p *codeAdd) run(s *state, _, part int) {
	r := p.spans[part]
	row := r.from * p.y.w
	p.sum.Rows(s.codes(p.y, r.image, row), p.y.stride, s.codes(p.a, r.image, row), p.a.stride,
		s.codes(p.b, r.image, row), p.b.stride, p.y.c, (r.to-r.from)*p.y.w)
}

func (l *codeScaleLayer) plan(b *builder) {
	p := &codeScale{y: b.view(l.y), x: b.view(l.x), factors: b.view(l.factors), from: *l.x.code, to: *l.y.code}
	b.scratch(p.y.c)
	p.spans = b.spans(p.y)
	b.addSpans(l.name, "scale int8", p, len(p.spans), p.y, p.x)
}

type codeScale struct {
	y, x, factors view
	from, to      graph.Code
	spans         []span
}

func (p *codeScale) run(s *state, worker, part int) {
	r := p.spans[part]
	row := r.from * p.y.w
	mul, of := s.scratch[worker][:p.y.c], s.from(p.factors, r.image, 0)
	for c := range mul {
		mul[c] = float32(min(max(of[c], -2), 2) * (p.from.Scale / p.to.Scale))
	}
	q8.ScaleRows(s.codes(p.y, r.image, row), p.y.stride, p.to.Zero, s.codes(p.x, r.image, row), p.x.stride, p.from.Zero, mul, (r.to-r.from)*p.y.w)
}

func (l *codeMeanLayer) plan(b *builder) {
	p := &codeMean{x: b.view(l.x), y: b.view(l.y), code: *l.x.code}
	b.scratch(p.x.c)
	b.add(step{name: l.name, kind: "globalpool int8", parts: b.images, bytes: p.x.bytes(b.images), work: p})
}

type codeMean struct {
	x, y view
	code graph.Code
}

func (p *codeMean) run(s *state, worker, image int) {
	sums := intsOf(s.scratch[worker])[:p.x.c]
	clear(sums)
	pixels := p.x.pixels()
	q8.SumRows(sums, s.codes(p.x, image, 0), p.x.stride, pixels)
	each := float64(p.code.Scale) / float64(pixels)
	for c, y := 0, s.from(p.y, image, 0); c < len(sums); c++ {
		y[c] = float32(float64(int(sums[c])-pixels*int(p.code.Zero)) * each)
	}
}

func (l *codePoolLayer) plan(b *builder) {
	x, y, op := b.view(l.x), b.view(l.y), l.op
	_, top := op.Padding.Extent(x.h, op.Kernel, op.Stride, 1)
	_, left := op.Padding.Extent(x.w, op.Kernel, op.Stride, 1)
	p := &codePool{x: x, y: y, op: op, zero: l.x.code.Zero, spans: b.spans(y), shape: kernel.PoolShape{
		H: x.h, W: x.w, C: x.c, SrcStride: x.stride, DstStride: y.stride,
		K: op.Kernel, Stride: op.Stride, Top: top, Left: left, OutH: y.h, OutW: y.w,
	}}
	b.addSpans(l.name, op.Kind()+" int8", p, len(p.spans), y, x)
}

type codePool struct {
	x, y  view
	op    *graph.Pool
	zero  uint8
	shape kernel.PoolShape
	spans []span
}

func (p *codePool) run(s *state, _, part int) {
	r := p.spans[part]
	y, x := s.codes(p.y, r.image, 0), s.codes(p.x, r.image, 0)
	if p.op.Max {
		q8.MaxPool(y, x, &p.shape, p.zero, r.from, r.to)
		return
	}
	q8.MeanPool(y, x, &p.shape, p.zero, p.op.CountPad, r.from, r.to)
}
