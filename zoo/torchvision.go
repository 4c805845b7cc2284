package zoo

import (
	"fmt"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
)

// torchvision is a Network whose parameters have the names that torchvision
// gives them. Its ResNet and ShuffleNetV2 need no such: their names are the
// zoo's own.
type torchvision struct {
	Network
	modules func(Network) map[string]string // torchvision's name of every module
}

// torchvisions returns the networks whose weights torchvision publishes under
// names of its own.
func torchvisions() []torchvision {
	var all []torchvision
	add := func(n Network, name string, norm graph.Norm, modules func(Network) map[string]string) {
		n.Name, n.Title = "torchvision_"+name, n.Title+" (torchvision)"
		n.Norm, n.Weights, n.Paper, n.Note = norm, nil, nil, ""
		n.Input.Interpolation = input.Bilinear
		all = append(all, torchvision{n, modules})
	}
	add(mobilenetV2, "mobilenet_v2", pytorch, torchvisionV2)
	add(mobilenetV3Large, "mobilenet_v3_large", tensorflow, torchvisionV3)
	add(mobilenetV3Small, "mobilenet_v3_small", tensorflow, torchvisionV3)
	names := []string{"mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3"}
	for i, n := range widths(mnasnetB1, 50, 75, 100, 130) {
		add(n, names[i], graph.Norm{Eps: 1e-5, Momentum: 3e-4}, torchvisionMnasNet)
	}
	return all
}

// Build makes the graph.
func (t torchvision) Build(o Options) (*graph.Graph, error) {
	g, err := t.Network.Build(o)
	if err != nil {
		return nil, err
	}
	modules := t.modules(t.Network)
	for i, p := range g.Params {
		dot := strings.LastIndexByte(p.Name, '.')
		name, ok := modules[p.Name[:dot]]
		if !ok {
			return nil, fmt.Errorf("network %s: torchvision has no like of %s", t.Name, p.Name)
		}
		g.Params[i].Name = name + p.Name[dot:]
		if t.Head.AfterPool && p.Name == "conv_head.weight" {
			g.Params[i].Shape = p.Shape[:2] // a fully connected layer there
		}
	}
	return g, nil
}

// torchvisionV2 names the modules of mobilenet_v2.
func torchvisionV2(n Network) map[string]string {
	m := map[string]string{"conv_stem": "features.0.0", "bn1": "features.0.1", "classifier": "classifier.1"}
	blocks := n.blocks()
	for _, b := range blocks {
		to := []string{"0.0", "0.1", "1.0", "1.1", "2", "3"}
		if b.Expand == 0 {
			to = []string{"0.0", "0.1", "1", "2"}
		}
		b.rename(m, fmt.Sprintf("features.%d.conv.", b.number+1), to)
	}
	m["conv_head"] = fmt.Sprintf("features.%d.0", len(blocks)+1)
	m["bn2"] = fmt.Sprintf("features.%d.1", len(blocks)+1)
	return m
}

// torchvisionV3 names the modules of mobilenet_v3_large and _small.
func torchvisionV3(n Network) map[string]string {
	m := map[string]string{
		"conv_stem": "features.0.0", "bn1": "features.0.1",
		"conv_head": "classifier.0", "classifier": "classifier.3",
	}
	for _, b := range n.blocks() {
		prefix := fmt.Sprintf("features.%d.", b.number+1)
		if b.Kind != Inverted {
			m[b.name()+".conv"], m[b.name()+".bn1"] = prefix+"0", prefix+"1"
			continue
		}
		prefix += "block."
		var to []string
		unit := 0
		if b.Expand > 0 {
			to = append(to, "0.0", "0.1")
			unit++
		}
		to = append(to, fmt.Sprintf("%d.0", unit), fmt.Sprintf("%d.1", unit))
		unit++
		if b.SE > 0 {
			m[b.name()+".se.conv_reduce"] = fmt.Sprintf("%s%d.fc1", prefix, unit)
			m[b.name()+".se.conv_expand"] = fmt.Sprintf("%s%d.fc2", prefix, unit)
			unit++
		}
		to = append(to, fmt.Sprintf("%d.0", unit), fmt.Sprintf("%d.1", unit))
		b.rename(m, prefix, to)
	}
	return m
}

// torchvisionMnasNet names the modules of mnasnet0_5 to mnasnet1_3.
func torchvisionMnasNet(n Network) map[string]string {
	m := map[string]string{
		"conv_stem": "layers.0", "bn1": "layers.1",
		"conv_head": "layers.14", "bn2": "layers.15", "classifier": "classifier.1",
	}
	for _, b := range n.blocks() {
		if b.part == 0 {
			b.rename(m, "layers.", []string{"3", "4", "6", "7"})
		} else {
			b.rename(m, fmt.Sprintf("layers.%d.%d.layers.", b.part+7, b.index), []string{"0", "1", "3", "4", "6", "7"})
		}
	}
	return m
}

// rename gives the convolutions and batch norms of an inverted-residual block
// other names, in their order.
func (b block) rename(m map[string]string, prefix string, to []string) {
	from := []string{"conv_dw", "bn1", "conv_pw", "bn2"}
	if b.Expand > 0 {
		from = []string{"conv_pw", "bn1", "conv_dw", "bn2", "conv_pwl", "bn3"}
	}
	for i, name := range from {
		m[b.name()+"."+name] = prefix + to[i]
	}
}
