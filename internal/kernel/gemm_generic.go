package kernel

func pointwiseGeneric[T Float](dst []T, dstStride int, src []T, srcStride, rows int, w *MatrixOf[T], ep *EpilogueOf[T]) {
	for n0 := 0; n0 < w.N; n0 += panelCols {
		pointwisePanel(dst, dstStride, src, srcStride, rows, w, n0, ep)
	}
}

// pointwisePanel computes the outputs of one panel, from n0 on.
func pointwisePanel[T Float](dst []T, dstStride int, src []T, srcStride, rows int, w *MatrixOf[T], n0 int, ep *EpilogueOf[T]) {
	panel := w.panel(n0 / panelCols)
	cols := min(panelCols, w.N-n0)
	var sums [2][panelCols]T
	for r := 0; r < rows; r += 2 {
		pair := min(2, rows-r)
		a0 := src[r*srcStride:][:w.K]
		a1 := src[(r+pair-1)*srcStride:][:w.K]
		for c := 0; c < cols; c += 4 {
			sum := dot2x4(a0, a1, panel[c:])
			for i := range pair {
				copy(sums[i][c:], sum[4*i:][:4])
			}
		}
		for i := range pair {
			ep.finish(sums[i][:cols], r+i, n0)
			copy(dst[(r+i)*dstStride+n0:], sums[i][:cols])
		}
	}
}

// dot2x4 returns the products of two rows with four columns of a panel, row
// by row. Eight running sums are what the scalar registers hold.
func dot2x4[T Float](a0, a1, panel []T) (sum [8]T) {
	var s00, s01, s02, s03, s10, s11, s12, s13 T
	a1 = a1[:len(a0)]
	i := 0
	for k, x0 := range a0 {
		x1 := a1[k]
		b := panel[i : i+4 : i+4]
		i += panelCols
		s00 += x0 * b[0]
		s01 += x0 * b[1]
		s02 += x0 * b[2]
		s03 += x0 * b[3]
		s10 += x1 * b[0]
		s11 += x1 * b[1]
		s12 += x1 * b[2]
		s13 += x1 * b[3]
	}
	return [8]T{s00, s01, s02, s03, s10, s11, s12, s13}
}

// finish applies the epilogue to the outputs of row r from n0 on, in place.
func (ep *EpilogueOf[T]) finish(d []T, r, n0 int) {
	if ep.Bias != nil {
		addVecGeneric(d, d, ep.Bias[n0:])
	}
	if ep.Act != Identity {
		activateGeneric(d, d, ep.Act)
	}
	if ep.Add != nil {
		addVecGeneric(d, d, ep.Add[r*ep.AddStride+n0:])
	}
}
