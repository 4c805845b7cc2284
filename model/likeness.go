package model

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/onnx"
	"github.com/mixnet-go/mixnet/tensor"
)

// likeness finds the nodes of a network in an imported graph, whose batch norms
// may have been folded into the convolutions before them, and collects the
// values of the network's parameters.
type likeness struct {
	g, from         *graph.Graph
	source          graph.Values[float32]
	shapes, shapesF []tensor.Shape
	values          graph.Values[float32]
	found           map[graph.ID]graph.ID
	failed          map[[2]graph.ID]error
	order           []graph.ID // of found, to undo
}

// unfold returns the values of g's parameters from an imported network that
// computes the same. Those that only training reads start from seed.
func unfold(g *graph.Graph, n *onnx.Network, seed uint64) (graph.Values[float32], error) {
	l := &likeness{g: g, from: n.Graph, source: n.Values, found: map[graph.ID]graph.ID{}, failed: map[[2]graph.ID]error{}}
	results, err := pairs(g, n.Graph)
	if err != nil {
		return nil, err
	}
	in := tensor.Shape{N: 1, H: n.Height, W: n.Width, C: n.Graph.Channels()}
	if l.shapes, err = g.Shapes(in); err != nil {
		return nil, err
	}
	if l.shapesF, err = n.Graph.Shapes(in); err != nil {
		return nil, err
	}
	l.values = make(graph.Values[float32], len(g.Params))
	for _, r := range results {
		if err := l.match(r[0], r[1]); err != nil {
			return nil, err
		}
	}
	for i, p := range g.Params {
		if l.values[i] == nil {
			p.Initialize(l.value(graph.ParamID(i)), seed)
		}
	}
	return l.values, nil
}

// pairs returns the results of a network with those of the same names of an
// imported one.
func pairs(g, from *graph.Graph) ([][2]graph.ID, error) {
	var out [][2]graph.ID
	for _, name := range g.Results() {
		a, _ := g.Find(name)
		b, ok := from.Find(name)
		switch {
		case !ok && name != graph.Logits:
			return nil, fmt.Errorf("there is no result %s", name)
		case a.Channels != b.Channels && name != graph.Logits:
			return nil, fmt.Errorf("result %s has %d channels, the network's has %d", name, b.Channels, a.Channels)
		case a.Channels != b.Channels:
			return nil, fmt.Errorf("%d classes, the network has %d", b.Channels, a.Channels)
		}
		out = append(out, [2]graph.ID{a.ID, b.ID})
	}
	if len(out) == 0 {
		return nil, errors.New("the network has no results")
	}
	return out, nil
}

// value returns the place of a parameter's values.
func (l *likeness) value(id graph.ParamID) []float32 {
	if l.values[id] == nil {
		l.values[id] = make([]float32, l.g.Params[id].Len())
	}
	return l.values[id]
}

// match finds a, a node of the network, and all before it in b and what is
// before that.
func (l *likeness) match(a, b graph.ID) error {
	a, b = passed(l.g, a), passed(l.from, b)
	if other, ok := l.found[a]; ok {
		if other != b {
			return l.differ(a, b)
		}
		return nil
	}
	pair := [2]graph.ID{a, b}
	if err := l.failed[pair]; err != nil {
		return err
	}
	mark := len(l.order)
	l.found[a], l.order = b, append(l.order, a)
	err := l.node(a, b)
	if err != nil {
		l.failed[pair] = err
		l.undo(mark)
	}
	return err
}

func (l *likeness) undo(mark int) {
	for _, id := range l.order[mark:] {
		delete(l.found, id)
	}
	l.order = l.order[:mark]
}

// passed skips what only training does.
func passed(g *graph.Graph, id graph.ID) graph.ID {
	for {
		switch g.Nodes[id].Op.(type) {
		case *graph.Dropout, *graph.DropPath:
			id = g.Nodes[id].Inputs[0]
		default:
			return id
		}
	}
}

