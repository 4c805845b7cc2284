package train

import (
	"slices"

	"github.com/mixnet-go/mixnet/graph"
)

// withNormMomentum returns g with another momentum in every batch norm; g
// itself for 0.
func withNormMomentum(g *graph.Graph, momentum float64) *graph.Graph {
	if momentum == 0 {
		return g
	}
	changed := *g
	changed.Nodes = slices.Clone(g.Nodes)
	for i, n := range changed.Nodes {
		if norm, ok := n.Op.(*graph.BatchNorm); ok {
			other := *norm
			other.Momentum = momentum
			changed.Nodes[i].Op = &other
		}
	}
	return &changed
}
