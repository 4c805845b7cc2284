package engine

import (
	"slices"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/kernel/bf16"
	"github.com/mixnet-go/mixnet/internal/par"
)

// halfConv is the form of a 1×1 convolution with weights of bfloat16. It reads
// and makes such, but on single pixels, where only the weights matter, floats.
type halfConv struct {
	vector bool // on single pixels
	groups []halfGroup
}

// halfGroup is a group of a convolution.
type halfGroup struct {
	in, out int // first channels
	weight  *bf16.Matrix
}

// largeVector is how many weights a convolution on single pixels has, at least,
// for their size to matter more than their precision: a classifier, but not
// squeeze-excite.
const largeVector = 1 << 18

// halfForm returns the form of c as bfloat16; nil if it is computed in float32.
func halfForm(c *convLayer, pooled bool, l *lowering) form {
	if !l.halves || !isPointwise(c.op) {
		return nil
	}
	if !pooled {
		return &halfConv{}
	}
	weights := 0
	for _, g := range c.op.Groups {
		weights += g.In * g.Out
	}
	if weights < largeVector || c.add != nil || c.factors != nil {
		return nil
	}
	return &halfConv{vector: true}
}

// makesHalf reports whether the result of c is bfloat16.
func (c *convLayer) makesHalf() bool {
	switch f := c.form.(type) {
	case *halfConv:
		return !f.vector
	case *windowConv:
		return f.half
	}
	return false
}

func (f *halfConv) packedLen(op *graph.Conv) (n int) {
	for _, g := range op.Groups {
		n += halfMatrixLen(g.Out, g.In)
	}
	return n
}

func (f *halfConv) pack(c *convLayer, p *packer) error {
	w := p.weights(c.op.Weights)
	in, out := 0, 0
	for _, g := range c.op.Groups {
		m, err := w.halfMatrix(g.Out, g.In, c.scale(out, out+g.Out))
		if err != nil {
			return err
		}
		f.groups = append(f.groups, halfGroup{in, out, m})
		in, out = in+g.In, out+g.Out
	}
	return nil
}

// halfPointwise is a 1×1 convolution with weights of bfloat16.
type halfPointwise struct {
	x, y, add, factors, pool view
	act                      kernel.Act
	vector                   bool
	tiles                    []halfTile
}

// halfTile is some outputs of a group, for some pixels of an image. A batch
// without squeeze-excite counts as one image.
type halfTile struct {
	weight    bf16.Matrix
	bias      []float32
	in, out   int // first channels
	image     int
	row, rows int
}

func (f *halfConv) plan(c *convLayer, b *builder) {
	p := &halfPointwise{x: b.view(c.x), y: b.optional(c.y), add: b.optional(c.add), factors: b.optional(c.factors), pool: b.optional(c.pool), act: c.act, vector: f.vector}
	images, rows := 1, b.images*p.x.pixels()
	if c.factors != nil || c.pool != nil {
		images, rows = b.images, p.x.pixels()
	}
	for i := range images {
		for gi, g := range f.groups {
			tiles := f.tiles(c, b, images*len(f.groups), rows, g)
			if gi%2 == 1 {
				slices.Reverse(tiles) // as in planPointwise
			}
			for _, t := range tiles {
				t.image = i
				b.scratch(p.scratch(&t))
				p.tiles = append(p.tiles, t)
			}
		}
	}
	if c.y != nil {
		p.y.block.byRows = p.tiles[0].rows < rows
	}
	y := p.y
	if c.y == nil {
		y = p.x
	}
	s := c.info(b, y)
	s.kind += " bf16"
	if c.pool != nil {
		s.kind += "+pool"
	}
	for _, g := range f.groups {
		s.bytes -= halfBytes * int64(g.weight.K*g.weight.N) // info takes floats
	}
	s.work, s.parts = p, len(p.tiles)
	b.add(s)
}