func (l *likeness) differ(a, b graph.ID) error {
	return fmt.Errorf("%s (%s) is not %s (%s) of the file", l.g.Nodes[a].Name, l.g.Nodes[a].Op.Kind(), l.from.Nodes[b].Name, l.from.Nodes[b].Op.Kind())
}

// node matches two nodes and their inputs.
func (l *likeness) node(a, b graph.ID) error {
	x, y := l.g.Nodes[a], l.from.Nodes[b]
	if norm, ok := x.Op.(*graph.BatchNorm); ok {
		return l.norm(a, b, norm)
	}
	if !l.sameOp(a, b) || len(x.Inputs) != len(y.Inputs) || l.shapes[a] != l.shapesF[b] {
		return l.differ(a, b)
	}
	if len(x.Inputs) == 2 && x.Op.Kind() == (*graph.Add)(nil).Kind() {
		mark := len(l.order)
		if l.match(x.Inputs[0], y.Inputs[1]) == nil && l.match(x.Inputs[1], y.Inputs[0]) == nil {
			return nil
		}
		l.undo(mark)
	}
	for i := range x.Inputs {
		if err := l.match(x.Inputs[i], y.Inputs[i]); err != nil {
			return err
		}
	}
	return nil
}

// norm matches a batch norm with one, or with the bias of the convolution that
// it was folded into.
func (l *likeness) norm(a, b graph.ID, norm *graph.BatchNorm) error {
	x, y := l.g.Nodes[a], l.from.Nodes[b]
	gamma, beta, mean, variance := l.value(norm.Gamma), l.value(norm.Beta), l.value(norm.Mean), l.value(norm.Var)
	for i := range gamma {
		gamma[i], beta[i], mean[i], variance[i] = 1, 0, 0, float32(1-norm.Eps)
	}
	switch op := y.Op.(type) {
	case *graph.BatchNorm:
		if op.C != norm.C {
			return l.differ(a, b)
		}
		copy(beta, l.source[op.Beta])
		copy(mean, l.source[op.Mean])
		for i, v := range l.source[op.Var] {
			gamma[i], variance[i] = l.source[op.Gamma][i], v
			if norm.Eps != op.Eps {
				variance[i] = float32(1 - norm.Eps)
				gamma[i] = float32(float64(gamma[i]) / math.Sqrt(float64(v)+op.Eps))
			}
		}
		return l.match(x.Inputs[0], y.Inputs[0])
	case *graph.Conv:
		if op.Out() != norm.C {
			return l.differ(a, b)
		}
		if op.Bias != graph.NoParam {
			copy(beta, l.source[op.Bias])
		}
	case *graph.MixConv:
		if op.Channels() != norm.C {
			return l.differ(a, b)
		}
	default:
		return l.differ(a, b)
	}
	if conv, ok := l.g.Nodes[x.Inputs[0]].Op.(*graph.Conv); ok && conv.Bias != graph.NoParam {
		clear(l.value(conv.Bias))
		return l.folded(x.Inputs[0], b)
	}
	return l.folded(x.Inputs[0], b)
}

// folded matches the convolution under a batch norm with one that has its bias.
func (l *likeness) folded(a, b graph.ID) error {
	if conv, ok := l.from.Nodes[b].Op.(*graph.Conv); ok && conv.Bias != graph.NoParam {
		if own, ok := l.g.Nodes[a].Op.(*graph.Conv); !ok || !l.sameConv(a, b, own, conv) {
			return l.differ(a, b)
		}
		return l.match(l.g.Nodes[a].Inputs[0], l.from.Nodes[b].Inputs[0])
	}
	return l.match(a, b)
}

