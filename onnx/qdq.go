package onnx

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/mixnet-go/mixnet/graph"
)

// QDQ says where the results of a quantized network are rounded in a file: in
// pairs of QuantizeLinear and DequantizeLinear.
type QDQ uint8

const (
	// NoQDQ writes floats: the weights are what their whole numbers stand for.
	NoQDQ QDQ = iota
	// ForRuntime rounds the result of every convolution, what ONNX Runtime needs to
	// compute it in whole numbers.
	ForRuntime
	// ForOpenVINO does not round what only an activation or a sum reads, so that
	// OpenVINO makes those part of the convolution.
	ForOpenVINO
)

// maxBias bounds biases in units of their sums.
const maxBias = 1 << 29

// rounded returns the code that the result of a node is rounded to.
func (e *exporter) rounded(id graph.ID) (graph.Code, bool) {
	if e.quant == nil {
		return graph.Code{}, false
	}
	c, ok := e.quant.Codes[id]
	switch e.g.Nodes[id].Op.(type) {
	case *graph.Dropout, *graph.DropPath:
		return c, false
	}
	if !ok || e.qdq == ForRuntime {
		return c, ok
	}
	switch e.g.Nodes[id].Op.(type) {
	case *graph.Conv, *graph.MixConv, *graph.BatchNorm, *graph.Add:
	default:
		return c, true
	}
	next := e.reader(id)
	if next == graph.None {
		return c, true
	}
	_, coded := e.quant.Codes[next]
	switch e.g.Nodes[next].Op.(type) {
	case *graph.Activate:
		return c, !coded
	case *graph.Add:
		if _, sum := e.g.Nodes[id].Op.(*graph.Add); sum {
			return c, true
		}
		if after := e.reader(next); !coded && after != graph.None {
			_, coded = e.quant.Codes[after]
		}
		return c, !coded
	}
	return c, true
}

// reader returns the one node that reads another; None if there are others, or
// the result is an output.
func (e *exporter) reader(id graph.ID) graph.ID {
	if e.users[id] != 1 {
		return graph.None
	}
	for i := int(id) + 1; i < len(e.g.Nodes); i++ {
		for _, in := range e.g.Nodes[i].Inputs {
			if in == id && e.used[i] {
				switch e.g.Nodes[i].Op.(type) {
				case *graph.Dropout, *graph.DropPath:
					return e.reader(graph.ID(i))
				}
				return graph.ID(i)
			}
		}
	}
	return graph.None
}

// round rounds the result of a node, all of its parts, to its code if it has one.
func (e *exporter) round(id graph.ID) {
	c, ok := e.rounded(id)
	if !ok {
		return
	}
	v := e.values[id]
	e.codes[id] = &c
	if v.name != "" {
		e.whole(id, e.pair(v.name, c))
		return
	}
	for i := range v.parts {
		p := &v.parts[i]
		name := e.write(p)
		p.name = e.pair(name, c)
	}
	if len(v.parts) == 1 {
		v.name = v.parts[0].name
	}
}

// pair rounds a tensor to its code and returns what that stands for.
func (e *exporter) pair(x string, c graph.Code) string {
	scale, zero := e.scalar(x+".scale", c.Scale), e.bytes(x+".zero", typeUint8, nil, []byte{c.Zero})
	q := e.emit("QuantizeLinear", x+".codes", []string{x, scale, zero})
	return e.emit("DequantizeLinear", x+".rounded", []string{q, scale, zero})
}

// pairs rounds the parts of a node's result, once they are cut, to its code.
func (e *exporter) pairs(names []string, c *graph.Code) []string {
	if c != nil {
		for i, name := range names {
			names[i] = e.pair(name, *c)
		}
	}
	return names
}

// bytes writes a constant tensor and returns its name; nil dimensions are those
// of a single value.
func (e *exporter) bytes(name string, kind dataType, dims []int, raw []byte) string {
	name = e.unique(name)
	e.m.nested(5, func(t *message) {
		for _, d := range dims {
			t.varint(1, uint64(d))
		}
		t.varint(2, uint64(kind))
		t.text(8, name)
		t.bytes(9, raw)
	})
	return name
}

// channels writes whole numbers with a scale for each of the first dimension,
// and returns what they stand for.
func (e *exporter) channels(name string, kind dataType, size int, dims []int, raw []byte, scales []float32) string {
	x := e.bytes(name+".whole", kind, dims, raw)
	scale := e.unique(name + ".scale")
	e.m.floats(5, scale, []int{len(scales)}, scales)
	zero := e.bytes(name+".zero", kind, []int{len(scales)}, make([]byte, size*len(scales)))
	return e.emit("DequantizeLinear", name, []string{x, scale, zero}, attribute{"axis", 0})
}

// scalesOf returns the scales of weights, one after the other; nil unless all
// have some.
func (e *exporter) scalesOf(ids []graph.ParamID) (all []float64) {
	if e.quant == nil || e.qdq == NoQDQ {
		return nil
	}
	for _, id := range ids {
		scales, ok := e.quant.Scales[id]
		if !ok {
			return nil
		}
		for _, s := range scales {
			all = append(all, float64(s))
		}
	}
	return all
}

// wholeWeights writes the weights and the bias of a convolution as whole numbers, and
// returns their names.
func (e *exporter) wholeWeights(c *convolution) (names []string, err error) {
	n := len(c.weights) / c.out
	codes, scales := make([]byte, len(c.weights)), make([]float32, c.out)
	biases, units := make([]byte, 0, 4*c.out), make([]float32, c.out)
	for o, s := range c.scales {
		whole := s
		if c.code != nil && c.bias != nil {
			whole = max(s, math.Abs(float64(c.bias[o]))/maxBias/float64(c.code.Scale))
		}
		scales[o] = float32(max(whole, graph.MinScale))
		for i, w := range c.weights[o*n:][:n] {
			q := math.RoundToEven(float64(w) / float64(scales[o]))
			if !(math.Abs(q) <= graph.MaxWeightCode) {
				return nil, fmt.Errorf("weight %g is not a whole number of its scale %g", w, scales[o])
			}
			codes[o*n+i] = byte(int8(q))
		}
		if c.code != nil && c.bias != nil {
			units[o] = c.code.Scale * scales[o]
			biases = binary.LittleEndian.AppendUint32(biases, uint32(int32(math.RoundToEven(float64(c.bias[o])/float64(units[o])))))
		}
	}
	dims := []int{c.out, c.in, c.kernel, c.kernel}
	if c.kernel == 0 { // of a fully connected layer
		dims = dims[:2]
	}
	names = []string{e.channels(c.name+".weight", typeInt8, 1, dims, codes, scales)}
	switch {
	case c.bias == nil:
	case c.code == nil:
		name := e.unique(c.name + ".bias")
		e.m.floats(5, name, []int{c.out}, c.bias)
		names = append(names, name)
	default:
		names = append(names, e.channels(c.name+".bias", typeInt32, 4, []int{c.out}, biases, units))
	}
	return names, nil
}
