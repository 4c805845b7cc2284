package kernel

func pointwiseGeneric[T Float](dst []T, dstStride int, src []T, srcStride, rows int, w *MatrixOf[T], ep *EpilogueOf[T]) {
	for n0 := 0; n0 < w.N; n0 += panelCols {
		pointwisePanel(dst, dstStride, src, srcStride, rows, w, n0, ep)
	}
}

// pointwisePanel computes the outputs of one panel, from n0 on.
func pointwisePanel[T Float](dst []T, dstStride int, src []T, srcStride, rows int, w *MatrixOf[T], n0 int, ep *EpilogueOf[T]) {
	if w.from != nil {
		gatheredPanel(dst, dstStride, src, srcStride, rows, w, n0, ep)
		return
	}
	panel := w.panel(n0 / panelCols)
	cols := min(panelCols, w.N-n0)
	for r := 0; r < rows; r += 3 {
		n := min(3, rows-r)
		var a [3][]T // the last row stands in for those beyond the end
		for i := range a {
			a[i] = src[(r+min(i, n-1))*srcStride:][:w.K]
		}
		var out [3][panelCols]T // the residual may lie where the results go
		for c := 0; c < cols; c += 2 {
			sum := dot3x2(a[0], a[1], a[2], panel[c:])
			for i := range out {
				out[i][c], out[i][c+1] = sum[2*i], sum[2*i+1]
			}
		}
		for i := range n {
			ep.finish(out[i][:cols], r+i, n0)
			copy(dst[(r+i)*dstStride+n0:], out[i][:cols])
		}
	}
}

// gatheredPanel is pointwisePanel for a matrix that gathers its inputs.
func gatheredPanel[T Float](dst []T, dstStride int, src []T, srcStride, rows int, w *MatrixOf[T], n0 int, ep *EpilogueOf[T]) {
	panel := w.panel(n0 / panelCols)
	cols := min(panelCols, w.N-n0)
	for r := range rows {
		a := src[r*srcStride:]
		var out [panelCols]T
		for k, at := range w.from {
			x := a[at]
			for c, b := range panel[k*panelCols:][:panelCols] {
				out[c] += x * b
			}
		}
		ep.finish(out[:cols], r, n0)
		copy(dst[r*dstStride+n0:], out[:cols])
	}
}

// dot3x2 returns the products of three rows with two columns of a panel, row
// by row. With more sums at a time the compiler runs out of registers.
func dot3x2[T Float](a0, a1, a2, panel []T) [6]T {
	var s00, s01, s10, s11, s20, s21 T
	a1, a2 = a1[:len(a0)], a2[:len(a0)]
	for k, x0 := range a0 {
		x1, x2 := a1[k], a2[k]
		b := panel[k*panelCols:][:2:2]
		b0, b1 := b[0], b[1]
		s00 += x0 * b0
		s10 += x1 * b0
		s20 += x2 * b0
		s01 += x0 * b1
		s11 += x1 * b1
		s21 += x2 * b1
	}
	return [6]T{s00, s01, s10, s11, s20, s21}
}

// finish applies the epilogue to the outputs of row r from n0 on, in place.
func (ep *EpilogueOf[T]) finish(d []T, r, n0 int) {
	if ep.Bias != nil {
		addVecGeneric(d, d, ep.Bias[n0:])
	}
	if ep.Add != nil {
		addVecGeneric(d, d, ep.Add[r*ep.AddStride+n0:])
	}
	if ep.Act != Identity {
		activateGeneric(d, d, ep.Act)
	}
}
