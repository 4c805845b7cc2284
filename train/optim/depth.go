package optim

import (
	"fmt"
	"math"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
)

// layerScales returns what the rate of every parameter of g is multiplied by:
// decay once for every block between it and the network's end. What comes
// before the first block counts as one, and so does what comes after the last.
func layerScales(g *graph.Graph, decay float64) ([]float64, error) {
	scales := make([]float64, len(g.Params))
	if decay == 0 || decay == 1 {
		for i := range scales {
			scales[i] = 1
		}
		return scales, nil
	}
	if len(g.Blocks) == 0 {
		return nil, fmt.Errorf("optimizer: layer decay %g: %s has no blocks to tell layers by", decay, g.Name)
	}
	// Parameters stand in the order of their layers.
	depth := 0
	for i, p := range g.Params {
		if block := blockOf(g, p.Name); block >= 0 {
			depth = block + 1
		} else if depth > 0 {
			depth = len(g.Blocks) + 1
		}
		scales[i] = math.Pow(decay, float64(len(g.Blocks)+1-depth))
	}
	return scales, nil
}

// blockOf returns the index of the block that a parameter belongs to, or -1.
func blockOf(g *graph.Graph, param string) int {
	for i, b := range g.Blocks {
		if strings.HasPrefix(param, b.Name+".") {
			return i
		}
	}
	return -1
}
