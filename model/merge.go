package model

import (
	"fmt"
	"math"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/zoo"
)

// Merged returns the model with every second depthwise convolution folded into
// the first, as RepLKNet does after training (arXiv 2203.06717, section 3.1):
// the same results, but for rounding, by fewer operations. A model without such
// is returned as it is.
func (m *Model) Merged() (*Model, error) {
	spec, err := m.Spec()
	if err != nil {
		return nil, err
	}
	n, ok := spec.(zoo.Network)
	if !ok {
		return m, nil
	}
	parallel := false
	for _, s := range n.Stages {
		parallel = parallel || s.Parallel > 0
	}
	if !parallel {
		return m, nil
	}
	table := n.Merged()
	h := of(table)
	h.Options, h.Classes, h.Input = m.Options, m.Classes, m.Input
	out, err := build(h)
	if err != nil {
		return nil, err
	}
	out.Values = graph.NewValues[float32](out.Graph)
	own := map[string]graph.ParamID{}
	for i, p := range m.Graph.Params {
		own[p.Name] = graph.ParamID(i)
	}
	for i, p := range out.Graph.Params {
		id, ok := own[p.Name]
		if !ok || len(m.Values[id]) != p.Len() {
			return nil, fmt.Errorf("network %s: no parameter %s to merge", m.Network, p.Name)
		}
		copy(out.Values[i], m.Values[id])
	}
	target := map[string]graph.ParamID{}
	for i, p := range out.Graph.Params {
		target[p.Name] = graph.ParamID(i)
	}
	for _, node := range m.Graph.Nodes {
		if _, adds := node.Op.(*graph.Add); adds && strings.HasSuffix(node.Name, ".both") {
			m.mergeInto(out, node, target)
		}
	}
	return out, nil
}

// mergeInto folds the two sides of a sum of batch norms of depthwise convolutions
// into the first convolution of another model, whose batch norm then only adds.
func (m *Model) mergeInto(out *Model, sum graph.Node, target map[string]graph.ParamID) {
	large := m.Graph.Nodes[sum.Inputs[0]].Op.(*graph.BatchNorm)
	small := m.Graph.Nodes[sum.Inputs[1]].Op.(*graph.BatchNorm)
	wide := m.Graph.Nodes[m.Graph.Nodes[sum.Inputs[0]].Inputs[0]].Op.(*graph.MixConv)
	narrow := m.Graph.Nodes[m.Graph.Nodes[sum.Inputs[1]].Inputs[0]].Op.(*graph.MixConv)
	value := func(id graph.ParamID) []float32 { return m.Values[id] }
	into := func(id graph.ParamID) []float32 { return out.Values[target[m.Graph.Params[id].Name]] }
	scale := func(n *graph.BatchNorm, c int) float64 {
		return float64(value(n.Gamma)[c]) / math.Sqrt(float64(value(n.Var)[c])+n.Eps)
	}
	k := narrow.Groups[0].Kernel
	beside := value(narrow.Weights[0])
	channel := 0
	for g, group := range wide.Groups {
		size := group.Kernel
		margin := (size - k) / 2
		w := into(wide.Weights[g])
		for c := range group.Channels {
			a, b := scale(large, channel), scale(small, channel)
			one := w[c*size*size:][:size*size]
			for i := range one {
				one[i] = float32(a * float64(one[i]))
			}
			for y := range k {
				for x := range k {
					at := (y+margin)*size + x + margin
					one[at] = float32(float64(one[at]) + b*float64(beside[channel*k*k+y*k+x]))
				}
			}
			into(large.Gamma)[channel] = float32(math.Sqrt(1 + large.Eps))
			into(large.Var)[channel], into(large.Mean)[channel] = 1, 0
			into(large.Beta)[channel] = float32(float64(value(large.Beta)[channel]) - a*float64(value(large.Mean)[channel]) +
				float64(value(small.Beta)[channel]) - b*float64(value(small.Mean)[channel]))
			channel++
		}
	}
}
