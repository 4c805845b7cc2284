package engine

import (
	"cmp"
	"slices"

	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/par"
)

func (c *convLayer) plan(b *builder) {
	switch {
	case c.groups[0].winograd != nil:
		c.planWinograd(b)
	case !isPointwise(c.op):
		c.planWindows(b)
	case c.pool != nil:
		c.planPooled(b)
	default:
		c.planPointwise(b)
	}
}

// info returns a step of c for output feature maps of y's size.
func (c *convLayer) info(b *builder, y view) step {
	weights := int64(0)
	for _, g := range c.op.Groups {
		weights += 4 * int64(g.Out*g.In*c.op.Kernel*c.op.Kernel)
	}
	x := b.view(c.x)
	s := step{name: c.name, kind: c.op.Kind(), macs: c.op.MACsPerPixel() * int64(b.images*y.pixels()), bytes: weights + x.bytes(b.images)}
	if c.y != nil {
		s.bytes += y.bytes(b.images)
	}
	if c.add != nil {
		s.bytes += y.bytes(b.images)
	}
	return s
}

// optional returns the view of v, or the zero view for nil.
func (b *builder) optional(v *value) view {
	if v == nil {
		return view{}
	}
	return b.view(v)
}

// tile is a share of a matrix product: all inputs of some outputs of a group,
// for some pixels of an image. A batch without squeeze-excite counts as one
// image.
type tile struct {
	weight    kernel.Matrix
	strassen  *kernel.Strassen // in place of weight
	bias      []float32
	in, out   int // first channels
	image     int
	row, rows int
}

// pointwise is a 1×1 convolution.
type pointwise struct {
	x, y, add, factors view
	act                kernel.Act
	tiles              []tile
}

