package engine

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/par"
)

// strassenConv is a wide 1×1 convolution by Strassen's algorithm, in blocks of
// outputs that several threads share.
type strassenConv struct{ blocks []strassenBlock }

type strassenBlock struct {
	out    int // first channel
	weight *kernel.Strassen
}

const (
	// strassenLeast is the least number of inputs and of outputs for which
	// Strassen's algorithm saves more time than its sums take.
	strassenLeast = 256
	// strassenRows is the least number of rows for which several threads share a
	// block of outputs.
	strassenRows = 48
)

// strassenPays reports whether Strassen's algorithm is worth its while.
func strassenPays(op *graph.Conv) bool {
	return min(op.In(), op.Out()) >= strassenLeast && kernel.StrassenFits(op.Out(), op.In())
}

func (*strassenConv) packedLen(op *graph.Conv) int { return kernel.StrassenLen(op.Out(), op.In()) }

func (s *strassenConv) pack(c *convLayer, p *packer) error {
	in, out := c.op.In(), c.op.Out()
	blocks := max(1, min(p.threads, out/strassenLeast))
	w := p.weights(c.op.Weights)
	s.blocks = make([]strassenBlock, blocks)
	for i := range blocks {
		from, to := par.Split(out/kernel.StrassenUnit, blocks, i)
		from, to = from*kernel.StrassenUnit, to*kernel.StrassenUnit
		part, err := w.next((to - from) * in)
		if err != nil {
			return err
		}
		mem := p.take(kernel.StrassenLen(to-from, in))
		s.blocks[i] = strassenBlock{from, kernel.StrassenIn(mem, part, to-from, in, c.scale(from, to))}
	}
	return nil
}

func (s *strassenConv) plan(c *convLayer, b *builder) { c.planPointwise(b, s) }

func (*strassenConv) scaleScratch(int) (int, bool) { return 0, false }

func (s *strassenConv) tiles(c *convLayer, b *builder, _, rows int, _ bool) [][]tile {
	parts := 1
	if b.threads > 1 {
		parts = max(1, min((2*b.threads+len(s.blocks)-1)/len(s.blocks), rows/strassenRows))
	}
	all := make([][]tile, len(s.blocks))
	for i, block := range s.blocks {
		for j := range parts {
			row, end := par.Split(rows, parts, j)
			all[i] = append(all[i], block.tile(c, row, end))
		}
	}
	return all
}

func (s *strassenConv) pooledTiles(c *convLayer, rows int) (out []tile) {
	for _, block := range s.blocks {
		t := block.tile(c, 0, rows)
		t.atOnce = rows
		out = append(out, t)
	}
	return out
}

func (s *strassenBlock) tile(c *convLayer, row, end int) tile {
	return tile{product: (*strassenProduct)(s.weight), bias: c.biasOf(s.out, s.out+s.weight.N), out: s.out, row: row, rows: end - row}
}

type strassenProduct kernel.Strassen

func (p *strassenProduct) outputs() int         { return p.N }
func (p *strassenProduct) scratch(rows int) int { return (*kernel.Strassen)(p).Scratch(rows) }

func (p *strassenProduct) run(y []float32, yStride int, x []float32, xStride, rows int, ep kernel.Epilogue, scratch []float32) {
	(*kernel.Strassen)(p).Product(y, yStride, x, xStride, rows, ep.Bias, ep.Act, scratch)
}
