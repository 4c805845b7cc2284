package nas

import (
	"fmt"
	"math"
	"slices"

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

// mostWidth is the largest factor of Equalized.
const mostWidth = 16

// Equalized returns a network with its widths multiplied so that it has about so
// many multiply-adds. Widths are even, not multiples of 8 as the zoo's: those of
// small networks would miss by a sixth.
func Equalized(n zoo.Network, macs int64) (zoo.Network, error) {
	best, least := n, int64(math.MaxInt64)
	try := func(width float64) (int64, error) {
		scaled := n
		even := func(c int) int { return max(2*int(math.Round(float64(c)*width/2)), 2) }
		scaled.Stem.Out = even(n.Stem.Out)
		if n.Head.Out > 0 {
			scaled.Head.Out = even(n.Head.Out)
		}
		scaled.Stages = slices.Clone(n.Stages)
		for i := range scaled.Stages {
			scaled.Stages[i].Out = even(n.Stages[i].Out)
			scaled.Stages[i].Channels = slices.Clone(n.Stages[i].Channels)
			for j, c := range n.Stages[i].Channels {
				scaled.Stages[i].Channels[j] = max(1, int(math.Round(float64(c)*width)))
			}
		}
		cost, err := CostOf(scaled)
		if off := max(cost.MACs-macs, macs-cost.MACs); err == nil && off < least {
			best, least = scaled, off
			best.Name = fmt.Sprintf("%s@width=%.3f", n.Name, width)
		}
		return cost.MACs, err
	}
	low, high := 0.1, 2.0
	for high < mostWidth {
		if got, err := try(high); err != nil || got >= macs {
			break
		}
		high *= 2
	}
	for range 12 {
		width := math.Sqrt(low * high)
		got, err := try(width)
		if err != nil {
			return n, err
		}
		if got > macs {
			high = width
		} else {
			low = width
		}
	}
	// Rounded widths do not grow evenly: look about.
	for i := range 40 {
		if _, err := try(low * (0.96 + 0.002*float64(i))); err != nil {
			return n, err
		}
	}
	return best, nil
}
