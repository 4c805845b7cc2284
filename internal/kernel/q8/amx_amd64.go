//go:build !purego

package q8

import (
	"bytes"
	"sync"

	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/internal/kernel/tile"
)

// amx is what products in tile registers need.
const amx = vnni | cpu.AMXTile | cpu.AMXInt8

// useAMX reports whether rows are to be multiplied in tile registers, which are
// quicker from 16 rows on.
func useAMX(rows int) bool { return rows >= tile.Rows && cpu.Has(amx) && amxWorks() }

// amxWorks reports whether the first product in tile registers was right: there
// are machines, virtual ones above all, that have them in name only.
var amxWorks = sync.OnceValue(func() bool {
	const rows, k, n = 40, 70, 40
	src, w := make([]uint8, rows*k, rows*k+Slack), make([]int8, n*k)
	for i := range src {
		src[i] = uint8(7 * i)
	}
	for i := range w {
		w[i] = int8(i%255 - 127)
	}
	ep := &Epilogue{Mul: make([]float32, n), Zero: 100, Hi: 255}
	for i := range ep.Mul {
		ep.Mul[i] = 1e-3
	}
	m := PackMatrix(w, n, k)
	got, want := make([]uint8, rows*n), make([]uint8, rows*n)
	pointwiseGeneric(want, n, src, k, rows, m, ep)
	var consts epilogueVectors
	consts.set(ep)
	p := product{codes: got, dstStride: n, src: src, srcStride: k, w: m, ep: ep, consts: &consts}
	p.amx(rows)
	return bytes.Equal(got, want)
})

// amx multiplies blocks of rows, a chunk that stays in the first-level cache
// with all weights before the next. What is left after whole blocks is smaller,
// and where it is too small for tiles, goes another way.
func (p *product) amx(rows int) {
	const l1Share = 24 << 10
	block := tile.Block(rows)
	steps, quads := p.w.steps()
	p.args.steps, p.args.step, p.args.srcStride = steps, quad*quads, p.srcStride
	p.args.quads = ceilDiv(p.w.K, quad)
	chunk := max(1, l1Share/(block*p.args.steps*p.args.step)) * block
	whole := rows / block * block
	for r := 0; r < whole; r += chunk {
		p.tiles(r, min(chunk, whole-r), block)
	}
	switch left := rows - whole; {
	case left >= tile.Rows:
		p.tiles(whole, left, left)
	case left > 0:
		p.vnni(whole, left)
	}
}

// tiles multiplies n rows from r on, a number of blocks.
func (p *product) tiles(r, n, block int) {
	var buf [2 * tile.Rows * 2 * tile.RowBytes]uint8
	a, consts, table := &p.args, &p.consts.bias[0], p.ep.Table.pointer()
	a.rows, a.half = block, (block+1)/2
	config := tile.NewConfig(a.half, block-a.half, a.step/quad)
	for n0 := 0; n0 < p.w.N; n0 += 2 * panelCols {
		w, dst := p.outputs(n0, min(2*panelCols, p.w.N-n0)), p.dst(r, n0)
		a.blocks = n / block
		gemm32AMX(dst, &p.src[r*p.srcStride], w, consts, table, p.add(r, n0), &config.Palette, &buf[0], &a.dstStride)
	}
}
