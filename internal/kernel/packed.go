package kernel

// MatrixLen returns the number of elements that a matrix needs.
func MatrixLen(out, in int) int {
	return (out + panelCols - 1) / panelCols * panelCols * in
}

// MatrixIn returns a matrix of the given size whose values lie in mem, of
// length MatrixLen: zeros, where the matrix is to have them.
func MatrixIn[T Float](mem []T, out, in int) *MatrixOf[T] {
	return &MatrixOf[T]{K: in, N: out, panels: mem[:MatrixLen(out, in)]}
}

// Columns returns the outputs [from, to) of m as a matrix that shares its
// memory. from is a multiple of 16.
func (m *MatrixOf[T]) Columns(from, to int) MatrixOf[T] {
	first, last := from/panelCols, (to+panelCols-1)/panelCols
	return MatrixOf[T]{K: m.K, N: to - from, panels: m.panels[first*m.K*panelCols : last*m.K*panelCols]}
}

// ScaleOutputs multiplies all weights of output n by scale[n].
func (m *MatrixOf[T]) ScaleOutputs(scale []T) {
	scale = scale[:m.N]
	for i := range (m.N + panelCols - 1) / panelCols {
		var s [panelCols]T
		copy(s[:], scale[i*panelCols:])
		scaleLanes(m.panel(i), &s)
	}
}

// ScaleChannels multiplies all taps of channel c by scale[c].
func (f *DWFilterOf[T]) ScaleChannels(scale []T) {
	scale = scale[:f.Channels]
	size := f.Kernel * f.Kernel * dwBlock
	for i := range (f.Channels + dwBlock - 1) / dwBlock {
		var s [dwBlock]T
		copy(s[:], scale[i*dwBlock:])
		scaleLanes(f.blocks[i*size:][:size], &s)
	}
}

// scaleLanes multiplies each run of 16 elements of x by s.
func scaleLanes[T Float](x []T, s *[16]T) {
	for ; len(x) >= 16; x = x[16:] {
		for i, f := range s {
			x[i] *= f
		}
	}
}

// Range returns the filter of the channels [from, to) of f, which shares its
// memory. from is a multiple of 16.
func (f *DWFilterOf[T]) Range(from, to int) DWFilterOf[T] {
	size := f.Kernel * f.Kernel * dwBlock
	first, last := from/dwBlock, (to+dwBlock-1)/dwBlock
	return DWFilterOf[T]{Kernel: f.Kernel, Channels: to - from, blocks: f.blocks[first*size : last*size]}
}
