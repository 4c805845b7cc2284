package kernel

// panelCols is the number of matrix columns stored side by side.
const panelCols = 16

// MatrixOf is a weight matrix of K inputs and N outputs, packed once for
// Pointwise.
//
// It is stored in panels of 16 outputs: weight (n, k) is element
// n mod 16 of row k of panel n/16. The last panel is padded with zeros.
type MatrixOf[T Float] struct {
	K, N   int
	panels []T
	from   []int // nil for 0, 1, 2, …
}

// Matrix is the type used for inference.
type Matrix = MatrixOf[float32]

// PackMatrix packs w, which has out rows of in values, PyTorch's layout of a
// linear layer's or 1×1 convolution's weight.
func PackMatrix[T Float](w []T, out, in int) *MatrixOf[T] {
	m := NewMatrix[T](out, in)
	m.Pack(w)
	return m
}

// NewMatrix returns a zero matrix of the given size.
func NewMatrix[T Float](out, in int) *MatrixOf[T] {
	panels := (out + panelCols - 1) / panelCols
	return &MatrixOf[T]{K: in, N: out, panels: make([]T, panels*in*panelCols)}
}

// Pack replaces the values of m by those of w, N rows of K values.
func (m *MatrixOf[T]) Pack(w []T) {
	w = w[:m.N*m.K]
	for n := range m.N {
		row := w[n*m.K:][:m.K]
		p := m.panel(n / panelCols)
		for k, x := range row {
			p[k*panelCols+n%panelCols] = x
		}
	}
}

// PackTransposed replaces the values of m by those of the transpose of w,
// K rows of N values.
func (m *MatrixOf[T]) PackTransposed(w []T) {
	w = w[:m.N*m.K]
	for n0 := 0; n0 < m.N; n0 += panelCols {
		p := m.panel(n0 / panelCols)
		cols := min(panelCols, m.N-n0)
		for k := range m.K {
			copy(p[k*panelCols:][:cols], w[k*m.N+n0:])
		}
	}
}

// scaled sets scratch to the values of m, those of input k multiplied by
// scale[k], and returns the matrix of it.
func (m *MatrixOf[T]) scaled(scratch, scale []T) MatrixOf[T] {
	s := MatrixOf[T]{K: m.K, N: m.N, panels: scratch[:len(m.panels)], from: m.from}
	for i := range (m.N + panelCols - 1) / panelCols {
		d, x := s.panel(i), m.panel(i)
		if d, ok := any(d).([]float32); ok && scalePanelAsm(d, any(x).([]float32), any(scale).([]float32)[:m.K]) {
			continue
		}
		for j := range d {
			d[j] = x[j] * scale[j/panelCols]
		}
	}
	return s
}

// Gather lets input k of m be element from[k] of a source row, in ascending
// order. m keeps from.
func (m *MatrixOf[T]) Gather(from []int) { m.from = from[:m.K] }

// span returns how many elements of a source row the inputs span.
func (m *MatrixOf[T]) span() int {
	if m.from == nil || m.K == 0 {
		return m.K
	}
	return m.from[m.K-1] + 1
}

// panel returns panel i.
func (m *MatrixOf[T]) panel(i int) []T {
	return m.panels[i*m.K*panelCols:][:m.K*panelCols]
}

// EpilogueOf is what happens to the sums of a matrix product on their way to
// memory. The zero value stores them as they are.
type EpilogueOf[T Float] struct {
	Bias []T // added to each output, length N; nil for none
	// Add is a residual of the same rows and outputs, AddStride apart, added
	// as well; nil for none. It may be the destination.
	Add       []T
	AddStride int
	Act       Act // applied to the sum of all
	// InScale multiplies each input before the product, length K; nil for
	// none. It is applied to a copy of the weights in Scratch, whose length is
	// at least MatrixOf.InScaleScratch: worthwhile when there are more rows
	// than outputs, otherwise ScaleRows on the source is cheaper.
	InScale []T
	Scratch []T
}

// Epilogue is the type used for inference.
type Epilogue = EpilogueOf[float32]

// InScaleScratch returns the length of Epilogue.Scratch that InScale needs.
func (m *MatrixOf[T]) InScaleScratch() int { return len(m.panels) }

// Pointwise computes a linear layer on rows pixels, which is what a 1×1
// convolution is:
//
//	dst[r·dstStride+n] = act(Σ_k src[r·srcStride+k]·w(n,k) + bias[n] + add[r·addStride+n])
//
// for r < rows and n < w.N, where k is from[k] if w gathers its inputs. dst must not overlap src. A nil ep is the zero
// Epilogue.
func Pointwise[T Float](dst []T, dstStride int, src []T, srcStride, rows int, w *MatrixOf[T], ep *EpilogueOf[T]) {
	if ep == nil {
		ep = &EpilogueOf[T]{}
	}
	need("destination", dst, rows, dstStride, w.N)
	need("source", src, rows, srcStride, w.span())
	if ep.Bias != nil {
		need("bias", ep.Bias, 1, 0, w.N)
	}
	if ep.Add != nil {
		need("residual", ep.Add, rows, ep.AddStride, w.N)
	}
	if ep.InScale != nil {
		need("input scale", ep.InScale, 1, 0, w.K)
		need("scratch", ep.Scratch, 1, 0, w.InScaleScratch())
	}
	if ep.InScale != nil {
		scaled := w.scaled(ep.Scratch, ep.InScale)
		w = &scaled
	}
	if d, ok := any(dst).([]float32); ok &&
		pointwiseAsm(d, dstStride, any(src).([]float32), srcStride, rows, any(w).(*Matrix), any(ep).(*Epilogue)) {
		return
	}
	pointwiseGeneric(dst, dstStride, src, srcStride, rows, w, ep)
}