// sameOp compares operators and takes the values of their parameters.
func (l *likeness) sameOp(a, b graph.ID) bool {
	switch x := l.g.Nodes[a].Op.(type) {
	case *graph.Conv:
		y, ok := l.from.Nodes[b].Op.(*graph.Conv)
		if !ok || !l.sameConv(a, b, x, y) || x.Bias == graph.NoParam && y.Bias != graph.NoParam {
			return false
		}
		l.bias(x.Bias, y.Bias)
		return true
	case *graph.MixConv:
		y, ok := l.from.Nodes[b].Op.(*graph.MixConv)
		return ok && l.sameMix(a, b, x, y)
	case *graph.Linear:
		y, ok := l.from.Nodes[b].Op.(*graph.Linear)
		if !ok || x.In != y.In || x.Out != y.Out || x.Bias == graph.NoParam && y.Bias != graph.NoParam {
			return false
		}
		copy(l.value(x.Weight), l.source[y.Weight])
		l.bias(x.Bias, y.Bias)
		return true
	case *graph.Pool:
		y, ok := l.from.Nodes[b].Op.(*graph.Pool)
		return ok && x.Max == y.Max && x.Kernel == y.Kernel && x.Stride == y.Stride && (x.Max || x.CountPad == y.CountPad || x.Padding == graph.Valid) &&
			l.samePads(a, b, x.Padding, y.Padding, x.Kernel, x.Stride, 1)
	case *graph.Input:
		_, ok := l.from.Nodes[b].Op.(*graph.Input)
		return ok
	case *graph.Activate:
		y, ok := l.from.Nodes[b].Op.(*graph.Activate)
		return ok && *x == *y
	case *graph.Slice:
		y, ok := l.from.Nodes[b].Op.(*graph.Slice)
		return ok && *x == *y
	case *graph.Shuffle:
		y, ok := l.from.Nodes[b].Op.(*graph.Shuffle)
		return ok && *x == *y
	case *graph.Shift:
		y, ok := l.from.Nodes[b].Op.(*graph.Shift)
		return ok && *x == *y
	}
	return l.g.Nodes[a].Op.Kind() == l.from.Nodes[b].Op.Kind()
}

func (l *likeness) sameConv(a, b graph.ID, x, y *graph.Conv) bool {
	if x.Kernel != y.Kernel || x.Stride != y.Stride || x.Dilation != y.Dilation || !slices.Equal(x.Groups, y.Groups) ||
		!l.samePads(a, b, x.Padding, y.Padding, x.Kernel, x.Stride, x.Dilation) {
		return false
	}
	var all []float32
	for _, id := range y.Weights {
		all = append(all, l.source[id]...)
	}
	for _, id := range x.Weights {
		all = all[copy(l.value(id), all):]
	}
	return true
}

func (l *likeness) sameMix(a, b graph.ID, x, y *graph.MixConv) bool {
	if x.Stride != y.Stride || !slices.Equal(x.Groups, y.Groups) {
		return false
	}
	for i, g := range x.Groups {
		if !l.samePads(a, b, x.Padding, y.Padding, g.Kernel, x.Stride, g.Dilation) {
			return false
		}
		copy(l.value(x.Weights[i]), l.source[y.Weights[i]])
	}
	return true
}

// samePads reports whether two rules are the same where they are used.
func (l *likeness) samePads(a, b graph.ID, p, q graph.Padding, kernel, stride, dilation int) bool {
	x, y := l.shapes[l.g.Nodes[a].Inputs[0]], l.shapesF[l.from.Nodes[b].Inputs[0]]
	for _, size := range [][2]int{{x.H, y.H}, {x.W, y.W}} {
		out, before := p.Extent(size[0], kernel, stride, dilation)
		out2, before2 := q.Extent(size[1], kernel, stride, dilation)
		if out != out2 || before != before2 {
			return false
		}
	}
	return true
}

func (l *likeness) bias(a, b graph.ParamID) {
	switch {
	case a == graph.NoParam:
	case b == graph.NoParam:
		clear(l.value(a))
	default:
		copy(l.value(a), l.source[b])
	}
}
