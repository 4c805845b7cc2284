package engine

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/par"
)

// span is a range of the rows of one image.
type span struct {
	image    int
	from, to int
}

// spanBytes is the least that a thread is given to move.
const spanBytes = 32 << 10

// spans cuts feature maps like y into ranges of rows.
func (b *builder) spans(y view) []span {
	parts := 1
	if b.threads > 1 {
		parts = max(1, min(y.h, shares*b.threads, y.h*y.w*y.c*y.block.elem/spanBytes))
	}
	var out []span
	for i := range b.images {
		for j := range parts {
			from, to := par.Split(y.h, parts, j)
			out = append(out, span{i, from, to})
		}
	}
	return out
}

// addSpans appends a step that moves what xs show to y, in a number of spans.
func (b *builder) addSpans(name, kind string, w work, spans int, y view, xs ...view) {
	y.block.byRows = true
	s := step{name: name, kind: kind, work: w, parts: spans, bytes: y.bytes(b.images)}
	for _, x := range xs {
		s.bytes += x.bytes(b.images)
	}
	b.add(s)
}

func (l *globalPoolLayer) plan(b *builder) {
	x := b.view(l.x)
	b.add(step{
		name: l.name, kind: "globalpool", parts: b.images, bytes: x.bytes(b.images),
		work: &globalPool{x: x, y: b.view(l.y)},
	})
}

type globalPool struct{ x, y view }

func (p *globalPool) run(s *state, _, image int) {
	mean(s.from(p.y, image, 0)[:p.y.c], s.from(p.x, image, 0), p.x.stride, p.x.pixels())
}

// mean sets y to the mean of a number of pixels.
func mean(y, x []float32, stride, pixels int) {
	clear(y)
	kernel.SumRows(y, x, stride, pixels)
	kernel.ScaleVec(y, y, 1/float32(pixels))
}

func (l *poolLayer) plan(b *builder) {
	x, y, op := b.view(l.x), b.view(l.y), l.op
	_, top := op.Padding.Extent(x.h, op.Kernel, op.Stride, 1)
	_, left := op.Padding.Extent(x.w, op.Kernel, op.Stride, 1)
	p := &pool{x: x, y: y, op: op, spans: b.spans(y), shape: kernel.PoolShape{
		H: x.h, W: x.w, C: x.c, SrcStride: x.stride, DstStride: y.stride,
		K: op.Kernel, Stride: op.Stride, Top: top, Left: left, OutH: y.h, OutW: y.w,
	}}
	b.addSpans(l.name, op.Kind(), p, len(p.spans), y, x)
}

type pool struct {
	x, y  view
	op    *graph.Pool
	shape kernel.PoolShape
	spans []span
}

func (p *pool) run(s *state, _, part int) {
	r := p.spans[part]
	y, x := s.from(p.y, r.image, 0), s.from(p.x, r.image, 0)
	if p.op.Max {
		kernel.MaxPool(y, x, &p.shape, r.from, r.to)
		return
	}
	kernel.MeanPool(y, x, &p.shape, p.op.CountPad, r.from, r.to)
}

func (l *scaleLayer) plan(b *builder) {
	addScale(b, l.name, b.view(l.y), b.view(l.x), b.view(l.factors))
}

// addScale appends the step y = x·factors; y may be x.
func addScale(b *builder, name string, y, x, factors view) {
	p := &scale{y: y, x: x, factors: factors, spans: b.spans(y)}
	b.addSpans(name, "scale", p, len(p.spans), y, x)
}

type scale struct {
	y, x, factors view
	spans         []span
}

func (p *scale) run(s *state, _, part int) {
	r := p.spans[part]
	row := r.from * p.y.w
	kernel.ScaleRows(s.from(p.y, r.image, row), p.y.stride, s.from(p.x, r.image, row), p.x.stride,
		(r.to-r.from)*p.y.w, s.from(p.factors, r.image, 0)[:p.y.c])
}

