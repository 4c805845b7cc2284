package bf16

import "unsafe"

// Pointwise computes a linear layer on rows pixels, which is what a 1×1
// convolution is: output n of row r is what ep makes of
//
//	Σ_k src[r·srcStride+k]·w(n,k)
//
// at dst[r·dstStride+n]. If scale is not nil, input k is multiplied by scale[k]
// and rounded again before; with more rows than outputs, the weights are instead.
// dst must not overlap src. scratch has w.Scratch elements.
func Pointwise(dst []uint16, dstStride int, src []uint16, srcStride, rows int, scale []float32, w *Matrix, ep Epilogue, scratch []float32) {
	need("destination", dst, rows, dstStride, w.N)
	(&product{halves: dst, dstStride: dstStride, src: src, srcStride: srcStride, scale: scale, w: w, ep: ep}).run(rows, scratch)
}

// PointwiseFloat is Pointwise with float32 as results.
func PointwiseFloat(dst []float32, dstStride int, src []uint16, srcStride, rows int, scale []float32, w *Matrix, ep Epilogue, scratch []float32) {
	need("destination", dst, rows, dstStride, w.N)
	(&product{floats: dst, dstStride: dstStride, src: src, srcStride: srcStride, scale: scale, w: w, ep: ep}).run(rows, scratch)
}

// PointwiseRounded is PointwiseFloat with float32 as inputs, which are rounded
// first.
func PointwiseRounded(dst []float32, dstStride int, src []float32, srcStride, rows int, w *Matrix, bias, scratch []float32) {
	need("destination", dst, rows, dstStride, w.N)
	(&product{floats: dst, dstStride: dstStride, exact: src, srcStride: srcStride, w: w, ep: Epilogue{Bias: bias}}).run(rows, scratch)
}

// rowsAtOnce is how many rows, at most, are multiplied with all weights before
// the next: their inputs and the sums of a block of outputs stay in the
// first-level cache.
const rowsAtOnce = 64

// Scratch returns the elements that Pointwise needs for a number of rows, whose
// inputs are scaled or not.
func (m *Matrix) Scratch(rows int, scaled bool) int {
	n := rowsAtOnce * (blockCols + ceilDiv(m.padded(), 2))
	if scaled && m.scalesWeights(rows) {
		n += ceilDiv(MatrixLen(m.N, m.K), 2)
	}
	return n
}

// scalesWeights reports whether factors of inputs go to the weights: to fewer
// numbers.
func (m *Matrix) scalesWeights(rows int) bool { return rows > m.N }

// product is what Pointwise or PointwiseFloat multiplies.
type product struct {
	halves    []uint16 // the destination, or else
	floats    []float32
	dstStride int
	src       []uint16  // the inputs, or else
	exact     []float32 // them before they are rounded
	srcStride int
	scale     []float32
	w         *Matrix
	ep        Epilogue
}

func (p *product) run(rows int, scratch []float32) {
	w, scale := p.w, p.scale
	if p.exact != nil {
		need("source", p.exact, rows, p.srcStride, w.K)
	} else {
		need("source", p.src, rows, p.srcStride, w.K)
	}
	need("scratch", scratch, 1, 0, w.Scratch(rows, scale != nil))
	p.ep.check(rows, w.N)
	if scale != nil {
		need("factors", scale, 1, 0, w.K)
	}
	sums, copied := scratch[:rowsAtOnce*blockCols], Halves(scratch[rowsAtOnce*blockCols:])
	if scale != nil && w.scalesWeights(rows) {
		s := w.scaled(scale, copied[rowsAtOnce*w.padded():])
		w, scale = &s, nil
	}
	tiles, block := useTiles(rows), rowBlock(rows)
	direct := p.exact == nil && scale == nil && w.K%pair == 0 && (!tiles || w.padded() == w.K)
	for r := 0; r < rows; r += block {
		n := min(block, rows-r)
		x, stride := copied, w.padded()
		switch {
		case direct:
			x, stride = p.src[r*p.srcStride:], p.srcStride
		case p.exact != nil:
			Finish(x, stride, p.exact[r*p.srcStride:], p.srcStride, n, w.K, Epilogue{}, nil)
			clearBehind(x, stride, w.K, n)
		default:
			prepareRows(x, stride, p.src[r*p.srcStride:], p.srcStride, w.K, n, scale)
		}
		for n0 := 0; n0 < w.N; n0 += blockCols {
			multiply(sums, x, stride, n, w, n0)
			p.finish(sums, r, n, n0)
		}
	}
}

// finish stores what becomes of the sums of n rows from r on, of outputs from n0 on.
func (p *product) finish(sums []float32, r, n, n0 int) {
	f := finish{
		src: sums, srcStride: blockCols, rows: n, n: min(blockCols, p.w.N-n0),
		dstStride: p.dstStride, ep: Epilogue{AddStride: p.ep.AddStride, Act: p.ep.Act},
	}
	if p.ep.Bias != nil {
		f.ep.Bias = p.ep.Bias[n0:]
	}
	if p.ep.Add != nil {
		f.ep.Add = p.ep.Add[r*p.ep.AddStride+n0:]
	}
	if at := r*p.dstStride + n0; p.halves != nil {
		f.halves = p.halves[at:]
	} else {
		f.floats = p.floats[at:]
	}
	f.run()
}

// multiply sets sums, a row of 32 for each of x, to those of outputs n0, n0+1, …
func multiply(sums []float32, x []uint16, stride, rows int, w *Matrix, n0 int) {
	if !multiplyAsm(sums, x, stride, rows, w, n0) {
		multiplyGeneric(sums, x, stride, rows, w, n0)
	}
}

func multiplyGeneric(sums []float32, x []uint16, stride, rows int, w *Matrix, n0 int) {
	for r := range rows {
		for c := 0; c < blockCols && n0+c < w.N; c += panelCols {
			multiplyRow((*[panelCols]float32)(sums[r*blockCols+c:]), x[r*stride:], w.K, w.panel((n0+c)/panelCols))
		}
	}
}

// multiplyRow multiplies k inputs with a panel, by pairs.
func multiplyRow(sums *[panelCols]float32, x []uint16, k int, p []uint16) {
	*sums = [panelCols]float32{}
	for ; k > 0; k -= pair {
		first, second := Value(x[0]), float32(0)
		if k > 1 {
			second = Value(x[1])
		}
		addPair(sums, first, second, p)
		p, x = p[panelCols*pair:], x[min(pair, len(x)):]
	}
}

// addPair adds the products of a pair of inputs with the first row of a panel.
func addPair(sums *[panelCols]float32, first, second float32, p []uint16) {
	row := (*[panelCols * pair]uint16)(p)
	for i := range sums {
		s := flush(sums[i] + float32(second*Value(row[2*i+1])))
		sums[i] = flush(s + float32(first*Value(row[2*i])))
	}
}

// Halves returns the memory of floats as halves of them.
func Halves(f []float32) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(f))), 2*len(f))
}
