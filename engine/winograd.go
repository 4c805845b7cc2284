package engine

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
)

const (
	// minWinograd is the least number of input and output channels for
	// Winograd's form: with fewer, its transforms cost more than it saves.
	minWinograd = 16
	// manyWeights is the number of weights, input times output channels, from
	// which tiles are 2×2 outputs, and manyStrided that from which strided
	// layers keep the direct form. Layers with so many channels have small maps,
	// for which reading four transformed weights for each, or with a stride
	// almost three, takes longer than what is saved.
	manyWeights = 384 * 384
	manyStrided = 256 * 512
)

// winogradForm returns Winograd's form of op, if it is to have one.
func winogradForm(op *graph.Conv) (f kernel.WinogradForm, ok bool) {
	if op.Kernel != 3 || op.Stride > 2 || op.Dilation != 1 {
		return f, false
	}
	weights := 0 // of the largest group
	for _, g := range op.Groups {
		if min(g.In, g.Out) < minWinograd {
			return f, false
		}
		weights = max(weights, g.In*g.Out)
	}
	switch {
	case op.Stride == 2:
		return kernel.WinogradForm{Tile: 2, Stride: 2}, weights < manyStrided
	case weights >= manyWeights:
		return kernel.WinogradForm{Tile: 2, Stride: 1}, true
	}
	return kernel.WinogradForm{Tile: 4, Stride: 1}, true
}

// winograd returns Winograd's form of the weights of a group. Output i is
// multiplied by scale[i]; a nil scale is all ones.
func (r *weightReader) winograd(f kernel.WinogradForm, g graph.ConvGroup, scale []float32) (*kernel.Winograd, error) {
	w, err := r.next(9 * g.In * g.Out)
	if err != nil {
		return nil, err
	}
	n := kernel.WinogradLen(f, g.Out, g.In)
	m := kernel.WinogradIn(r.p.mem[:n], f, w, g.Out, g.In, scale)
	r.p.mem = r.p.mem[n:]
	return m, nil
}
