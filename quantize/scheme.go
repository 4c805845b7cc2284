package quantize

import (
	"fmt"
	"slices"

	"github.com/mixnet-go/mixnet/graph"
)

// scheme says what of a network can be whole numbers.
type scheme struct {
	g     *graph.Graph
	users [][]graph.ID
	units []*unit         // convolutions, in order
	group []graph.ID      // by node: that whose code it has; graph.None if it has none
	heads []graph.ParamID // weights of layers on single pixels
}

// unit is a convolution with what follows: the layer that is computed on codes
// or is not.
type unit struct {
	conv, pre, end graph.ID // pre has batch norm, end the activation
	act            graph.Activation
	weights        []graph.ParamID
	shift          graph.ParamID // what is added to each channel of pre; NoParam for nothing
	noise          float64       // that rounding adds, over the signal
}

// newScheme finds what can be quantized.
func newScheme(g *graph.Graph) (*scheme, error) {
	s := &scheme{g: g, users: make([][]graph.ID, len(g.Nodes)), group: slices.Repeat([]graph.ID{graph.None}, len(g.Nodes))}
	used := g.Used()
	result := map[graph.ID]bool{}
	for _, o := range g.Outputs {
		result[o.ID] = true
	}
	pooled := make([]bool, len(g.Nodes))
	for i, n := range g.Nodes {
		if !used[i] {
			continue
		}
		_, isPool := n.Op.(*graph.GlobalPool)
		pooled[i] = isPool || len(n.Inputs) > 0 && !slices.ContainsFunc(n.Inputs, func(in graph.ID) bool { return !pooled[in] })
		for _, in := range n.Inputs {
			s.users[in] = append(s.users[in], graph.ID(i))
		}
	}
	for i, n := range g.Nodes {
		if id := graph.ID(i); used[i] && !result[id] && !pooled[i] && s.canHaveCode(id) {
			s.group[i] = id
			switch n.Op.(type) {
			case *graph.Slice, *graph.Shuffle, *graph.Pool, *graph.Concat, *graph.Dropout, *graph.DropPath:
				s.join(id, n.Inputs)
			}
		}
	}
	for i := range g.Nodes {
		if !used[i] {
			continue
		}
		if pooled[i] {
			s.addHead(graph.ID(i))
		} else {
			s.addUnit(graph.ID(i))
		}
	}
	if len(s.units) == 0 {
		return nil, fmt.Errorf("quantize %s: it has no convolutions that can be whole numbers", g.Name)
	}
	return s, nil
}

// canHaveCode reports whether the result of a node can be codes.
func (s *scheme) canHaveCode(id graph.ID) bool {
	switch s.g.Nodes[id].Op.(type) {
	case *graph.BatchNorm:
		in := s.g.Nodes[id].Inputs[0]
		_, depthwise := s.g.Nodes[in].Op.(*graph.MixConv)
		_, conv := s.g.Nodes[in].Op.(*graph.Conv)
		return (conv || depthwise) && len(s.users[in]) == 1
	case *graph.Shift, *graph.GlobalPool:
		return false
	}
	return true
}

// join gives a node and its inputs one code, or none where an input has none.
func (s *scheme) join(id graph.ID, inputs []graph.ID) {
	for _, in := range inputs {
		if s.group[in] == graph.None {
			s.group[id] = graph.None
			return
		}
	}
	root := s.group[inputs[0]]
	for _, in := range inputs[1:] {
		s.rename(s.group[in], root)
	}
	s.rename(id, root)
}

func (s *scheme) rename(from, to graph.ID) {
	for i, g := range s.group {
		if g == from {
			s.group[i] = to
		}
	}
}

// addUnit adds the convolution at a node.
func (s *scheme) addUnit(id graph.ID) {
	u := &unit{conv: id, pre: id, shift: graph.NoParam}
	switch op := s.g.Nodes[id].Op.(type) {
	case *graph.Conv:
		u.weights, u.shift = op.Weights, op.Bias
	case *graph.MixConv:
		u.weights = op.Weights
	case *graph.Linear:
		u.weights, u.shift = []graph.ParamID{op.Weight}, op.Bias
	default:
		return
	}
	if next := s.only(id); next != graph.None {
		if bn, ok := s.g.Nodes[next].Op.(*graph.BatchNorm); ok {
			u.pre, u.shift = next, bn.Beta
		}
	}
	u.end = u.pre
	if next := s.only(u.pre); next != graph.None {
		if a, ok := s.g.Nodes[next].Op.(*graph.Activate); ok {
			u.end, u.act = next, a.Func
		}
	}
	if s.group[u.end] != graph.None && s.group[s.g.Nodes[id].Inputs[0]] != graph.None {
		s.units = append(s.units, u)
	}
}

// only returns the one node that reads another; None if there are more, or it
// is a result.
func (s *scheme) only(id graph.ID) graph.ID {
	if len(s.users[id]) != 1 || slices.ContainsFunc(s.g.Outputs, func(o graph.Output) bool { return o.ID == id }) {
		return graph.None
	}
	return s.users[id][0]
}

// addHead adds the weights of a layer on single pixels: of the classifier or of
// squeeze-excite.
func (s *scheme) addHead(id graph.ID) {
	switch op := s.g.Nodes[id].Op.(type) {
	case *graph.Linear:
		s.heads = append(s.heads, op.Weight)
	case *graph.Conv:
		if op.Kernel == 1 && op.Stride == 1 {
			s.heads = append(s.heads, op.Weights...)
		}
	}
}

// needed reports for every node whether its code is: not for what is rectified
// before anything else reads it.
func (s *scheme) needed(id graph.ID) bool {
	if s.group[id] == graph.None {
		return false
	}
	switch s.g.Nodes[id].Op.(type) {
	case *graph.Conv, *graph.MixConv, *graph.BatchNorm, *graph.Add:
	default:
		return true
	}
	next := s.only(id)
	if next == graph.None {
		return true
	}
	switch op := s.g.Nodes[next].Op.(type) {
	case *graph.BatchNorm:
		return false
	case *graph.Activate:
		return op.Func != graph.ReLU && op.Func != graph.ReLU6
	}
	return true
}

// function returns the activation that alone reads a node; Identity for none.
func (s *scheme) function(id graph.ID) graph.Activation {
	if next := s.only(id); next != graph.None {
		if a, ok := s.g.Nodes[next].Op.(*graph.Activate); ok {
			return a.Func
		}
	}
	return graph.Identity
}

// startKnown reports whether the lowest value of a node is its activation's.
func (s *scheme) startKnown(id graph.ID) bool {
	a, ok := s.g.Nodes[id].Op.(*graph.Activate)
	return ok && a.Func != graph.Identity
}
