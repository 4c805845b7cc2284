package q8

// Pointwise computes a linear layer on rows pixels, which is what a 1×1
// convolution is: output n of row r is the code that ep makes of
//
//	Σ_k src[r·srcStride+k]·w(n,k) + bias[n]
//
// at dst[r·dstStride+n]. dst must not overlap src.
func Pointwise(dst []uint8, dstStride int, src []uint8, srcStride, rows int, w *Matrix, ep *Epilogue) {
	need("destination", dst, rows, dstStride, w.N)
	needSource("source", src, rows, srcStride, w.K)
	ep.check(rows, w.N)
	if !pointwiseAsm(dst, dstStride, src, srcStride, rows, w, ep) {
		pointwiseGeneric(dst, dstStride, src, srcStride, rows, w, ep)
	}
}

func pointwiseGeneric(dst []uint8, dstStride int, src []uint8, srcStride, rows int, w *Matrix, ep *Epilogue) {
	var sums [panelCols]int32
	for n0 := 0; n0 < w.N; n0 += panelCols {
		cols := min(panelCols, w.N-n0)
		for r := range rows {
			w.multiply(&sums, src[r*srcStride:][:w.K], n0, ep)
			ep.finish(dst[r*dstStride+n0:][:cols], sums[:cols], r, n0)
		}
	}
}

// multiply sets sums to those of outputs n0, n0+1, … of the inputs x.
func (m *Matrix) multiply(sums *[panelCols]int32, x []uint8, n0 int, ep *Epilogue) {
	*sums = [panelCols]int32{}
	for i := range sums[:min(panelCols, m.N-n0)] {
		sums[i] = ep.start(n0 + i)
	}
	p := m.panel(n0 / panelCols)
	for len(x) > 0 {
		q := p[:panelCols*quad]
		for k, v := range x[:min(quad, len(x))] {
			if v == 0 {
				continue
			}
			for i := range sums {
				sums[i] += int32(v) * int32(q[i*quad+k])
			}
		}
		p, x = p[panelCols*quad:], x[min(quad, len(x)):]
	}
}

// PointwiseFloat is Pointwise without codes: output n of row r is
// float32(sum)·ep.Mul[n], and nothing else of ep counts but the bias.
func PointwiseFloat(dst []float32, dstStride int, src []uint8, srcStride, rows int, w *Matrix, ep *Epilogue) {
	need("destination", dst, rows, dstStride, w.N)
	needSource("source", src, rows, srcStride, w.K)
	ep.check(0, w.N)
	if !pointwiseFloatAsm(dst, dstStride, src, srcStride, rows, w, ep) {
		pointwiseFloatGeneric(dst, dstStride, src, srcStride, rows, w, ep)
	}
}

func pointwiseFloatGeneric(dst []float32, dstStride int, src []uint8, srcStride, rows int, w *Matrix, ep *Epilogue) {
	var sums [panelCols]int32
	for n0 := 0; n0 < w.N; n0 += panelCols {
		cols := min(panelCols, w.N-n0)
		for r := range rows {
			w.multiply(&sums, src[r*srcStride:][:w.K], n0, ep)
			out := dst[r*dstStride+n0:][:cols]
			for i := range out {
				out[i] = float32(sums[i]) * ep.Mul[n0+i]
			}
		}
	}
}
