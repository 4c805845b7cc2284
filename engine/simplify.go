package engine

import (
	"math"
	"slices"

	"github.com/mixnet-go/mixnet/graph"
)

// node is an operator of the graph on its way to the layers that compute it.
// op is one of graph's operators or *affine.
type node struct {
	name     string
	op       any
	in       []*node
	users    []*node
	shape    graph.ID // the graph's node whose output has the shape of this one's
	channels int
	index    int         // position in evaluation order
	keep     bool        // wanted as a result, so it must exist in memory
	fused    bool        // computed by the layer of another node
	pooled   bool        // one pixel, whatever the size of the input
	code     *graph.Code // that the result is to have in bytes; nil for floats
}

// affine is what remains of batch normalisation at inference:
// x·scale + shift, channel by channel.
type affine struct{ scale, shift []float32 }

// simplify returns the operators that the wanted nodes depend on, in
// evaluation order, without those that do nothing at inference, and for every
// node of the graph what stands for it.
func simplify(r *reader, want []graph.ID) (order []*node, of []*node, err error) {
	g := r.g
	of = make([]*node, len(g.Nodes))
	active := map[*node]map[graph.Activation]*node{}
	for i, used := range g.Reachable(want...) {
		if !used {
			continue
		}
		gn := g.Nodes[i]
		n := &node{name: gn.Name, op: gn.Op, shape: graph.ID(i), code: r.code(graph.ID(i))}
		for _, id := range gn.Inputs {
			n.in = append(n.in, of[id])
		}
		switch op := gn.Op.(type) {
		case *graph.Dropout, *graph.DropPath:
			of[i] = n.in[0]
			continue
		case *graph.Activate:
			if same := active[n.in[0]][op.Func]; same != nil {
				of[i] = same
				continue
			}
			if active[n.in[0]] == nil {
				active[n.in[0]] = map[graph.Activation]*node{}
			}
			active[n.in[0]][op.Func] = n
		case *graph.BatchNorm:
			if n.op, err = r.normalization(op); err != nil {
				return nil, nil, err
			}
		}
		if n.channels, err = outChannels(n); err != nil {
			return nil, nil, err
		}
		n.pooled = isGlobalPool(n) || len(n.in) > 0 && !slices.ContainsFunc(n.in, func(in *node) bool { return !in.pooled })
		of[i] = n
		order = append(order, n)
	}
	for _, id := range want {
		of[id].keep = true
	}
	link(order)
	return sinkAffine(order), of, nil
}

// link sets users and index of every node.
func link(order []*node) {
	for i, n := range order {
		n.index, n.users = i, nil
		for _, in := range n.in {
			in.users = append(in.users, n)
		}
	}
}

func outChannels(n *node) (int, error) {
	switch op := n.op.(type) {
	case *graph.Input:
		return op.C, nil
	case *graph.Conv:
		return op.Out(), nil
	case *graph.Linear:
		return op.Out, nil
	case *graph.Slice:
		return op.To - op.From, nil
	case *graph.Concat:
		c := 0
		for _, in := range n.in {
			c += in.channels
		}
		return c, nil
	case *graph.MixConv, *affine, *graph.Activate, *graph.Scale, *graph.Add, *graph.GlobalPool, *graph.Pool, *graph.Shuffle, *graph.Shift:
		return n.in[0].channels, nil
	}
	return 0, unknownOperator(n)
}

func (r *reader) normalization(op *graph.BatchNorm) (*affine, error) {
	var params [4][]float32
	for i, id := range [...]graph.ParamID{op.Gamma, op.Beta, op.Mean, op.Var} {
		v, err := r.copyOf(id)
		if err != nil {
			return nil, err
		}
		params[i] = v
	}
	gamma, beta, mean, variance := params[0], params[1], params[2], params[3]
	a := &affine{scale: make([]float32, op.C), shift: make([]float32, op.C)}
	for c := range a.scale {
		s := float64(gamma[c]) / math.Sqrt(float64(variance[c])+op.Eps)
		a.scale[c] = float32(s)
		a.shift[c] = float32(float64(beta[c]) - s*float64(mean[c]))
	}
	return a, nil
}

// sinkAffine replaces an affine operator on a concatenation of convolutions by
// one on each of them, where they can be folded into the weights.
func sinkAffine(order []*node) []*node {
	var out []*node
	for _, n := range order {
		a, ok := n.op.(*affine)
		if !ok || !splittable(n.in[0]) {
			out = append(out, n)
			continue
		}
		join := n.in[0]
		out = out[:len(out)-1] // the concatenation directly precedes its normalisation
		at := 0
		for i, in := range join.in {
			part := &affine{scale: a.scale[at : at+in.channels], shift: a.shift[at : at+in.channels]}
			at += in.channels
			join.in[i] = &node{name: n.name, op: part, in: []*node{in}, shape: in.shape, channels: in.channels, code: n.code}
			out = append(out, join.in[i])
		}
		*n = node{name: join.name, op: join.op, in: join.in, users: n.users, shape: n.shape, channels: n.channels, keep: n.keep, code: n.code}
		out = append(out, n)
	}
	link(out)
	return out
}

// splittable reports whether n joins convolutions that nothing else uses, for
// nothing but the next operator.
func splittable(n *node) bool {
	if _, ok := n.op.(*graph.Concat); !ok || n.keep || len(n.users) != 1 || n.users[0].index != n.index+1 {
		return false
	}
	for _, in := range n.in {
		if in.keep || len(in.users) != 1 {
			return false
		}
		switch in.op.(type) {
		case *graph.Conv, *graph.MixConv, *graph.Linear:
		default:
			return false
		}
	}
	return true
}
