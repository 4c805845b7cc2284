package bf16

import "github.com/mixnet-go/mixnet/internal/kernel"

// Rows that MulTransA multiplies at once: so many that the sums of their products
// outweigh adding those up, and so few that they stay in the second-level cache.
const (
	minTransRows = 32
	maxTransRows = 256
	transElems   = 64 << 10
)

// transRows returns how many rows of m and of n columns are multiplied at once.
func transRows(m, n int) int {
	return min(max(transElems/(m+n)/pair*pair, minTransRows), maxTransRows)
}

// TransScratch returns the elements that MulTransA needs for factors of m and n
// columns.
func TransScratch(m, n int) int {
	panels := ceilDiv(m, panelCols) + ceilDiv(n, panelCols)
	return panelCols*blockCols + ceilDiv(panels*panelCols*transRows(m, n), 2)
}

// MulTransA adds the product of the transpose of a with b, both of rows rows and
// rounded first:
//
//	dst[i·dstStride+j] += Σ_r a[r·aStride+i]·b[r·bStride+j]
//
// for i < m and j < n. Sums are by pairs of rows, on every processor, from zero
// for every so many rows. scratch has TransScratch elements.
func MulTransA(dst []float32, dstStride int, a []float32, aStride, m int, b []float32, bStride, n, rows int, scratch []float32) {
	need("destination", dst, m, dstStride, n)
	need("first factor", a, rows, aStride, m)
	need("second factor", b, rows, bStride, n)
	need("scratch", scratch, 1, 0, TransScratch(m, n))
	if m == 0 || n == 0 {
		return
	}
	sums, halves := scratch[:panelCols*blockCols], Halves(scratch[panelCols*blockCols:])
	for block, r := transRows(m, n), 0; r < rows; r += block {
		k := min(block, rows-r)
		panel := ceilDiv(k, pair) * pair * panelCols
		x := halves[:ceilDiv(m, panelCols)*panel]
		w := halves[len(x):][:ceilDiv(n, panelCols)*panel]
		pairRows(x, panel, a[r*aStride:], aStride, k, m)
		pairRows(w, panel, b[r*bStride:], bStride, k, n)
		for j := 0; j < n; j += blockCols {
			for i := 0; i < m; i += panelCols {
				rows, columns := min(panelCols, m-i), min(blockCols, n-j)
				addPanel(dst[i*dstStride+j:], dstStride, x[i/panelCols*panel:], rows, w[j/panelCols*panel:], panel, columns, sums)
			}
		}
	}
}

// addPanel adds the products of the first columns of panel x with n columns of
// the panels w to rows of dst.
func addPanel(dst []float32, dstStride int, x []uint16, columns int, w []uint16, panel, n int, sums []float32) {
	if addPanelAsm(dst, dstStride, x, columns, w, panel, n) {
		return
	}
	multiplyPanel(sums, x, columns, w, panel, n)
	kernel.AddRows(dst, dstStride, dst, dstStride, sums, blockCols, columns, n, kernel.Identity)
}

// multiplyPanel sets sums, a row of 32 for each of the first columns of panel x,
// to those of n columns of the panels w.
func multiplyPanel(sums []float32, x []uint16, columns int, w []uint16, panel, n int) {
	if multiplyPanelAsm(sums, x, columns, w, panel, n) {
		return
	}
	for i := range columns {
		for c := 0; c < n; c += panelCols {
			multiplyColumn((*[panelCols]float32)(sums[i*blockCols+c:]), x[i*pair:], w[c/panelCols*panel:][:panel])
		}
	}
}

// multiplyColumn multiplies a column of a panel with a panel, by pairs.
func multiplyColumn(sums *[panelCols]float32, x, w []uint16) {
	*sums = [panelCols]float32{}
	for ; len(w) > 0; w = w[panelCols*pair:] {
		addPair(sums, Value(x[0]), Value(x[1]), w)
		x = x[min(panelCols*pair, len(x)):]
	}
}

// pairRows rounds rows of n columns and puts each two of a column side by side,
// 16 columns to a panel, panelLen apart, with zeros where a second row or a
// column of the last panel is missing.
func pairRows(panels []uint16, panelLen int, src []float32, stride, rows, n int) {
	done := pairRowsAsm(panels, panelLen, src, stride, rows, n)
	for c := 0; c < n; c += panelCols {
		p := panels[c/panelCols*panelLen:]
		for r := done; r < rows; r += pair {
			row := p[r/pair*panelCols*pair:][:panelCols*pair]
			clear(row)
			for i := range min(panelCols, n-c) {
				row[pair*i] = Round(src[r*stride+c+i])
				if r+1 < rows {
					row[pair*i+1] = Round(src[(r+1)*stride+c+i])
				}
			}
		}
	}
}
