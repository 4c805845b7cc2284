package bf16

// multiplyTiles is multiply in the order of sums of tile registers: what they
// do, in Go.
func multiplyTiles(sums []float32, x []uint16, stride, rows int, w *Matrix, n0 int) {
	steps, pairs := w.steps()
	for r := range rows {
		for c := 0; c < blockCols && n0+c < w.N; c++ {
			p, column := w.panel((n0+c)/panelCols), c%panelCols*pair
			sum := float32(0)
			for s := range steps {
				even, odd := float32(0), float32(0)
				for i := s * pairs; i < (s+1)*pairs; i++ {
					at := i*panelCols*pair + column
					even = flush(even + float32(Value(x[r*stride+2*i])*Value(p[at])))
					odd = flush(odd + float32(Value(x[r*stride+2*i+1])*Value(p[at+1])))
				}
				sum = flush(sum + flush(even+odd))
			}
			sums[r*blockCols+c] = sum
		}
	}
}

// flush returns x, or zero of its sign if it is below the normal numbers.
func flush(x float32) float32 {
	if x > -0x1p-126 && x < 0x1p-126 {
		return x * 0
	}
	return x
}
