//go:build !purego

package q8

import "github.com/mixnet-go/mixnet/internal/cpu"

// denseAsm sets sums, which is whole panels long, to those of the outputs from
// panel first on.
func (d *Dense) denseAsm(sums, x []float32, first int) bool {
	if cpu.Current() < cpu.AVX2 || d.K == 0 {
		return false
	}
	w, bias, panels := &d.panels[first*d.K*panelCols], &d.bias[first*panelCols], len(sums)/panelCols
	if cpu.Current() == cpu.AVX512 {
		denseAVX512(&sums[0], &x[0], w, bias, d.K, panels)
	} else {
		denseAVX2(&sums[0], &x[0], w, bias, d.K, panels)
	}
	return true
}

// sigmoidAsm applies the sigmoid, or swish, to x, and returns how many elements
// it has done.
func sigmoidAsm(x []float32, swish bool) (done int) {
	n, s := len(x)/panelCols, 0
	if swish {
		s = 1
	}
	switch {
	case n == 0 || cpu.Current() < cpu.AVX2:
		return 0
	case cpu.Current() == cpu.AVX512:
		sigmoidAVX512(&x[0], n, s)
	default:
		sigmoidAVX2(&x[0], n, s)
	}
	return n * panelCols
}
