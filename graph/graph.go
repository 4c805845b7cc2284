// Package graph describes an image network as data: a list of typed operators
// in topological order, the parameters they read, and nothing about how they
// are computed. The inference engine and the training executor both run the
// same graph.
package graph

import (
	"fmt"

	"github.com/mixnet-go/mixnet/tensor"
)

// ID names a node: its index in Graph.Nodes.
type ID int

// None is the ID of no node.
const None ID = -1

// Node is one operator and where its inputs come from.
type Node struct {
	Name   string // module path as in timm, such as "blocks.1.0.conv_dw"
	Op     Op
	Inputs []ID // each smaller than the node's own ID
}

// Block marks the node whose output is the output of a named block.
type Block struct {
	Name string // such as "blocks.1.0"
	Out  ID
}

// Graph is a network. Node 0 is the only input. A Graph is immutable after
// Builder.Build and safe for concurrent use.
type Graph struct {
	Name    string
	Nodes   []Node
	Params  []Param
	Blocks  []Block
	Outputs []Output // logits first, then features, then the others, those of training last
}

// Channels returns the number of channels of the input image.
func (g *Graph) Channels() int { return g.Nodes[0].Op.(*Input).C }

// Shapes infers the output shape of every node for an input shape.
func (g *Graph) Shapes(in tensor.Shape) ([]tensor.Shape, error) {
	if err := in.Valid(); err != nil {
		return nil, err
	}
	if in.C != g.Channels() {
		return nil, fmt.Errorf("%s: %w: input %v has %d channels, the network takes %d", g.Name, tensor.ErrShape, in, in.C, g.Channels())
	}
	shapes := make([]tensor.Shape, len(g.Nodes))
	shapes[0] = in
	var args []tensor.Shape
	for i, n := range g.Nodes[1:] {
		args = args[:0]
		for _, id := range n.Inputs {
			args = append(args, shapes[id])
		}
		out, err := n.Op.OutShape(args)
		if err == nil {
			err = out.Valid()
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s: input %v: %w", g.Name, n.Name, in, err)
		}
		shapes[i+1] = out
	}
	return shapes, nil
}

// MACs returns the multiply-adds of all convolutions and fully connected
// layers on the way to the outputs for one input of the given shape: the count
// the literature calls "conv+FC MACs". What only training uses is not counted.
func (g *Graph) MACs(in tensor.Shape) (int64, error) {
	shapes, err := g.Shapes(in)
	if err != nil {
		return 0, err
	}
	var total int64
	for i, used := range g.Used() {
		if used {
			total += g.NodeMACs(ID(i), shapes)
		}
	}
	return total, nil
}

// NodeMACs returns the multiply-adds of one node, given the shapes of all.
func (g *Graph) NodeMACs(id ID, shapes []tensor.Shape) int64 {
	op, ok := g.Nodes[id].Op.(interface{ MACsPerPixel() int64 })
	if !ok {
		return 0
	}
	return op.MACsPerPixel() * int64(shapes[id].Pixels())
}

// Reachable reports for every node whether any of the given outputs depends on it.
func (g *Graph) Reachable(outputs ...ID) []bool {
	used := make([]bool, len(g.Nodes))
	for _, id := range outputs {
		used[id] = true
	}
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		if used[i] {
			for _, in := range g.Nodes[i].Inputs {
				used[in] = true
			}
		}
	}
	return used
}

// ParamCount returns the number of trainable parameters on the way to the
// outputs; running statistics and what only training uses are not counted.
func (g *Graph) ParamCount() int64 {
	var total int64
	for i, used := range g.Used() {
		if !used {
			continue
		}
		for _, p := range g.Nodes[i].Op.Params() {
			if g.Params[p].Trainable() {
				total += int64(g.Params[p].Len())
			}
		}
	}
	return total
}

// ParamIndex returns the parameters by name.
func (g *Graph) ParamIndex() map[string]ParamID {
	m := make(map[string]ParamID, len(g.Params))
	for i, p := range g.Params {
		m[p.Name] = ParamID(i)
	}
	return m
}

// Named returns the same network under another name.
func (g *Graph) Named(name string) *Graph {
	out := *g
	out.Name = name
	return &out
}

// Renamed returns the same network with other names and shapes of its
// parameters, those that to returns for each. A shape must have as many
// values as before.
func (g *Graph) Renamed(to func(ParamID, Param) (name string, shape []int)) (*Graph, error) {
	out := *g
	out.Params = make([]Param, len(g.Params))
	seen := make(map[string]bool, len(g.Params))
	for i, p := range g.Params {
		q := p
		q.Name, q.Shape = to(ParamID(i), p)
		switch {
		case q.Name == "" || seen[q.Name]:
			return nil, fmt.Errorf("network %s: parameter %s cannot be called %q: names are not empty and used once", g.Name, p.Name, q.Name)
		case q.Len() != p.Len():
			return nil, fmt.Errorf("network %s: parameter %s has shape %v and cannot have %v", g.Name, p.Name, p.Shape, q.Shape)
		}
		seen[q.Name] = true
		out.Params[i] = q
	}
	return &out, nil
}
