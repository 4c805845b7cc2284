package zoo

import (
	"fmt"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/tensor"
)

// Description is a network layer by layer, for tables and JSON.
type Description struct {
	Name        string  `json:"name"`
	Input       [4]int  `json:"input"` // N, H, W, C
	Classes     int     `json:"classes"`
	Params      int64   `json:"params"` // trainable, on the way to the logits
	MACs        int64   `json:"macs"`   // multiply-adds of convolutions and fully connected layers, for the whole input
	Activations int64   `json:"activations"`
	Layers      []Layer `json:"layers"`
	Blocks      []Row   `json:"blocks"`
}

// Layer is one operator with the batch norm and activation that follow it.
type Layer struct {
	Block  string        `json:"block"` // "stem", "blocks.1.0", … "head"
	Name   string        `json:"name"`
	Op     string        `json:"op"`
	Groups []KernelGroup `json:"groups,omitempty"` // of convolutions
	Stride int           `json:"stride,omitempty"`
	Norm   bool          `json:"norm,omitempty"`
	Act    string        `json:"act,omitempty"`
	In     [4]int        `json:"in"`  // N, H, W, C; of several inputs, the first
	Out    [4]int        `json:"out"` // N, H, W, C
	Params int64         `json:"params"`
	MACs   int64         `json:"macs"`
	Aux    bool          `json:"aux,omitempty"` // used in training only
}

// KernelGroup is one channel group of a convolution.
type KernelGroup struct {
	Kernel   int `json:"kernel"`
	Dilation int `json:"dilation"`
	In       int `json:"in"`
	Out      int `json:"out"`
}

// Row sums up the layers of one block.
type Row struct {
	Name   string `json:"name"`
	In     [4]int `json:"in"`
	Out    [4]int `json:"out"`
	Params int64  `json:"params"`
	MACs   int64  `json:"macs"`
}

// Describe lists the layers of g for inputs of one shape.
func Describe(g *graph.Graph, in tensor.Shape) (*Description, error) {
	shapes, err := g.Shapes(in)
	if err != nil {
		return nil, err
	}
	d := &Description{Name: g.Name, Input: dims(in), Classes: g.Classes(), Params: g.ParamCount()}
	used := g.Used()
	users := make([]int, len(g.Nodes))
	for _, n := range g.Nodes {
		for _, id := range n.Inputs {
			users[id]++
		}
	}
	layerOf := make([]int, len(g.Nodes)) // index in d.Layers of the layer that computes a node
	for i, n := range g.Nodes[1:] {
		id := graph.ID(i + 1)
		first := n.Inputs[0]
		merged := first > 0 && users[first] == 1
		var l *Layer
		switch op := n.Op.(type) {
		case *graph.BatchNorm:
			if merged && d.Layers[layerOf[first]].convolves() {
				l = &d.Layers[layerOf[first]]
				l.Norm = true
			}
		case *graph.Activate:
			if merged && d.Layers[layerOf[first]].Act == "" {
				l = &d.Layers[layerOf[first]]
				l.Act = op.Func.String()
			}
		case *graph.Dropout, *graph.DropPath:
			layerOf[id] = layerOf[first]
			continue
		}
		if l == nil {
			d.Layers = append(d.Layers, Layer{
				Block: blockOf(g, id), Name: n.Name, Op: n.Op.Kind(), In: dims(shapes[first]), Aux: !used[id],
			})
			l = &d.Layers[len(d.Layers)-1]
			if err := l.shape(n.Op); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", g.Name, n.Name, err)
			}
		}
		layerOf[id] = len(d.Layers) - 1
		if l != &d.Layers[len(d.Layers)-1] {
			layerOf[id] = layerOf[first]
		}
		l.Out = dims(shapes[id])
		for _, p := range n.Op.Params() {
			if g.Params[p].Trainable() {
				l.Params += int64(g.Params[p].Len())
			}
		}
		macs := g.NodeMACs(id, shapes)
		l.MACs += macs
		if used[id] {
			d.MACs += macs
			if macs > 0 {
				d.Activations += int64(shapes[id].Len())
			}
		}
	}
	d.rows()
	return d, nil
}

// rows sums the layers up by block.
func (d *Description) rows() {
	for _, l := range d.Layers {
		if l.Aux {
			continue
		}
		if k := len(d.Blocks); k == 0 || d.Blocks[k-1].Name != l.Block {
			d.Blocks = append(d.Blocks, Row{Name: l.Block, In: l.In})
		}
		r := &d.Blocks[len(d.Blocks)-1]
		r.Out = l.Out
		r.Params += l.Params
		r.MACs += l.MACs
	}
}

// convolves reports whether batch norm can follow within the layer.
func (l *Layer) convolves() bool { return len(l.Groups) > 0 && !l.Norm && l.Act == "" }

// shape notes the kernels and the stride of an operator.
func (l *Layer) shape(op graph.Op) error {
	switch op := op.(type) {
	case *graph.Conv:
		l.Stride = op.Stride
		for _, g := range op.Groups {
			l.Groups = append(l.Groups, KernelGroup{op.Kernel, op.Dilation, g.In, g.Out})
		}
	case *graph.MixConv:
		l.Stride = op.Stride
		for _, g := range op.Groups {
			l.Groups = append(l.Groups, KernelGroup{g.Kernel, g.Dilation, g.Channels, g.Channels})
		}
	case *graph.Pool:
		l.Stride = op.Stride
	case *graph.Input, *graph.BatchNorm, *graph.Activate, *graph.GlobalPool, *graph.Scale, *graph.Add, *graph.Linear,
		*graph.Dropout, *graph.DropPath, *graph.Concat, *graph.Slice, *graph.Shuffle, *graph.Shift:
	default:
		return fmt.Errorf("operator %s cannot be described", op.Kind())
	}
	return nil
}

// blockOf returns the block a node belongs to: the one its name begins with,
// or the stem or the head.
func blockOf(g *graph.Graph, id graph.ID) string {
	for _, b := range g.Blocks {
		if strings.HasPrefix(g.Nodes[id].Name, b.Name+".") {
			return b.Name
		}
	}
	if len(g.Blocks) > 0 && id > g.Blocks[0].Out {
		return "head"
	}
	return "stem"
}

func dims(s tensor.Shape) [4]int { return [4]int{s.N, s.H, s.W, s.C} }