func (l *addLayer) plan(b *builder) {
	p := &add{y: b.view(l.y), a: b.view(l.a), b: b.view(l.b), act: l.act}
	p.spans = b.spans(p.y)
	b.addSpans(l.name, "add", p, len(p.spans), p.y, p.a, p.b)
}

type add struct {
	y, a, b view
	act     kernel.Act
	spans   []span
}

func (p *add) run(s *state, _, part int) {
	r := p.spans[part]
	row := r.from * p.y.w
	kernel.AddRows(s.from(p.y, r.image, row), p.y.stride, s.from(p.a, r.image, row), p.a.stride,
		s.from(p.b, r.image, row), p.b.stride, (r.to-r.from)*p.y.w, p.y.c, p.act)
}

func (l *affineLayer) plan(b *builder) {
	p := &affineStep{affineLayer: l, yv: b.view(l.y), xv: b.view(l.x)}
	p.spans = b.spans(p.yv)
	kind := "batchnorm"
	if l.scale == nil {
		kind = "activation"
	}
	b.addSpans(l.name, kind, p, len(p.spans), p.yv, p.xv)
}

type affineStep struct {
	*affineLayer
	yv, xv view
	spans  []span
}

func (p *affineStep) run(s *state, _, part int) {
	r := p.spans[part]
	row, rows := r.from*p.yv.w, (r.to-r.from)*p.yv.w
	y, x := s.from(p.yv, r.image, row), s.from(p.xv, r.image, row)
	if p.scale == nil {
		kernel.ActivateRows(y, p.yv.stride, x, p.xv.stride, rows, p.yv.c, p.act)
		return
	}
	kernel.AffineRows(y, p.yv.stride, x, p.xv.stride, rows, p.scale, p.shift, p.act)
}

func (l *concatLayer) plan(b *builder) {
	y := b.view(l.y)
	for i, v := range l.parts {
		x := b.view(v)
		to := y
		to.at, to.c = y.at+l.at[i], v.c
		if x.block == to.block && x.at == to.at {
			continue
		}
		p := &copyStep{y: to, x: x, spans: b.spans(to)}
		b.addSpans(l.name, "concat", p, len(p.spans), to, x)
	}
}

type copyStep struct {
	y, x  view
	spans []span
}

func (p *copyStep) run(s *state, _, part int) {
	r := p.spans[part]
	row := r.from * p.y.w
	if p.y.block.elem == 1 {
		copyCodes(s.codes(p.y, r.image, row), p.y.stride, s.codes(p.x, r.image, row), p.x.stride, (r.to-r.from)*p.y.w, p.y.c)
		return
	}
	kernel.CopyRows(s.from(p.y, r.image, row), p.y.stride, s.from(p.x, r.image, row), p.x.stride, (r.to-r.from)*p.y.w, p.y.c)
}

type gather struct {
	y, x  view
	order []int
	spans []span
}

func (p *gather) run(s *state, _, part int) {
	r := p.spans[part]
	row := r.from * p.y.w
	if p.y.block.elem == 1 {
		gatherCodes(s.codes(p.y, r.image, row), p.y.stride, s.codes(p.x, r.image, row), p.x.stride, (r.to-r.from)*p.y.w, p.order)
		return
	}
	kernel.GatherRows(s.from(p.y, r.image, row), p.y.stride, s.from(p.x, r.image, row), p.x.stride, (r.to-r.from)*p.y.w, p.order)
}

func (l *shiftLayer) plan(b *builder) {
	p := &shift{y: b.view(l.y), x: b.view(l.x), op: l.op}
	p.spans = b.spans(p.y)
	b.addSpans(l.name, "shift", p, len(p.spans), p.y, p.x)
}

type shift struct {
	y, x  view
	op    *graph.Shift
	spans []span
}

func (p *shift) run(s *state, _, part int) {
	r := p.spans[part]
	for y := r.from; y < r.to; y++ {
		kernel.ShiftRow(s.from(p.y, r.image, y*p.y.w), p.y.stride, s.from(p.x, r.image, 0), p.x.stride,
			p.x.h, p.x.w, p.x.c, y, p.op.DY, p.op.DX)
	}
}
