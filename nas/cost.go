package nas

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

// Cost is what a network takes, for one image of its size.
type Cost struct {
	Params int64 `json:"params"`
	MACs   int64 `json:"macs"` // multiply-adds of convolutions and fully connected layers
	// Activations is the most memory, in bytes of float32, that results take at
	// the same time when operators run one after the other.
	Activations int64 `json:"activations"`
	// Latency is predicted, in seconds of one image; 0 where nobody asked.
	Latency float64 `json:"latency_seconds,omitempty"`
}

// CostOf counts a network, without making its parameters.
func CostOf(n zoo.Spec) (Cost, error) {
	info, err := zoo.Adapt(n, zoo.Options{})
	if err != nil {
		return Cost{}, err
	}
	g, err := n.Build(zoo.Options{})
	if err != nil {
		return Cost{}, err
	}
	in := tensor.Shape{N: 1, H: info.Input.Size[0], W: info.Input.Size[1], C: info.Input.Channels}
	shapes, err := g.Shapes(in)
	if err != nil {
		return Cost{}, err
	}
	macs, err := g.MACs(in)
	if err != nil {
		return Cost{}, err
	}
	return Cost{Params: g.ParamCount(), MACs: macs, Activations: 4 * peak(g, shapes)}, nil
}

// peak returns the most elements that are alive at once. Batch norm, activations
// and whatever else changes elements in place takes no memory of its own.
func peak(g *graph.Graph, shapes []tensor.Shape) int64 {
	owner := make([]graph.ID, len(g.Nodes)) // of the memory of a node's result
	last := make([]int, len(g.Nodes))       // node that reads it last
	for i, n := range g.Nodes {
		owner[i] = graph.ID(i)
		switch n.Op.(type) {
		case *graph.BatchNorm, *graph.Activate, *graph.Dropout, *graph.DropPath, *graph.Scale:
			owner[i] = owner[n.Inputs[0]]
		}
		for _, in := range n.Inputs {
			last[owner[in]] = i
		}
		last[owner[i]] = max(last[owner[i]], i)
	}
	var alive, most int64
	for i := range g.Nodes {
		if owner[i] == graph.ID(i) {
			alive += int64(shapes[i].Len())
			most = max(most, alive)
		}
		for j := range i + 1 {
			if owner[j] == graph.ID(j) && last[j] == i {
				alive -= int64(shapes[j].Len())
			}
		}
	}
	return most
}
