package train

import (
	"fmt"
	"slices"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/train/task"
)

// View is a graph planned for a Stepper's steps. Its parameters may be those of
// the stepper's graph, or parts of them: a path through a network that holds
// many.
type View struct {
	graph         *graph.Graph
	values, grads graph.Values[float32]
	nets          map[[2]int]*planned
	outputs       []task.Output
	dOut          [][]float32
}

// planned is a graph made ready for images of one size.
type planned struct {
	*autodiff.Net[float32]
	heads []head
}

// head is an output with a loss.
type head struct {
	graph.Output
	shape tensor.Shape // for one image
}

// newView plans g for batches of in, and for images of the other sizes. The
// nets share their memory: it is that of the largest.
func newView(g *graph.Graph, values, grads graph.Values[float32], in tensor.Shape, sizes [][2]int, o autodiff.Options) (*View, error) {
	v := &View{graph: g, values: values, grads: grads, nets: map[[2]int]*planned{}}
	largest := in
	for _, s := range sizes {
		largest.H, largest.W = max(largest.H, s[0]), max(largest.W, s[1])
	}
	if err := v.plan(largest, o); err != nil {
		return nil, err
	}
	for _, s := range append(slices.Clone(sizes), [2]int{in.H, in.W}) {
		if v.nets[s] != nil {
			continue
		}
		in.H, in.W = s[0], s[1]
		if err := v.plan(in, o); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// plan adds the net for batches of in.
func (v *View) plan(in tensor.Shape, o autodiff.Options) error {
	net, err := autodiff.New[float32](v.graph, in, o)
	if err != nil {
		return err
	}
	one := in
	one.N = 1
	shapes, err := v.graph.Shapes(one)
	if err != nil {
		return err
	}
	p := &planned{Net: net}
	for _, o := range v.graph.Losses() {
		p.heads = append(p.heads, head{o, shapes[o.ID]})
	}
	v.nets[[2]int{in.H, in.W}] = p
	return nil
}

// of returns the net for images of a shape.
func (v *View) of(s tensor.Shape) (*planned, error) {
	net := v.nets[[2]int{s.H, s.W}]
	if net == nil {
		return nil, fmt.Errorf("train: a batch of %v, which is none of the sizes planned for", s)
	}
	return net, nil
}

// read returns the outputs of the pass that net made of n images: with memory
// for their gradients, or without the heads that only training has.
func (v *View) read(net *planned, n int, training bool) []task.Output {
	v.outputs = v.outputs[:0]
	for i, h := range net.heads {
		if !training && h.Training {
			continue
		}
		out := task.Output{Output: h.Output, Shape: h.shape, Value: net.Output(i)}
		out.Shape.N = n
		if training {
			if len(v.dOut) <= i {
				v.dOut = append(v.dOut, nil)
			}
			v.dOut[i] = slices.Grow(v.dOut[i][:0], len(out.Value))[:len(out.Value)]
			out.Grad = v.dOut[i]
		}
		v.outputs = append(v.outputs, out)
	}
	return v.outputs
}

// any returns one of the nets.
func (v *View) any() *planned {
	for _, net := range v.nets {
		return net
	}
	return nil
}
