package bf16

const (
	panelCols = 16 // outputs that are stored side by side
	blockCols = 32 // outputs that are multiplied at once
	pair      = 2  // inputs that are multiplied at once
	tilePairs = 16 // pairs of a step of the tile registers, at most
)

// Matrix is a weight matrix of K inputs and N outputs, packed once for
// Pointwise.
//
// It is stored in panels of 16 outputs: weight (n, k) is half k mod 2 of
// element n mod 16 of row k/2 of panel n/16. Zeros fill the last panel, and the
// rows up to a multiple of as many equal steps of at most 16 as they need.
type Matrix struct {
	K, N   int
	panels []uint16
}

// MatrixLen returns how many elements of memory a matrix takes.
func MatrixLen(out, in int) int {
	m := Matrix{K: in, N: out}
	return ceilDiv(out, panelCols) * m.panelLen()
}

// MatrixIn returns a matrix that lies in mem, of MatrixLen elements, which are
// zeros.
func MatrixIn(mem []uint16, out, in int) *Matrix {
	return &Matrix{K: in, N: out, panels: mem[:MatrixLen(out, in)]}
}

// Pack rounds and packs w, which has a row of K values for each output; row n
// is multiplied by scale[n] before. A nil scale is all ones.
func (m *Matrix) Pack(w, scale []float32) {
	w = w[:m.N*m.K]
	for n := range m.N {
		p, f := m.panel(n/panelCols), float32(1)
		if scale != nil {
			f = scale[n]
		}
		for k, x := range w[n*m.K:][:m.K] {
			p[k/pair*panelCols*pair+n%panelCols*pair+k%pair] = Round(x * f)
		}
	}
}

// Move lets m lie in mem, of MatrixLen elements. Its weights are to be packed
// anew.
func (m *Matrix) Move(mem []uint16) {
	m.panels = mem[:MatrixLen(m.N, m.K)]
	clear(m.panels)
}

// PackRows is Pack with the weights the other way around, a row of N values for
// each input, stride apart: it is Pack of the transpose.
func (m *Matrix) PackRows(w []float32, stride int) {
	need("weights", w, m.K, stride, m.N)
	if m.K > 0 && m.N > 0 {
		pairRows(m.panels, m.panelLen(), w, stride, m.K, m.N)
	}
}

// steps returns how often tile registers are filled to go through the inputs,
// and how many pairs of them each time.
func (m *Matrix) steps() (n, pairs int) {
	all := ceilDiv(m.K, pair)
	n = max(1, ceilDiv(all, tilePairs))
	return n, ceilDiv(all, n)
}

// padded returns the inputs that the steps go through.
func (m *Matrix) padded() int {
	n, pairs := m.steps()
	return n * pairs * pair
}

// panelLen returns the length of a panel.
func (m *Matrix) panelLen() int { return m.padded() * panelCols }

// panel returns panel i.
func (m *Matrix) panel(i int) []uint16 { return m.panels[i*m.panelLen():][:m.panelLen()] }

// scaled returns m with the weights of input k multiplied by scale[k] and rounded
// again, in memory of its size.
func (m *Matrix) scaled(scale []float32, mem []uint16) Matrix {
	s := Matrix{K: m.K, N: m.N, panels: mem[:MatrixLen(m.N, m.K)]}
	const row = panelCols * pair
	for i := range ceilDiv(m.N, panelCols) {
		from, to := m.panel(i), s.panel(i)
		done := scaleWeightsAsm(to, from, scale[:m.K])
		for p := done; p < len(from)/row; p++ {
			for j := range row {
				f := float32(0)
				if k := pair*p + j%pair; k < m.K {
					f = scale[k]
				}
				to[p*row+j] = Round(Value(from[p*row+j]) * f)
			}
		}
	}
	return s
}

// Columns returns the outputs [from, to) of m as a matrix that shares its
// memory. from is a multiple of 16.
func (m *Matrix) Columns(from, to int) Matrix {
	return Matrix{K: m.K, N: to - from, panels: m.panels[from/panelCols*m.panelLen():]}
}
