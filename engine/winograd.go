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
	// which tiles are 2×2 outputs. Layers with so many channels have few
	// positions, for which reading 36 transformed weights for every 9 takes
	// longer than what is saved by larger tiles.
	manyWeights = 384 * 384
)

// winogradTile returns the size of the tiles in Winograd's form of op, or 0 for
// the direct form.
func winogradTile(op *graph.Conv) int {
	if op.Kernel != 3 || op.Stride != 1 || op.Dilation != 1 {
		return 0
	}
	tile := 4
	for _, g := range op.Groups {
		switch {
		case min(g.In, g.Out) < minWinograd:
			return 0
		case g.In*g.Out >= manyWeights:
			tile = 2
		}
	}
	return tile
}

// winograd returns Winograd's form of the weights of a group. Output i is
// multiplied by scale[i]; a nil scale is all ones.
func (r *weightReader) winograd(tile int, g graph.ConvGroup, scale []float32) (*kernel.Winograd, error) {
	w, err := r.next(9 * g.In * g.Out)
	if err != nil {
		return nil, err
	}
	n := kernel.WinogradLen(tile, g.Out, g.In)
	m := kernel.WinogradIn(r.p.mem[:n], tile, w, g.Out, g.In, scale)
	r.p.mem = r.p.mem[n:]
	return m, nil
}
