// Package supernet trains one network that holds all networks of a search space
// and scores each of them by its part of the parameters (Bender et al. 2018; Guo
// et al., Single Path One-Shot, 2020).
//
// A [Net] keeps the parameters. The options of a block share them: a smaller
// expansion has the first channels of a larger one, MixConv's kernels of a size
// are a range of channels of one tensor, narrower stages have the first outputs
// and inputs. What an option changes the statistics of has a batch norm of its
// own. A [Path] is the network of one architecture on those parameters, a graph
// of its own; [Train] trains paths in turn, and a [Scorer] scores them.
package supernet

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/zoo"
)

// Net holds the parameters of all networks of a space.
type Net struct {
	Space   *nas.TableSpace
	Sharing Sharing
	// Graph lists the parameters. It computes nothing: paths do.
	Graph  *graph.Graph
	Values graph.Values[float32]

	index map[string]graph.ParamID
}

// New returns the supernet of a space with new parameters, drawn from a seed.
func New(space *nas.TableSpace, sharing Sharing, seed uint64) (*Net, error) {
	n := &Net{Space: space, Sharing: sharing, index: map[string]graph.ParamID{}}
	b := graph.NewBuilder(space.Name(), space.Base.Input.WithDefaults().Channels)
	b.Output(graph.Logits, b.GlobalPool("global_pool", b.Input()))
	var err error
	if n.Graph, err = b.Build(); err != nil {
		return nil, err
	}
	made := 0
	for _, a := range space.Cover() {
		built, err := n.build(a)
		if err != nil {
			continue // groups that do not divide the channels: no network of the space
		}
		made++
		for _, m := range built.members {
			n.declare(m)
		}
	}
	if made == 0 {
		return nil, fmt.Errorf("space %s: no network can be built", space.Name())
	}
	total := 0.0
	for _, p := range n.Graph.Params {
		size := 1.0
		for _, d := range p.Shape {
			size *= float64(d)
		}
		total += size
	}
	if total > maxParams {
		return nil, fmt.Errorf("space %s: its supernet has %.3g parameters, more than %d", space.Name(), total, maxParams)
	}
	n.Values = graph.NewValues[float32](n.Graph)
	n.Graph.Initialize(n.Values, seed)
	return n, nil
}

// maxParams bounds the memory of a supernet: with an optimizer's, it has several
// times as many values.
const maxParams = 1 << 29

// declare adds a parameter, or makes it as large as a member of it.
func (n *Net) declare(m member) {
	if !m.param.Trainable() {
		return
	}
	shape := slices.Clone(m.param.Shape)
	if m.channels > 0 {
		shape[0] = m.channels
	}
	id, known := n.index[m.key]
	if !known {
		id = graph.ParamID(len(n.Graph.Params))
		n.index[m.key] = id
		n.Graph.Params = append(n.Graph.Params, graph.Param{Name: m.key, Shape: shape, Kind: m.param.Kind, Init: m.param.Init})
		return
	}
	p := &n.Graph.Params[id]
	was := p.Len()
	for i, d := range shape {
		p.Shape[i] = max(p.Shape[i], d)
	}
	if p.Len() > was {
		p.Init = m.param.Init
	}
}

// member is a parameter of a path, with its role in the supernet.
type member struct {
	role
	param graph.Param
}

// built is a path before its parts of the parameters are found.
type built struct {
	graph   *graph.Graph
	members []member
}

// build makes the graph of an architecture and finds the roles of its
// parameters.
func (n *Net) build(a nas.Arch) (*built, error) {
	network, err := n.Space.Network(a)
	if err != nil {
		return nil, err
	}
	g, err := network.Build(zoo.Options{})
	if err != nil {
		return nil, err
	}
	places := n.Space.Places(a)
	if len(places) != len(g.Blocks) || len(places) != len(network.Stages) {
		return nil, fmt.Errorf("%s: %d blocks, want %d", g.Name, len(g.Blocks), len(places))
	}
	var layers []layer
	for i, p := range places {
		layers = append(layers, layer{g.Blocks[i].Name + ".", p, network.Stages[i]})
	}
	return n.membersOf(g, layers)
}

// layer is a block of a path by the beginning of its parameters' names.
type layer struct {
	prefix string
	place  nas.Place
	row    zoo.Stage
}

// membersOf finds the roles of a graph's parameters. Layers stand in the order of
// the parameters.
func (n *Net) membersOf(g *graph.Graph, layers []layer) (*built, error) {
	depthwise := map[string]*graph.MixConv{}
	for _, node := range g.Nodes {
		if dw, ok := node.Op.(*graph.MixConv); ok {
			depthwise[strings.TrimSuffix(node.Name, "conv_dw")] = dw
		}
	}
	out := &built{graph: g}
	at := 0
	for _, p := range g.Params {
		m := member{param: p, role: role{key: p.Name}}
		if strings.HasPrefix(p.Name, "blocks.") {
			for at < len(layers) && !strings.HasPrefix(p.Name, layers[at].prefix) {
				at++
			}
			if at == len(layers) {
				return nil, fmt.Errorf("%s: %s is in no block", g.Name, p.Name)
			}
			l := &layers[at]
			var err error
			if m.role, err = n.Sharing.roleOf(strings.TrimPrefix(p.Name, l.prefix), l.place, l.row, depthwise[l.prefix]); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", g.Name, p.Name, err)
			}
		}
		out.members = append(out.members, m)
	}
	return out, nil
}
