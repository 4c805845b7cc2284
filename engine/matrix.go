package engine

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/par"
)

// matrixConv is the plain form of a 1×1 convolution: a matrix for each group.
type matrixConv struct{ groups []matrixGroup }

// matrixGroup is a group of a convolution.
type matrixGroup struct {
	in, out int // first channels
	weight  *kernel.Matrix
}

func (m *matrixConv) packedLen(op *graph.Conv) (n int) {
	for _, g := range op.Groups {
		n += kernel.MatrixLen(g.Out, g.In)
	}
	return n
}

func (m *matrixConv) pack(c *convLayer, p *packer) (err error) {
	w := p.weights(c.op.Weights)
	m.groups = make([]matrixGroup, len(c.op.Groups))
	in, out := 0, 0
	for i, g := range c.op.Groups {
		m.groups[i].out = out
		if m.groups[i].in, m.groups[i].weight, err = c.x.matrix(w, in, g.In, g.Out, c.scale(out, out+g.Out)); err != nil {
			return err
		}
		in += g.In
		out += g.Out
	}
	return nil
}

// matrix packs the next weights of a layer that reads n channels of v from in on.
// It returns the first of them in v's storage.
func (v *value) matrix(w *weightReader, in, n, out int, scale []float32) (first int, m *kernel.Matrix, err error) {
	if v.order == nil {
		m, err = w.matrix(out, n, scale, nil)
		return in, m, err
	}
	perm, from := ascending(v.order[in:][:n])
	if m, err = w.matrix(out, n, scale, perm); err != nil {
		return 0, nil, err
	}
	first = from[0]
	for i := range from {
		from[i] -= first
	}
	if !consecutive(from) {
		m.Gather(from)
	}
	return first, m, nil
}

func (m *matrixConv) plan(c *convLayer, b *builder) { c.planPointwise(b, m) }

func (m *matrixConv) scaleScratch(rows int) (elems int, ok bool) {
	if rows < m.groups[0].weight.N {
		return 0, false
	}
	for _, g := range m.groups {
		elems = max(elems, g.weight.InScaleScratch())
	}
	return elems, true
}

func (m *matrixConv) tiles(c *convLayer, b *builder, images, rows int, scaled bool) [][]tile {
	all := make([][]tile, len(m.groups))
	for i, g := range m.groups {
		all[i] = g.tiles(c, b, images*len(m.groups), rows, scaled)
	}
	return all
}

// tiles cuts the work on rows pixels, one of a number of products. With one
// thread there is one tile, since the kernel itself works in blocks. Several
// threads share the longer side, and so read the smaller operand several times.
func (g *matrixGroup) tiles(c *convLayer, b *builder, products, rows int, scaled bool) (out []tile) {
	k, n := g.weight.K, g.weight.N
	rowParts, colParts := 1, 1
	if b.threads > 1 {
		least := minRows
		if scaled {
			least = minScaled
		}
		rowParts, colParts = cutProduct(b.threads, products, rows, k, n, least, tileMACs)
	}
	for r := range rowParts {
		row, end := par.Split(rows, rowParts, r)
		for i := range colParts {
			t := g.tile(c, colParts, i)
			t.row, t.rows = row, end-row
			out = append(out, t)
		}
	}
	return out
}

// cutProduct returns into how many parts threads cut the rows of a product, at
// least leastRows each, and its outputs.
func cutProduct(threads, products, rows, k, n, leastRows, leastMACs int) (rowParts, colParts int) {
	rowParts, colParts = 1, 1
	want := (shares*threads + products - 1) / products
	if rows < fewRows {
		leastMACs = fewMACs
	}
	want = min(want, max(1, rows*k*n/leastMACs))
	if rows > n {
		rowParts = max(1, min(want, rows/leastRows))
		if rowParts > 1 {
			rowParts = roundUp(rowParts, threads)
		}
	}
	if rowParts < want {
		colParts = min((want+rowParts-1)/rowParts, (n+kernelCols-1)/kernelCols)
	}
	return rowParts, colParts
}

const (
	pooledRows   = 96 // pixels computed at a time
	pooledPanels = 6  // 16 outputs each, computed at a time
)

func (m *matrixConv) pooledTiles(c *convLayer, rows int) (out []tile) {
	for _, g := range m.groups {
		panels := (g.weight.N + kernelCols - 1) / kernelCols
		parts := max(1, panels/pooledPanels)
		for i := range parts {
			t := g.tile(c, parts, i)
			t.rows, t.atOnce = rows, min(pooledRows, rows)
			out = append(out, t)
		}
	}
	return out
}

// kernelCols is the unit in which the columns of a matrix can be divided.
const kernelCols = 16

// tile returns part i of the outputs of g, cut into nearly equal parts.
func (g *matrixGroup) tile(c *convLayer, parts, i int) tile {
	n := g.weight.N
	from, to := par.Split((n+kernelCols-1)/kernelCols, parts, i)
	from, to = from*kernelCols, min(to*kernelCols, n)
	return tile{
		product: &matrixProduct{g.weight.Columns(from, to)},
		bias:    c.biasOf(g.out+from, g.out+to), in: g.in, out: g.out + from,
	}
}

// matrixProduct is some columns of a matrix.
type matrixProduct struct{ weight kernel.Matrix }

func (m *matrixProduct) outputs() int    { return m.weight.N }
func (m *matrixProduct) scratch(int) int { return 0 }

func (m *matrixProduct) run(y []float32, yStride int, x []float32, xStride, rows int, ep kernel.Epilogue, _ []float32) {
	kernel.Pointwise(y, yStride, x, xStride, rows, &m.weight, &ep)
}