// tiles cuts the work of a group on rows pixels, one of a number of products.
// Where only a mean over pixels is wanted, they are not cut.
func (f *halfConv) tiles(c *convLayer, b *builder, products, rows int, g halfGroup) (out []halfTile) {
	k, n := g.weight.K, g.weight.N
	rowParts, colParts := 1, 1
	if c.pool != nil {
		colParts = max(1, (n+kernelCols-1)/kernelCols/pooledPanels)
	} else if b.threads > 1 {
		rowParts, colParts = cutProduct(b.threads, products, rows, k, n, minRows, halfMACs)
	}
	for r := range rowParts {
		row, end := par.Split(rows, rowParts, r)
		for i := range colParts {
			from, to := par.Split((n+kernelCols-1)/kernelCols, colParts, i)
			from, to = from*kernelCols, min(to*kernelCols, n)
			out = append(out, halfTile{
				weight: g.weight.Columns(from, to), bias: c.biasOf(g.out+from, g.out+to),
				in: g.in, out: g.out + from, row: row, rows: end - row,
			})
		}
	}
	return out
}

// halfMACs is tileMACs for bfloat16.
const halfMACs = 2 * tileMACs

// scratch returns the elements that a tile needs.
func (p *halfPointwise) scratch(t *halfTile) int {
	n := t.weight.Scratch(t.rows, p.factors.block != nil)
	if p.vector {
		n += floatsFor(halfBytes * t.rows * t.weight.K)
	}
	if p.pool.block != nil {
		n += pooledRows * t.weight.N
	}
	return n
}

func (p *halfPointwise) run(s *state, worker, part int) {
	t := &p.tiles[part]
	scratch := s.scratch[worker]
	switch {
	case p.vector:
		p.runVector(s, t, scratch)
		return
	case p.pool.block != nil:
		p.runPooled(s, t, scratch)
		return
	}
	bf16.Pointwise(s.halves(p.y, t.image, t.row)[t.out:], p.y.stride, s.halves(p.x, t.image, t.row)[t.in:], p.x.stride,
		t.rows, p.scale(s, t), &t.weight, p.epilogue(s, t, t.row), scratch)
}

// epilogue returns what becomes of the sums of a tile from a row on.
func (p *halfPointwise) epilogue(s *state, t *halfTile, row int) bf16.Epilogue {
	ep := bf16.Epilogue{Bias: t.bias, Act: p.act}
	if p.add.block != nil {
		ep.Add, ep.AddStride = s.halves(p.add, t.image, row)[t.out:], p.add.stride
	}
	return ep
}

// scale returns the factors of a tile's inputs; nil for none.
func (p *halfPointwise) scale(s *state, t *halfTile) []float32 {
	if p.factors.block == nil {
		return nil
	}
	return s.from(p.factors, t.image, 0)[t.in:][:t.weight.K]
}

// runVector computes a tile of single pixels.
func (p *halfPointwise) runVector(s *state, t *halfTile, scratch []float32) {
	k, n := t.weight.K, floatsFor(halfBytes*t.rows*t.weight.K)
	x, scratch := halvesOf(bytesOf(scratch[:n])), scratch[n:]
	bf16.Finish(x, k, s.from(p.x, t.image, t.row)[t.in:], p.x.stride, t.rows, k, bf16.Epilogue{}, nil)
	bf16.PointwiseFloat(s.from(p.y, t.image, t.row)[t.out:], p.y.stride, x, k, t.rows, nil, &t.weight, p.epilogue(s, t, t.row), scratch)
}

// runPooled computes the mean of a tile over all pixels.
func (p *halfPointwise) runPooled(s *state, t *halfTile, scratch []float32) {
	n := t.weight.N
	y, scratch := scratch[:pooledRows*n], scratch[pooledRows*n:]
	sum := s.from(p.pool, t.image, 0)[t.out:][:n]
	clear(sum)
	for row := 0; row < t.rows; row += pooledRows {
		rows := min(pooledRows, t.rows-row)
		bf16.PointwiseFloat(y, n, s.halves(p.x, t.image, row)[t.in:], p.x.stride, rows, p.scale(s, t), &t.weight, p.epilogue(s, t, row), scratch)
		kernel.SumRows(sum, y, n, rows)
	}
	kernel.ScaleVec(sum, sum, 1/float32(t.rows))
}
