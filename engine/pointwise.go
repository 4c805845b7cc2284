package engine

import (
	"cmp"
	"slices"

	"github.com/mixnet-go/mixnet/internal/kernel"
)

// product multiplies rows of inputs with the weights of some outputs of a 1×1
// convolution.
type product interface {
	outputs() int
	// scratch returns the elements that a worker needs for a number of rows.
	scratch(rows int) int
	run(y []float32, yStride int, x []float32, xStride, rows int, ep kernel.Epilogue, scratch []float32)
}

// pointwiseForm is the form of a 1×1 convolution.
type pointwiseForm interface {
	form
	// scaleScratch returns the elements that a worker needs to scale the inputs
	// of a product of a number of rows; false if they are better scaled before.
	scaleScratch(rows int) (elems int, ok bool)
	// tiles cuts the work on rows pixels of one of images into tiles, a list for
	// each group.
	tiles(c *convLayer, b *builder, images, rows int, scaled bool) [][]tile
	// pooledTiles cuts the work on all pixels of an image, whose mean is wanted.
	pooledTiles(c *convLayer, rows int) []tile
}

// tile is a share of a matrix product: all inputs of some outputs of a group,
// for some pixels of an image. A batch without squeeze-excite counts as one
// image.
type tile struct {
	product   product
	bias      []float32
	in, out   int // first channels
	image     int
	row, rows int
	atOnce    int // rows computed at a time, for a mean
}

const (
	tileMACs  = 100 << 10 // less is not worth handing to another thread,
	fewMACs   = 12 << 10  // but less will do where it takes reading the weights from afar for fewRows rows
	fewRows   = 8
	minRows   = 24 // fewer use each weight too seldom,
	minScaled = 64 // and more are needed if weights are scaled for them
	shares    = 3  // tiles per thread, so that a late thread costs little
)

// pointwise is a 1×1 convolution.
type pointwise struct {
	x, y, add, factors view
	act                kernel.Act
	tiles              []tile
}

// planPointwise appends the steps of c, whose form is f.
func (c *convLayer) planPointwise(b *builder, f pointwiseForm) {
	if c.pool != nil {
		c.planPooled(b, f)
		return
	}
	p := &pointwise{x: b.view(c.x), y: b.view(c.y), add: b.optional(c.add), act: c.act}
	images, rows := 1, b.images*p.y.pixels()
	if c.factors != nil {
		factors := b.view(c.factors)
		if n, ok := f.scaleScratch(p.y.pixels()); ok {
			images, rows, p.factors = b.images, p.y.pixels(), factors
			b.scratch(n)
		} else {
			addScale(b, c.name, p.x, p.x, factors)
		}
	}
	for i := range images {
		for gi, tiles := range f.tiles(c, b, images, rows, p.factors.block != nil) {
			if gi%2 == 1 {
				// Two threads at neighbouring channels of the same pixels would
				// contend for the cache line that both write to.
				slices.Reverse(tiles)
			}
			for _, t := range tiles {
				t.image = i
				b.scratch(t.product.scratch(t.rows))
				p.tiles = append(p.tiles, t)
			}
		}
	}
	if p.x.block.byRows {
		slices.SortStableFunc(p.tiles, func(a, b tile) int {
			return cmp.Or(cmp.Compare(a.image, b.image), cmp.Compare(a.row, b.row))
		})
		p.y.block.byRows = p.tiles[0].rows < rows
	}
	s := c.info(b, p.y)
	s.work, s.parts = p, len(p.tiles)
	b.add(s)
}

func (p *pointwise) run(s *state, worker, part int) {
	t := &p.tiles[part]
	x, y := s.from(p.x, t.image, t.row)[t.in:], s.from(p.y, t.image, t.row)[t.out:]
	ep := kernel.Epilogue{Bias: t.bias, Act: p.act}
	if p.add.block != nil {
		ep.Add, ep.AddStride = s.from(p.add, t.image, t.row)[t.out:], p.add.stride
	}
	if p.factors.block != nil {
		ep.InScale, ep.Scratch = s.from(p.factors, t.image, 0)[t.in:], s.scratch[worker]
	}
	t.product.run(y, p.y.stride, x, p.x.stride, t.rows, ep, s.scratch[worker])
}

// pooledPointwise is a 1×1 convolution of which only the mean over all
// positions is wanted.
type pooledPointwise struct {
	x, add, pool view
	act          kernel.Act
	tiles        []tile // of all pixels of an image
}

func (c *convLayer) planPooled(b *builder, f pointwiseForm) {
	p := &pooledPointwise{x: b.view(c.x), add: b.optional(c.add), pool: b.view(c.pool), act: c.act}
	if c.factors != nil {
		addScale(b, c.name, p.x, p.x, b.view(c.factors))
	}
	for _, t := range f.pooledTiles(c, p.x.pixels()) {
		b.scratch(t.atOnce*t.product.outputs() + t.product.scratch(t.atOnce))
		for t.image = range b.images {
			p.tiles = append(p.tiles, t)
		}
	}
	s := c.info(b, p.x)
	s.kind += "+pool"
	s.work, s.parts = p, len(p.tiles)
	b.add(s)
}

func (p *pooledPointwise) run(s *state, worker, part int) {
	t := &p.tiles[part]
	n := t.product.outputs()
	sum := s.from(p.pool, t.image, 0)[t.out:][:n]
	clear(sum)
	for row := 0; row < t.rows; row += t.atOnce {
		rows := min(t.atOnce, t.rows-row)
		ep := kernel.Epilogue{Bias: t.bias, Act: p.act}
		if p.add.block != nil {
			ep.Add, ep.AddStride = s.from(p.add, t.image, row)[t.out:], p.add.stride
		}
		y, scratch := s.scratch[worker][:rows*n], s.scratch[worker][rows*n:]
		t.product.run(y, n, s.from(p.x, t.image, row)[t.in:], p.x.stride, rows, ep, scratch)
		kernel.SumRows(sum, y, n, rows)
	}
	kernel.ScaleVec(sum, sum, 1/float32(t.rows))
}
