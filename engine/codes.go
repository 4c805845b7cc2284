package engine

import (
	"slices"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/kernel/q8"
)

// Where a network is quantized, values are codes of a byte. A layer takes codes
// and makes them, or takes and makes floats; conversions stand between the two.

// code returns the code of a node's result; nil for floats.
func (r *reader) code(id graph.ID) *graph.Code {
	if r.quant == nil {
		return nil
	}
	if c, ok := r.quant.Codes[id]; ok {
		return &c
	}
	return nil
}

// parts returns the values of n's inputs.
func (l *lowering) parts(n *node) []*value {
	var parts []*value
	for _, in := range n.in {
		parts = append(parts, l.value(in))
	}
	return parts
}

// sameCode reports whether values have the code of v, or are all floats or all
// bfloat16 as v.
func sameCode(v *value, others []*value) bool {
	return !slices.ContainsFunc(others, func(o *value) bool {
		return o.half != v.half || (o.code == nil) != (v.code == nil) || o.code != nil && *o.code != *v.code
	})
}

// float returns v, or a copy of its channels as floats where it is codes,
// bfloat16, or a selection.
func (l *lowering) float(v *value) *value {
	v = l.plain(v)
	if v.code == nil && !v.half {
		return v
	}
	key := coding{of: v}
	if l.coded[key] == nil {
		y := &value{shape: v.shape, c: v.c}
		l.coded[key] = y
		if v.half {
			l.emit(&widenLayer{x: v, y: y})
		} else {
			l.emit(&decodeLayer{x: v, y: y})
		}
	}
	return l.coded[key]
}

// code returns v, or a copy in the given code where it is floats or of another.
func (l *lowering) code(v *value, c graph.Code) *value {
	if v.code != nil && *v.code == c {
		return v
	}
	v = l.plain(v)
	key := coding{of: v, code: c}
	if l.coded[key] == nil {
		y := &value{shape: v.shape, c: v.c, code: &c}
		l.coded[key] = y
		if v.code == nil {
			l.emit(&encodeLayer{x: v, y: y})
		} else {
			l.emit(&lookupLayer{name: "recode", x: v, y: y, act: kernel.Identity})
		}
	}
	return l.coded[key]
}

// encodeLayer rounds floats to codes.
type encodeLayer struct {
	noWeights
	x, y   *value
	pixels *[][256]uint8 // of a byte of each channel, where it takes images as bytes
}

// decodeLayer turns codes into what they stand for.
type decodeLayer struct {
	noWeights
	x, y *value
}

func (l *encodeLayer) args() (r, w []*value) { return present(l.x), present(l.y) }
func (l *decodeLayer) args() (r, w []*value) { return present(l.x), present(l.y) }

// findEncoder returns the layer that alone reads the input, if it makes codes.
func (n *network) findEncoder() (first *encodeLayer) {
	for _, l := range n.layers {
		reads, _ := l.args()
		for _, v := range reads {
			if root, _ := v.storage(); root != n.input {
				continue
			}
			e, ok := l.(*encodeLayer)
			if !ok || first != nil || v != n.input {
				return nil
			}
			first = e
		}
	}
	for _, r := range n.ready {
		if root, _ := r.value.storage(); root == n.input {
			return nil
		}
	}
	if first != nil {
		first.pixels = new([][256]uint8)
	}
	return first
}

// pack makes the codes of bytes.
func (l *encodeLayer) pack(p *packer) error {
	if l.pixels == nil {
		return nil
	}
	*l.pixels = make([][256]uint8, l.x.c)
	for c := range *l.pixels {
		for b := range 256 {
			x := (float64(b)/255 - float64(p.mean[c])) / float64(p.std[c])
			(*l.pixels)[c][b] = l.y.code.Round(float32(x))
		}
	}
	return nil
}

func (l *encodeLayer) plan(b *builder) {
	p := &encode{x: b.view(l.x), y: b.view(l.y), code: *l.y.code, pixels: l.pixels}
	p.spans = b.spans(p.y)
	b.addSpans("quantize", "quantize", p, len(p.spans), p.y, p.x)
}

type encode struct {
	x, y   view
	code   graph.Code
	pixels *[][256]uint8
	spans  []span
}

func (p *encode) run(s *state, _, part int) {
	r := p.spans[part]
	row, pixels := r.from*p.y.w, (r.to-r.from)*p.y.w
	y := s.codes(p.y, r.image, row)
	if p.pixels != nil && s.x.bytes != nil {
		x := s.x.bytes[(r.image*p.x.h*p.x.w+row)*p.x.c:]
		for i := range pixels {
			for c := range p.x.c {
				y[i*p.y.stride+c] = (*p.pixels)[c][x[i*p.x.c+c]]
			}
		}
		return
	}
	x := s.from(p.x, r.image, row)
	if p.x.stride == p.x.c && p.y.stride == p.x.c {
		q8.Quantize(y, x[:pixels*p.x.c], p.code.Scale, p.code.Zero)
		return
	}
	for i := range pixels {
		q8.Quantize(y[i*p.y.stride:], x[i*p.x.stride:][:p.x.c], p.code.Scale, p.code.Zero)
	}
}

func (l *decodeLayer) plan(b *builder) {
	p := &decode{x: b.view(l.x), y: b.view(l.y), code: *l.x.code}
	p.spans = b.spans(p.y)
	b.addSpans("dequantize", "dequantize", p, len(p.spans), p.y, p.x)
}

type decode struct {
	x, y  view
	code  graph.Code
	spans []span
}

func (p *decode) run(s *state, _, part int) {
	r := p.spans[part]
	row, pixels := r.from*p.y.w, (r.to-r.from)*p.y.w
	y, x := s.from(p.y, r.image, row), s.codes(p.x, r.image, row)
	for i := range pixels {
		q8.Dequantize(y[i*p.y.stride:], x[i*p.x.stride:][:p.x.c], p.code.Scale, p.code.Zero)
	}
}

// copyCodes copies rows of n codes.
func copyCodes(dst []uint8, dstStride int, src []uint8, srcStride, rows, n int) {
	for r := range rows {
		copy(dst[r*dstStride:][:n], src[r*srcStride:])
	}
}

// gatherCodes sets each row of dst to the codes of a row of src in an order.
func gatherCodes(dst []uint8, dstStride int, src []uint8, srcStride, rows int, order []int) {
	for r := range rows {
		x := src[r*srcStride:]
		for i, d := 0, dst[r*dstStride:][:len(order)]; i < len(d); i++ {
			d[i] = x[order[i]]
		}
	}
}
