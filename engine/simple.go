package engine

import (
	"slices"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
)

// The layers without weights. Batch normalisation that could not be folded is
// one of them.

type globalPoolLayer struct {
	noWeights
	name string
	x, y *value
}

type poolLayer struct {
	noWeights
	name string
	op   *graph.Pool
	x, y *value
}

// scaleLayer multiplies each channel of an image by its factor.
type scaleLayer struct {
	noWeights
	name       string
	x, factors *value
	y          *value
}

type addLayer struct {
	noWeights
	name    string
	a, b, y *value
	act     kernel.Act
}

// affineLayer computes act(x·scale + shift); without a scale, act(x).
type affineLayer struct {
	noWeights
	name         string
	x, y         *value
	scale, shift []float32
	act          kernel.Act
}

// concatLayer joins values. Those that already lie in y need no copy.
type concatLayer struct {
	noWeights
	name  string
	parts []*value
	at    []int // first channel of each part in y
	y     *value
}

type shiftLayer struct {
	noWeights
	name string
	op   *graph.Shift
	x, y *value
}

func (l *globalPoolLayer) args() (r, w []*value) { return present(l.x), present(l.y) }
func (l *poolLayer) args() (r, w []*value)       { return present(l.x), present(l.y) }
func (l *scaleLayer) args() (r, w []*value)      { return present(l.x, l.factors), present(l.y) }
func (l *addLayer) args() (r, w []*value)        { return present(l.a, l.b), present(l.y) }
func (l *affineLayer) args() (r, w []*value)     { return present(l.x), present(l.y) }
func (l *concatLayer) args() (r, w []*value)     { return l.parts, present(l.y) }
func (l *shiftLayer) args() (r, w []*value)      { return present(l.x), present(l.y) }

func (l *scaleLayer) overwrites() (*value, []*value)  { return l.y, []*value{l.x} }
func (l *addLayer) overwrites() (*value, []*value)    { return l.y, []*value{l.a, l.b} }
func (l *affineLayer) overwrites() (*value, []*value) { return l.y, []*value{l.x} }

// noWeights is embedded in layers that have nothing to pack.
type noWeights struct{}

func (noWeights) packedLen() int     { return 0 }
func (noWeights) pack(*packer) error { return nil }

// concat returns the layer of a concatenation. Parts with storage of their
// own are moved into the result, so that their layers write there.
func (l *lowering) concat(n *node) layer {
	c := &concatLayer{name: n.name, y: l.value(n)}
	if n.code != nil && !slices.ContainsFunc(l.parts(n), func(v *value) bool { return v.code == nil }) {
		c.y.code = n.code
	}
	at := 0
	for _, v := range l.parts(n) {
		if c.y.code != nil {
			v = l.code(l.plain(v), *n.code)
		} else {
			v = l.float(v)
		}
		if v.in == nil && v != l.input {
			v.in, v.at = c.y, at
		}
		c.parts = append(c.parts, v)
		c.at = append(c.at, at)
		at += v.c
	}
	return c
}