func (c *convLayer) planPointwise(b *builder) {
	p := &pointwise{x: b.view(c.x), y: b.view(c.y), add: b.optional(c.add), act: c.act}
	images, rows := 1, b.images*p.y.pixels()
	if c.factors != nil {
		factors := b.view(c.factors)
		if rows := p.y.pixels(); rows < c.groups[0].weight.N {
			addScale(b, c.name, p.x, p.x, factors)
		} else {
			images, p.factors = b.images, factors
			for _, g := range c.groups {
				b.scratch(g.weight.InScaleScratch())
			}
		}
		if p.factors.block != nil {
			rows = p.y.pixels()
		}
	}
	for i := range images {
		for gi, g := range c.groups {
			first := len(p.tiles)
			p.tiles = c.tiles(p.tiles, b, g, i, images, rows, p.factors.block != nil)
			if gi%2 == 1 {
				// Two threads at neighbouring channels of the same pixels would
				// contend for the cache line that both write to.
				slices.Reverse(p.tiles[first:])
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

const (
	tileMACs  = 100 << 10 // less is not worth handing to another thread,
	fewMACs   = 12 << 10  // but less will do where it takes reading the weights from afar for fewRows rows
	fewRows   = 8
	minRows   = 24 // fewer use each weight too seldom,
	minScaled = 64 // and more are needed if weights are scaled for them
	shares    = 3  // tiles per thread, so that a late thread costs little
)

// tiles appends the tiles of one group on one image. With one thread there is
// one, since the kernel itself works in blocks. Several threads share the
// longer side, and so read the smaller operand several times.
func (c *convLayer) tiles(out []tile, b *builder, g convGroup, image, images, rows int, scaled bool) []tile {
	if g.strassen != nil {
		return c.strassenTiles(out, b, g, rows)
	}
	k, n := g.weight.K, g.weight.N
	rowParts, colParts := 1, 1
	if b.threads > 1 {
		want := (shares*b.threads + images*len(c.groups) - 1) / (images * len(c.groups))
		least := tileMACs
		if rows < fewRows {
			least = fewMACs
		}
		want = min(want, max(1, rows*k*n/least))
		if least := minRows; rows > n {
			if scaled {
				least = minScaled
			}
			rowParts = max(1, min(want, rows/least))
			if rowParts > 1 {
				rowParts = roundUp(rowParts, b.threads)
			}
		}
		if rowParts < want {
			colParts = min((want+rowParts-1)/rowParts, (n+kernelCols-1)/kernelCols)
		}
	}
	panels := (n + kernelCols - 1) / kernelCols
	for r := range rowParts {
		row, end := par.Split(rows, rowParts, r)
		for i := range colParts {
			from, to := par.Split(panels, colParts, i)
			from, to = from*kernelCols, min(to*kernelCols, n)
			t := tile{weight: g.weight.Columns(from, to), in: g.in, out: g.out + from, image: image, row: row, rows: end - row}
			if c.bias != nil {
				t.bias = c.bias[t.out:][:to-from]
			}
			out = append(out, t)
		}
	}
	return out
}

// strassenRows is the least number of rows for which several threads share a
// block of outputs with Strassen's algorithm.
const strassenRows = 48

// strassenTiles is tiles for Strassen's algorithm.
func (c *convLayer) strassenTiles(out []tile, b *builder, g convGroup, rows int) []tile {
	parts := 1
	if b.threads > 1 {
		parts = max(1, min((2*b.threads+len(c.groups)-1)/len(c.groups), rows/strassenRows))
	}
	for i := range parts {
		row, end := par.Split(rows, parts, i)
		out = append(out, c.strassenTile(b, g, row, end))
	}
	return out
}

func (c *convLayer) strassenTile(b *builder, g convGroup, row, end int) tile {
	t := tile{strassen: g.strassen, out: g.out, row: row, rows: end - row}
	if c.bias != nil {
		t.bias = c.bias[g.out:][:g.strassen.N]
	}
	b.scratch(g.strassen.Scratch(t.rows))
	return t
}

// kernelCols is the unit in which the columns of a matrix can be divided.
const kernelCols = 16

func (p *pointwise) run(s *state, worker, part int) {
	t := &p.tiles[part]
	x, y := s.from(p.x, t.image, t.row)[t.in:], s.from(p.y, t.image, t.row)[t.out:]
	if t.strassen != nil {
		t.strassen.Product(y, p.y.stride, x, p.x.stride, t.rows, t.bias, p.act, s.scratch[worker])
		return
	}
	ep := kernel.Epilogue{Bias: t.bias, Act: p.act}
	if p.add.block != nil {
		ep.Add, ep.AddStride = s.from(p.add, t.image, t.row)[t.out:], p.add.stride
	}
	if p.factors.block != nil {
		ep.InScale, ep.Scratch = s.from(p.factors, t.image, 0)[t.in:], s.scratch[worker]
	}
	kernel.Pointwise(y, p.y.stride, x, p.x.stride, t.rows, &t.weight, &ep)
}

// pooledPointwise is a 1×1 convolution of which only the mean over all
// positions is wanted.
type pooledPointwise struct {
	x, add, pool view
	act          kernel.Act
	tiles        []tile // of all pixels of an image
}

const (
	pooledRows   = 96 // pixels computed at a time
	pooledPanels = 6  // 16 outputs each, computed at a time
)

func (c *convLayer) planPooled(b *builder) {
	p := &pooledPointwise{x: b.view(c.x), add: b.optional(c.add), pool: b.view(c.pool), act: c.act}
	if c.factors != nil {
		addScale(b, c.name, p.x, p.x, b.view(c.factors))
	}
	for _, g := range c.groups {
		if g.strassen != nil {
			t := c.strassenTile(b, g, 0, p.x.pixels())
			b.scratch(t.rows*g.strassen.N + g.strassen.Scratch(t.rows))
			for t.image = range b.images {
				p.tiles = append(p.tiles, t)
			}
			continue
		}
		panels := (g.weight.N + kernelCols - 1) / kernelCols
		parts := max(1, panels/pooledPanels)
		for j := range parts {
			from, to := par.Split(panels, parts, j)
			from, to = from*kernelCols, min(to*kernelCols, g.weight.N)
			t := tile{weight: g.weight.Columns(from, to), in: g.in, out: g.out + from, rows: p.x.pixels()}
			if c.bias != nil {
				t.bias = c.bias[t.out:][:to-from]
			}
			b.scratch(min(pooledRows, t.rows) * t.weight.N)
			for t.image = range b.images {
				p.tiles = append(p.tiles, t)
			}
		}
	}
	s := c.info(b, p.x)
	s.kind += "+pool"
	s.work, s.parts = p, len(p.tiles)
	b.add(s)
}

func (p *pooledPointwise) run(s *state, worker, part int) {
	t := &p.tiles[part]
	if t.strassen != nil {
		n := t.strassen.N
		y, scratch := s.scratch[worker][:t.rows*n], s.scratch[worker][t.rows*n:]
		t.strassen.Product(y, n, s.from(p.x, t.image, 0), p.x.stride, t.rows, t.bias, p.act, scratch)
		mean(s.from(p.pool, t.image, 0)[t.out:][:n], y, n, t.rows)
		return
	}
	n := t.weight.N
	sum := s.from(p.pool, t.image, 0)[t.out:][:n]
	clear(sum)
	for row := 0; row < t.rows; row += pooledRows {
		rows := min(pooledRows, t.rows-row)
		ep := kernel.Epilogue{Bias: t.bias, Act: p.act}
		if p.add.block != nil {
			ep.Add, ep.AddStride = s.from(p.add, t.image, row)[t.out:], p.add.stride
		}
		y := s.scratch[worker][:rows*n]
		kernel.Pointwise(y, n, s.from(p.x, t.image, row)[t.in:], p.x.stride, rows, &t.weight, &ep)
		kernel.SumRows(sum, y, n, rows)
	}
	kernel.ScaleVec(sum, sum, 1/float32(t.rows))
}

// windows is a convolution with a kernel larger than 1×1, or strided.
type windows struct {
	x, y, add view
	act       kernel.Act
	tiles     []windowTile
	bytes     *byteStem // of the layer that takes bytes; nil otherwise
}

// windowTile is a range of output rows of one image and group.
type windowTile struct {
	shape    *kernel.ConvShape
	weight   *kernel.Matrix
	bias     []float32
	in, out  int // first channels
	image    int
	from, to int
}

// shape returns the geometry of a group of c on one image.
func (c *convLayer) shape(group int, x, y view) *kernel.ConvShape {
	op := c.op
	_, top := op.Padding.Extent(x.h, op.Kernel, op.Stride, op.Dilation)
	_, left := op.Padding.Extent(x.w, op.Kernel, op.Stride, op.Dilation)
	return &kernel.ConvShape{
		H: x.h, W: x.w, C: op.Groups[group].In, Pixel: x.stride,
		K: op.Kernel, Stride: op.Stride, Dilation: op.Dilation,
		Top: top, Left: left, OutH: y.h, OutW: y.w,
	}
}

// windowRows is the least number of pixels that a thread is given, which are
// worth a pass over the weights.
const windowRows = 24

func (c *convLayer) planWindows(b *builder) {
	w := &windows{x: b.view(c.x), y: b.view(c.y), add: b.optional(c.add), act: c.act, bytes: c.bytes}
	y := w.y
	parts := 1
	if b.threads > 1 {
		least := max(windowRows, tileMACs/int(c.op.MACsPerPixel()))
		parts = max(1, min(y.h, y.h*y.w/least, shares*b.threads*2))
	}
	for i := range b.images {
		for gi, g := range c.groups {
			t := windowTile{shape: c.shape(gi, w.x, y), weight: g.weight, in: g.in, out: g.out, image: i}
			if c.bias != nil {
				t.bias = c.bias[g.out:][:g.weight.N]
			}
			b.scratch(t.shape.ConvScratch())
			for j := range parts {
				t.from, t.to = par.Split(y.h, parts, j)
				w.tiles = append(w.tiles, t)
			}
		}
	}
	y.block.byRows = true
	s := c.info(b, y)
	s.work, s.parts = w, len(w.tiles)
	b.add(s)
}

func (w *windows) run(s *state, worker, part int) {
	t := &w.tiles[part]
	ep := &s.epilogues[worker] // one on the stack would escape
	*ep = kernel.Epilogue{Bias: t.bias, Act: w.act}
	pixel := t.from * w.y.w
	if w.add.block != nil {
		ep.Add, ep.AddStride = s.from(w.add, t.image, pixel)[t.out:], w.add.stride
	}
	y := s.from(w.y, t.image, pixel)[t.out:]
	if w.bytes != nil && s.x.bytes != nil {
		x := s.x.bytes[t.image*t.shape.H*t.shape.W*t.shape.C:]
		ep.Bias = w.bytes.bias
		kernel.ConvBytes(y, w.y.stride, x, t.shape, w.bytes.pad, t.from, t.to, w.bytes.weight, ep, s.scratch[worker])
	} else {
		x := s.from(w.x, t.image, 0)[t.in:]
		kernel.Conv(y, w.y.stride, x, t.shape, t.from, t.to, t.weight, ep, s.scratch[worker])
	}
}
