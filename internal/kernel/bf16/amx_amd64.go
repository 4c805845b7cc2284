//go:build !purego

package bf16

import (
	"math"
	"sync"

	"github.com/mixnet-go/mixnet/internal/cpu"
)

// amx is what products in tile registers need.
const amx = cpu.AVX512BF16 | cpu.AMXTile | cpu.AMXBF16

const tileBytes = 64 // of a row

// tileConfig tells the processor the sizes of its eight tile registers.
type tileConfig struct {
	palette uint8
	_       [15]uint8
	bytes   [16]uint16
	rows    [16]uint8
}

// newTileConfig returns the configuration for halves of rows and steps of pairs
// of inputs: the generator of the assembly knows which register holds what.
func newTileConfig(first, second, pairs int) tileConfig {
	c := tileConfig{palette: 1}
	for i := range 2 {
		c.rows[i], c.bytes[i] = uint8(first), tileBytes
		c.rows[2+i], c.bytes[2+i] = uint8(second), tileBytes
		c.rows[6+i], c.bytes[6+i] = uint8(pairs), tileBytes
	}
	c.rows[4], c.bytes[4] = uint8(first), uint16(4*pairs)
	c.rows[5], c.bytes[5] = uint8(second), uint16(4*pairs)
	return c
}

// Instructions returns what multiplies: "amx", "avx512_bf16", or "" for what is
// slower than float32.
func Instructions() string {
	switch {
	case useTiles(tileRows):
		return "amx"
	case cpu.Has(cpu.AVX512BF16):
		return "avx512_bf16"
	}
	return ""
}

// useTiles reports whether rows are to be multiplied in tile registers.
func useTiles(rows int) bool { return rows >= tileRows && cpu.Has(amx) && amxWorks() }

// rowBlock returns how many of the rows that are left are multiplied with all
// weights before the next.
func rowBlock(rows int) int {
	if useTiles(rows) {
		return rowsAtOnce / (2 * tileRows) * tileBlock(rows)
	}
	return rowsAtOnce / 14 * 14
}

// amxWorks reports whether the first product in tile registers was right: there
// are machines, virtual ones above all, that have them in name only.
var amxWorks = sync.OnceValue(func() bool {
	const rows, k, n = 2*tileRows - 1, 72, 24
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
	rows, block := a.rows, tileBlock(a.rows)
	for r := 0; r < rows; r += block {
		n := min(block, rows-r)
		a.half = (n + 1) / 2
		config := newTileConfig(a.half, max(1, n-a.half), pairs)
		multiply32AMX(&sums[r*blockCols], &x[r*a.srcStride/2], &panels[0], &config.palette, &a.srcStride)
	}
}
