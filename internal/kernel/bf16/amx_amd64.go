//go:build !purego

package bf16

import (
	"math"
	"sync"

	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/internal/kernel/tile"
)

// amx is what products in tile registers need.
const amx = cpu.AVX512BF16 | cpu.AMXTile | cpu.AMXBF16

// Instructions returns what multiplies: "amx", "avx512_bf16", or "" for what is
// slower than float32.
func Instructions() string {
	switch {
	case useTiles(tile.Rows):
		return "amx"
	case cpu.Has(cpu.AVX512BF16):
		return "avx512_bf16"
	}
	return ""
}

// useTiles reports whether rows are to be multiplied in tile registers.
func useTiles(rows int) bool { return rows >= tile.Rows && cpu.Has(amx) && amxWorks() }

// rowBlock returns how many of the rows that are left are multiplied with all
// weights before the next.
func rowBlock(rows int) int {
	if useTiles(rows) {
		return rowsAtOnce / (2 * tile.Rows) * tile.Block(rows)
	}
	return rowsAtOnce / 14 * 14
}

// amxWorks reports whether the first product in tile registers was right: there
// are machines, virtual ones above all, that have them in name only.
var amxWorks = sync.OnceValue(func() bool {
	const rows, k, n = 2*tile.Rows - 1, 72, 24
	x, w := make([]uint16, rows*k, rows*k+Slack), make([]float32, n*k)
	for i := range x {
		x[i] = Round(float32(i%97) - 40.5)
	}
	for i := range w {
		w[i] = float32(i%89)/64 - 0.7
	}
	m := MatrixIn(make([]uint16, MatrixLen(n, k)), n, k)
	m.Pack(w, nil)
	if m.padded() != k {
		panic("bf16: the inputs of the trial are no whole steps")
	}
	got, want := make([]float32, rows*blockCols), make([]float32, rows*blockCols)
	multiplyTiles(want, x, k, rows, m, 0)
	multiplyAMX(got, x, m.panels, m, &gemmArgs{srcStride: 2 * k, rows: rows, panel: 2 * m.panelLen()})
	for i, v := range want {
		if i%blockCols < n && math.Float32bits(v) != math.Float32bits(got[i]) {
			return false
		}
	}
	return true
})

// multiplyAMX is multiply in tile registers, in blocks of up to 32 rows. Rows of
// x are whole steps.
func multiplyAMX(sums []float32, x, panels []uint16, w *Matrix, a *gemmArgs) {
	steps, pairs := w.steps()
	a.steps, a.step = steps, 2*pair*pairs
	rows, block := a.rows, tile.Block(a.rows)
	for r := 0; r < rows; r += block {
		n := min(block, rows-r)
		a.half = (n + 1) / 2
		config := tile.NewConfig(a.half, max(1, n-a.half), pairs)
		multiply32AMX(&sums[r*blockCols], &x[r*a.srcStride/2], &panels[0], &config.Palette, &a.srcStride)
	}
}
