package zoo

import (
	"fmt"
	"slices"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
)

// torchvision is a Network whose parameters have the names that torchvision
// gives them. Its ResNet and ShuffleNetV2 need no such: their names are the
// zoo's own.
type torchvision struct {
	Network
	names string // source of the naming
}

// torchvisions returns the networks whose weights torchvision publishes under
// names of its own.
func torchvisions() []torchvision {
	var all []torchvision
	add := func(n Network, name string, norm graph.Norm, names string) {
		n.Name, n.Title = "torchvision_"+name, n.Title+" (torchvision)"
		n.Norm, n.Weights, n.Paper, n.Note = norm, nil, nil, ""
		n.Input.Interpolation = input.Bilinear
		all = append(all, torchvision{n, names})
	}
	add(mobilenetV2, "mobilenet_v2", pytorch, v2Names)
	add(mobilenetV3Large, "mobilenet_v3_large", tensorflow, v3Names)
	add(mobilenetV3Small, "mobilenet_v3_small", tensorflow, v3Names)
	names := []string{"mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3"}
	for i, n := range widths(mnasnetB1, 50, 75, 100, 130) {
		add(n, names[i], graph.Norm{Eps: 1e-5, Momentum: 3e-4}, mnasnetNames)
	}
	return all
}

// Build makes the graph.
func (t torchvision) Build(o Options) (*graph.Graph, error) {
	g, err := t.Network.Build(o)
	if err != nil {
		return nil, err
	}
	m := namings[slices.IndexFunc(namings, func(m naming) bool { return m.source == t.names })]
	names := m.names(g)
	if i := slices.Index(names, ""); i >= 0 {
		return nil, fmt.Errorf("network %s: %s has no like of %s", t.Name, t.names, g.Params[i].Name)
	}
	return g.Renamed(func(id graph.ParamID, p graph.Param) (string, []int) {
		if t.Head.AfterPool && p.Name == "conv_head.weight" {
			return names[id], p.Shape[:2] // a fully connected layer there
		}
		return names[id], p.Shape
	})
}
