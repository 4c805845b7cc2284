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

// EmptyMatrix returns a matrix of the given size that Move is to give memory.
func EmptyMatrix[T Float](out, in int) *MatrixOf[T] { return &MatrixOf[T]{K: in, N: out} }

// Move lets the values of m lie in mem, of length MatrixLen. They are undefined
// until they are packed.
func (m *MatrixOf[T]) Move(mem []T) {
	m.panels = mem[:MatrixLen(m.N, m.K)]
	if m.N%panelCols != 0 {
		clear(m.panel(m.N / panelCols))
	}
}

// PackScaled is Pack of w with row n multiplied by scale[n]; a nil scale is all
// ones. w may lie in the memory of m, at its beginning: it is worked on by way
// of scratch, of ScratchLen(K) elements.
func (m *MatrixOf[T]) PackScaled(w, scale, scratch []T) {
	rows := scratch[:ScratchLen(m.K)]
	for i := range (m.N + panelCols - 1) / panelCols {
		from := i * panelCols
		cols := min(panelCols, m.N-from)
		copy(rows, w[from*m.K:][:cols*m.K])
		clear(rows[cols*m.K:])
		var s [panelCols]T
		for j := range s[:cols] {
			s[j] = 1
			if scale != nil {
				s[j] = scale[from+j]
			}
		}
		p := m.panel(i)
		for j := 0; j < panelCols; j += 4 {
			interleave(p[j:], rows[j*m.K:][:4*m.K], [4]T(s[j:]))
		}
	}
}

// ScratchLen returns the size of PackScaled's scratch for matrices of so many
// inputs.
func ScratchLen(in int) int { return in * panelCols }

// interleave writes four rows, one after the other in x, as four columns of a
// panel, each multiplied by its scale.
func interleave[T Float](panel, x []T, scale [4]T) {
	n := len(x) / 4
	a, b, c, d := x[:n], x[n:][:n], x[2*n:][:n], x[3*n:][:n]
	for k := range a {
		q := panel[k*panelCols:][:4:4]
		q[0], q[1], q[2], q[3] = a[k]*scale[0], b[k]*scale[1], c[k]*scale[2], d[k]*scale[3]
	}
}

// Columns returns the outputs [from, to) of m as a matrix that shares its
// memory. from is a multiple of 16.
func (m *MatrixOf[T]) Columns(from, to int) MatrixOf[T] {
	first, last := from/panelCols, (to+panelCols-1)/panelCols
	return MatrixOf[T]{K: m.K, N: to - from, panels: m.panels[first*m.K*panelCols : last*m.K*panelCols], from: m.from}
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
