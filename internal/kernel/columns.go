package kernel

// Columns returns the outputs [from, to) of m as a matrix that shares its
// memory. from is a multiple of 16.
func (m *MatrixOf[T]) Columns(from, to int) MatrixOf[T] {
	first, last := from/panelCols, (to+panelCols-1)/panelCols
	return MatrixOf[T]{K: m.K, N: to - from, panels: m.panels[first*m.K*panelCols : last*m.K*panelCols]}
}
