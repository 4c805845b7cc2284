//go:build !purego

package q8

import (
	"testing"

	"github.com/mixnet-go/mixnet/internal/kernel/tile"
)

// tileTwin is what the tile registers do, in Go: the sum of output n of row m
// of a block.
func tileTwin(c *tile.Config, a *gemmArgs, src []uint8, w []int8, m, n int) (sum int32) {
	half, row := 0, m
	if m >= int(c.Rows[0]) {
		half, row = 1, m-int(c.Rows[0])
	}
	if row >= int(c.Rows[4+half]) || row >= int(c.Rows[2*half]) {
		panic("row outside the tiles")
	}
	panel := w[n/panelCols*a.panel:]
	for s := range a.steps {
		for b := range int(c.Bytes[4+half]) {
			if b/quad >= int(c.Rows[6]) {
				panic("inputs without weights")
			}
			x := src[m*a.srcStride+s*a.step+b]
			sum += int32(x) * int32(panel[s*a.step*panelCols+b/quad*tile.RowBytes+n%panelCols*quad+b%quad])
		}
	}
	return sum
}

// The packed weights, the configuration and the steps make the products of
// matrices, which is all that surrounds the tile registers.
func TestTilesMultiply(t *testing.T) {
	r := source(20)
	for range 40 {
		rows, k, n := tile.Rows+r.IntN(70), 1+r.IntN(300), 1+r.IntN(70)
		src, weights := codes(r, rows*k), signed(r, n*k)
		m := PackMatrix(weights, n, k)
		ep := epilogue(r, n, k, false)
		p := product{codes: make([]uint8, rows*n), dstStride: n, src: src, srcStride: k, w: m, ep: ep, consts: &epilogueVectors{}}
		block := tile.Block(rows)
		steps, quads := m.steps()
		p.args.steps, p.args.step, p.args.srcStride, p.args.half = steps, quad*quads, k, (block+1)/2
		c := tile.NewConfig(p.args.half, block-p.args.half, quads)
		for _, at := range []int{0, rows/block*block - block} {
			for i := range block {
				for j := range n {
					p.outputs(j/panelCols/2*2*panelCols, min(n-j/panelCols/2*2*panelCols, 2*panelCols))
					panels := m.panels[j/panelCols/2*2*m.panelLen():]
					got := tileTwin(&c, &p.args, src[at*k:cap(src)], panels, i, j%(2*panelCols))
					want := int32(0)
					for l := range k {
						want += int32(src[(at+i)*k+l]) * int32(weights[j*k+l])
					}
					if got != want {
						t.Fatalf("%d×%d×%d, blocks of %d: (%d, %d) is %d, want %d", rows, k, n, block, at+i, j, got, want)
					}
				}
			}
		}
	}
}
