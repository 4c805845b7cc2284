package engine

import (
	"github.com/mixnet-go/mixnet/internal/kernel/bf16"
)

// With Precision BFloat16, 1×1 convolutions, depthwise and direct convolutions
// make bfloat16, and the first two read it; other layers take and make floats.
// Conversions stand between the two.

// half returns v, or a copy of its channels as bfloat16 where it is floats.
func (l *lowering) half(v *value) *value {
	v = l.plain(v)
	if v.half {
		return v
	}
	key := coding{of: v, half: true}
	if l.coded[key] == nil {
		y := &value{shape: v.shape, c: v.c, half: true}
		l.coded[key] = y
		l.emit(&narrowLayer{x: v, y: y})
	}
	return l.coded[key]
}

// narrowLayer rounds floats to bfloat16.
type narrowLayer struct {
	noWeights
	x, y *value
}

// widenLayer makes floats of bfloat16.
type widenLayer struct {
	noWeights
	x, y *value
}

// halfMeanLayer makes the mean over all pixels of bfloat16, in floats.
type halfMeanLayer struct {
	noWeights
	name string
	x, y *value
}

func (l *narrowLayer) args() (r, w []*value)   { return present(l.x), present(l.y) }
func (l *widenLayer) args() (r, w []*value)    { return present(l.x), present(l.y) }
func (l *halfMeanLayer) args() (r, w []*value) { return present(l.x), present(l.y) }

func (l *narrowLayer) plan(b *builder) {
	p := &narrow{x: b.view(l.x), y: b.view(l.y)}
	p.spans = b.spans(p.y)
	b.addSpans("narrow", "narrow bf16", p, len(p.spans), p.y, p.x)
}

type narrow struct {
	x, y  view
	spans []span
}

func (p *narrow) run(s *state, _, part int) {
	r := p.spans[part]
	row := r.from * p.y.w
	bf16.Finish(s.halves(p.y, r.image, row), p.y.stride, s.from(p.x, r.image, row), p.x.stride, (r.to-r.from)*p.y.w, p.y.c, bf16.Epilogue{}, nil)
}

func (l *widenLayer) plan(b *builder) {
	p := &widen{x: b.view(l.x), y: b.view(l.y)}
	p.spans = b.spans(p.y)
	b.addSpans("widen", "widen bf16", p, len(p.spans), p.y, p.x)
}

type widen struct {
	x, y  view
	spans []span
}

func (p *widen) run(s *state, _, part int) {
	r := p.spans[part]
	row := r.from * p.y.w
	bf16.Widen(s.from(p.y, r.image, row), p.y.stride, s.halves(p.x, r.image, row), p.x.stride, (r.to-r.from)*p.y.w, p.y.c)
}

func (l *halfMeanLayer) plan(b *builder) {
	x := b.view(l.x)
	b.add(step{
		name: l.name, kind: "globalpool bf16", parts: b.images, bytes: x.bytes(b.images),
		work: &halfMean{x: x, y: b.view(l.y)},
	})
}

type halfMean struct{ x, y view }

func (p *halfMean) run(s *state, _, image int) {
	y := s.from(p.y, image, 0)[:p.y.c]
	clear(y)
	pixels := p.x.pixels()
	bf16.SumRows(y, s.halves(p.x, image, 0), p.x.stride, pixels)
	for i := range y {
		y[i] /= float32(pixels)
	}
}

// halfMatrixLen returns the elements of packed weights that a matrix of
// bfloat16 takes.
func halfMatrixLen(out, in int) int { return floatsFor(halfBytes * bf16.MatrixLen(out, in)) }

// halfMatrix is matrix for bfloat16.
func (r *weightReader) halfMatrix(out, in int, scale []float32) (*bf16.Matrix, error) {
	mem := r.p.take(halfMatrixLen(out, in))
	w, err := r.next(out * in)
	if err != nil {
		return nil, err
	}
	m := bf16.MatrixIn(halvesOf(bytesOf(mem)), out, in)
	m.Pack(w, scale)
	return m, nil
}
