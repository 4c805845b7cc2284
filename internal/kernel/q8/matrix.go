package q8

// panelCols is the number of matrix columns stored side by side, and quad that
// of inputs that are multiplied at once.
const (
	panelCols = 16
	quad      = 4
	tileQuads = 16 // of a step of the tile registers
)

// Matrix is a weight matrix of K inputs and N outputs, packed once for
// Pointwise.
//
// It is stored in panels of 16 outputs: weight (n, k) is byte k mod 4 of
// element n mod 16 of row k/4 of panel n/16. Zeros fill the last panel, and the
// rows up to a multiple of as many equal steps of at most 16 as they need.
type Matrix struct {
	K, N   int
	panels []int8
}

// PackMatrix packs w, which has out rows of in values.
func PackMatrix(w []int8, out, in int) *Matrix {
	m := &Matrix{K: in, N: out}
	m.panels = make([]int8, ceilDiv(out, panelCols)*m.panelLen()+Slack)
	w = w[:out*in]
	for n := range out {
		p := m.panel(n / panelCols)
		for k, x := range w[n*in:][:in] {
			p[k/quad*panelCols*quad+n%panelCols*quad+k%quad] = x
		}
	}
	return m
}

// steps returns how often tile registers are filled to go through the inputs,
// and how many quads of them each time.
func (m *Matrix) steps() (n, quads int) {
	all := ceilDiv(m.K, quad)
	n = max(1, ceilDiv(all, tileQuads))
	return n, ceilDiv(all, n)
}

// panelLen returns the length of a panel.
func (m *Matrix) panelLen() int {
	n, quads := m.steps()
	return n * quads * panelCols * quad
}

// panel returns panel i.
func (m *Matrix) panel(i int) []int8 { return m.panels[i*m.panelLen():][:m.panelLen()] }

// at returns weight (n, k).
func (m *Matrix) at(n, k int) int8 {
	return m.panel(n / panelCols)[k/quad*panelCols*quad+n%panelCols*quad+k%quad]
}

// FoldZero subtracts from the bias of each output what the zero point of the
// inputs adds to its sum, so that the sum is one of products of q-zero.
func (m *Matrix) FoldZero(bias []int32, zero uint8) {
	bias = bias[:m.N]
	for n := range bias {
		sum := int32(0)
		for k := range m.K {
			sum += int32(m.at(n, k))
		}
		bias[n] -= int32(zero) * sum
	}
}

// Columns returns the outputs [from, to) of m as a matrix that shares its
// memory. from is a multiple of 16.
func (m *Matrix) Columns(from, to int) Matrix {
	return Matrix{K: m.K, N: to - from, panels: m.panels[from/panelCols*m.panelLen():]}
}

// Bytes returns the memory that the weights take.
func (m *Matrix) Bytes() int { return len(m.panels) }

func ceilDiv(a, b int) int { return (a + b - 1) / b }
