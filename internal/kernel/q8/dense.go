package q8

import (
	"math"

	"github.com/mixnet-go/mixnet/internal/kernel"
)

// Dense is a linear layer in float32 whose results have the same bits
// everywhere, unlike those of kernel.Pointwise: for the few values of
// squeeze-excite, which scale whole channels of codes.
type Dense struct {
	K, N   int
	panels []float32 // of 16 outputs: (n, k) is element n mod 16 of row k of panel n/16
	bias   []float32 // padded to whole panels
}

// PackDense packs w, which has out rows of in values, and a bias for each
// output; nil for none.
func PackDense(w, bias []float32, out, in int) *Dense {
	panels := ceilDiv(out, panelCols)
	d := &Dense{K: in, N: out, panels: make([]float32, panels*in*panelCols), bias: make([]float32, panels*panelCols)}
	copy(d.bias, bias[:min(len(bias), out)])
	for i, x := range w[:out*in] {
		n, k := i/in, i%in
		d.panels[(n/panelCols*in+k)*panelCols+n%panelCols] = x
	}
	return d
}

// Apply sets output n to act(bias[n] + x[0]·w(n,0) + x[1]·w(n,1) + …), from
// left to right and each operation rounded to float32.
func (d *Dense) Apply(dst, x []float32, act kernel.Act) {
	dst, x = dst[:d.N], x[:d.K]
	var buf [densePanels * panelCols]float32
	for n0 := 0; n0 < d.N; n0 += len(buf) {
		sums := buf[:ceilDiv(min(len(buf), d.N-n0), panelCols)*panelCols]
		if !d.denseAsm(sums, x, n0/panelCols) {
			d.generic(sums, x, n0)
		}
		Activate(sums, act)
		copy(dst[n0:], sums)
	}
}

// densePanels is how many panels of outputs are computed at a time.
const densePanels = 16

// generic sets sums to those of the outputs from n0 on.
func (d *Dense) generic(sums, x []float32, n0 int) {
	copy(sums, d.bias[n0:])
	for i := 0; i < len(sums); i += panelCols {
		s, p := sums[i:][:panelCols], d.panels[(n0+i)*d.K:]
		for k, v := range x {
			for j, w := range p[k*panelCols:][:panelCols] {
				s[j] = float32(s[j] + float32(v*w))
			}
		}
	}
}

// Activate applies an activation to each element of x, with the same bits
// everywhere and an error of some units in the last place.
func Activate(x []float32, act kernel.Act) {
	if act == kernel.Sigmoid || act == kernel.Swish {
		x = x[sigmoidAsm(x, act == kernel.Swish):]
	}
	activateGeneric(x, act)
}

func activateGeneric(x []float32, act kernel.Act) {
	for i, v := range x {
		x[i] = activate(v, act)
	}
}

func activate(v float32, act kernel.Act) float32 {
	switch act {
	case kernel.ReLU:
		return max(v, 0)
	case kernel.ReLU6:
		return min(max(v, 0), 6)
	case kernel.Swish:
		return float32(v * sigmoid(v))
	case kernel.HardSwish:
		return float32(v * float32(min(max(float32(v+3), 0), 6)*(1.0/6)))
	case kernel.Sigmoid:
		return sigmoid(v)
	case kernel.HardSigmoid:
		return float32(min(max(float32(v+3), 0), 6) * (1.0 / 6))
	}
	return v
}

// sigmoid returns 1/(1+e^-v). With n = round(-v·log2(e)), e^-v is 2^n times a
// polynomial in the rest.
func sigmoid(v float32) float32 {
	const (
		limit  = 87
		log2e  = 1.44269504088896341
		ln2Hi  = 0.693359375 // few bits: a multiple of it is exact
		ln2Low = -2.12194440e-4
	)
	t := -min(max(v, -limit), limit)
	n := float32(math.RoundToEven(float64(float32(t * log2e))))
	r := float32(float32(t-float32(n*ln2Hi)) - float32(n*ln2Low))
	p := float32(1.0 / 720)
	for _, c := range [...]float32{1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1, 1} {
		p = float32(float32(p*r) + c)
	}
	e := float32(p * math.Float32frombits(uint32(int32(n)+127)<<23))
	return float32(1 / float32(1+e))
}
