package onnx

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/tensor"
)

// Source gives the values of parameters one at a time, in PyTorch's layout.
type Source interface {
	// Values returns a parameter's values, in buf if they are read there.
	Values(id graph.ParamID, buf []float32) ([]float32, error)
}

// Options adjusts Export. The zero value writes the logits of images of any
// number at a time.
type Options struct {
	// Opset is the version of the operators, 13 to 20; 0 means 17, which ONNX
	// Runtime reads from version 1.12 on.
	Opset int
	// Height and Width are those of the input images, which are fixed.
	Height, Width int
	// Batch is the number of images; 0 leaves it free.
	Batch int
	// Outputs are the names of the results; nil means those of graph.Results.
	Outputs []string
	// Objects makes the results of a network that finds objects boxes, in place
	// of Outputs. Batch is 1 then.
	Objects *Objects
	// Quantization is what the network computes with whole numbers, written as QDQ
	// says.
	Quantization *graph.Quantization
	QDQ          QDQ
	// Metadata is stored in the file.
	Metadata map[string]string
	// Producer and Version say what wrote the file.
	Producer, Version string
}

// The versions of operators that can be written.
const (
	MinOpset     = 13
	MaxOpset     = 20
	DefaultOpset = 17
)

// InputName is the name of the input: images as float32, N×C×H×W, normalized.
const InputName = "image"

// Export writes a network. Outputs have the names that the graph gives them and
// the shape N×C where they are of one pixel, else N×C×H×W.
func Export(w io.Writer, g *graph.Graph, s Source, o Options) error {
	o.Opset = cmp.Or(o.Opset, DefaultOpset)
	if o.Opset < MinOpset || o.Opset > MaxOpset {
		return fmt.Errorf("onnx: opset %d: want %d to %d", o.Opset, MinOpset, MaxOpset)
	}
	if o.Batch < 0 {
		return fmt.Errorf("onnx: a batch of %d images", o.Batch)
	}
	if o.Objects != nil {
		if len(o.Outputs) > 0 || o.Batch > 1 {
			return errors.New("onnx: boxes are made of the results of one image, and no other results")
		}
		o.Batch = 1
	}
	shapes, err := g.Shapes(tensor.Shape{N: max(o.Batch, 1), H: o.Height, W: o.Width, C: g.Channels()})
	if err != nil {
		return fmt.Errorf("onnx: %w", err)
	}
	outputs, err := wanted(g, o.Outputs)
	if err != nil {
		return fmt.Errorf("onnx: %s: %w", g.Name, err)
	}
	e := &exporter{g: g, source: s, opset: o.Opset, shapes: shapes, values: make([]*value, len(g.Nodes)), users: make([]int, len(g.Nodes)), taken: map[string]bool{InputName: true}, codes: make([]*graph.Code, len(g.Nodes))}
	if o.QDQ != NoQDQ {
		if o.Quantization == nil {
			return fmt.Errorf("onnx: %s is not quantized", g.Name)
		}
		e.quant, e.qdq = o.Quantization, o.QDQ
	}
	err = e.run(outputs, cmp.Or(o.Batch, -1))
	if err == nil && o.Objects == nil {
		for _, out := range outputs {
			e.output(out, cmp.Or(o.Batch, -1))
		}
	} else if err == nil {
		err = e.objects(o.Objects)
	}
	if err != nil {
		return fmt.Errorf("onnx: %s: %w", g.Name, err)
	}
	var m message
	ir := 8
	if o.Opset > 18 {
		ir = 9
	}
	m.varint(1, uint64(ir))
	m.text(2, o.Producer)
	m.text(3, o.Version)
	m.bytes(7, e.m.b)
	m.nested(8, func(w *message) { w.text(1, ""); w.varint(2, uint64(o.Opset)) })
	for _, key := range slices.Sorted(maps.Keys(o.Metadata)) {
		m.nested(14, func(w *message) { w.text(1, key); w.text(2, o.Metadata[key]) })
	}
	_, err = w.Write(m.b)
	return err
}

func wanted(g *graph.Graph, names []string) ([]graph.Output, error) {
	if len(names) == 0 {
		names = g.Results()
	}
	if len(names) == 0 {
		return nil, errors.New("it has no outputs")
	}
	var out []graph.Output
	for _, name := range names {
		o, ok := g.Find(name)
		if !ok {
			return nil, fmt.Errorf("there is no output %q", name)
		}
		out = append(out, o)
	}
	return out, nil
}

// exporter writes a graph node by node. Convolutions are held back until it is
// known what follows them.
type exporter struct {
	g      *graph.Graph
	source Source
	opset  int
	shapes []tensor.Shape
	values []*value // of the nodes
	users  []int    // how many nodes read each, outputs counted
	taken  map[string]bool
	m      message // GraphProto

	quant *graph.Quantization // nil for floats
	qdq   QDQ
	codes []*graph.Code // that the results of nodes are rounded to
	used  []bool
	err   error // the first of writing weights
}

// value is a node's result: parts to be joined along the channels.
type value struct {
	parts []part
	name  string // of the joined tensor, once it is written
}

// part is a tensor of some of the channels, or the convolution that makes it.
type part struct {
	name     string
	channels int
	conv     *convolution // nil once it is written
}

// convolution has its weights and bias in hand.
type convolution struct {
	name, input string
	weights     []float32
	bias        []float32 // nil for none
	out, in     int       // channels, in of a group
	groups      int
	kernel      int
	stride      int
	dilation    int
	pads        []int
	scales      []float64   // of the weights of each output, if they are whole numbers
	code        *graph.Code // of the input
}

func (e *exporter) run(outputs []graph.Output, batch int) error {
	var ids []graph.ID
	for _, o := range outputs {
		ids = append(ids, o.ID)
		e.users[o.ID]++
	}
	used := e.g.Reachable(ids...)
	e.used = used
	for i, n := range e.g.Nodes {
		if used[i] {
			for _, in := range n.Inputs {
				e.users[in]++
			}
		}
	}
	e.m.text(2, e.g.Name)
	e.values[0] = &value{name: InputName, parts: []part{{name: InputName, channels: e.g.Channels()}}}
	e.round(0)
	for i, n := range e.g.Nodes {
		if i == 0 || !used[i] {
			continue
		}
		err := e.node(graph.ID(i), n)
		if e.round(graph.ID(i)); err == nil {
			err = e.err
		}
		if err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	in := e.shapes[0]
	e.m.value(11, InputName, batch, in.C, in.H, in.W)
	return nil
}

// output names a result as the graph does.
func (e *exporter) output(o graph.Output, batch int) {
	s := e.shapes[o.ID]
	op, dims := "Identity", []int{batch, s.C, s.H, s.W}
	var attributes []attribute
	if s.H == 1 && s.W == 1 {
		op, dims = "Flatten", []int{batch, s.C}
		attributes = []attribute{{"axis", 1}}
		if _, ok := e.g.Nodes[o.ID].Op.(*graph.Linear); ok {
			op, attributes = "Identity", nil
		}
	}
	e.m.node(op, "output."+o.Name, []string{e.join(o.ID)}, []string{o.Name}, attributes...)
	e.m.value(12, o.Name, dims...)
}

// unique returns name, or the name with a number where it is taken.
func (e *exporter) unique(name string) string {
	for i, n := 1, name; ; i++ {
		if !e.taken[n] {
			e.taken[n] = true
			return n
		}
		n = name + "_" + strconv.Itoa(i)
	}
}

// emit writes an operator with one output and returns that one's name.
func (e *exporter) emit(op, name string, inputs []string, attributes ...attribute) string {
	out := e.unique(name)
	e.m.node(op, out, inputs, []string{out}, attributes...)
	return out
}

// constant writes integers and returns their name.
func (e *exporter) constant(name string, v ...int64) string {
	name = e.unique(name)
	e.m.ints(5, name, v)
	return name
}

// scalar writes a number and returns its name.
func (e *exporter) scalar(name string, v float32) string {
	name = e.unique(name)
	e.m.floats(5, name, nil, []float32{v})
	return name
}

func (e *exporter) param(id graph.ParamID) ([]float32, error) {
	return e.source.Values(id, make([]float32, e.g.Params[id].Len()))
}

// join returns the name of a node's whole result.
func (e *exporter) join(id graph.ID) string {
	v := e.values[id]
	if v.name != "" {
		return v.name
	}
	var names []string
	for i := range v.parts {
		names = append(names, e.write(&v.parts[i]))
	}
	v.name = names[0]
	if len(names) > 1 {
		v.name = e.emit("Concat", e.g.Nodes[id].Name+".join", names, attribute{"axis", 1})
		v.name = e.pairs([]string{v.name}, e.codes[id])[0]
	}
	return v.name
}

// write returns the name of a part, writing its convolution if it is due.
func (e *exporter) write(p *part) string {
	c := p.conv
	if c == nil {
		return p.name
	}
	inputs := append([]string{c.input}, e.weights(c)...)
	p.name = e.emit("Conv", c.name, inputs,
		attribute{"dilations", []int{c.dilation, c.dilation}}, attribute{"group", c.groups}, attribute{"kernel_shape", []int{c.kernel, c.kernel}},
		attribute{"pads", c.pads}, attribute{"strides", []int{c.stride, c.stride}})
	p.conv = nil
	return p.name
}

// weights writes the weights and the bias of a convolution and returns their
// names.
func (e *exporter) weights(c *convolution) []string {
	if c.scales != nil {
		names, err := e.wholeWeights(c)
		if err != nil && e.err == nil {
			e.err = err
		}
		return names
	}
	names := []string{e.unique(c.name + ".weight")}
	e.m.floats(5, names[0], []int{c.out, c.in, c.kernel, c.kernel}, c.weights)
	if c.bias != nil {
		names = append(names, e.unique(c.name+".bias"))
		e.m.floats(5, names[1], []int{c.out}, c.bias)
	}
	return names
}

// whole makes a tensor that was just written the value of a node.
func (e *exporter) whole(id graph.ID, name string) {
	e.values[id] = &value{name: name, parts: []part{{name: name, channels: e.shapes[id].C}}}
}

// pads returns ONNX's pads of a window: top, left, bottom, right.
func (e *exporter) pads(p graph.Padding, in, out tensor.Shape, kernel, stride, dilation int) []int {
	span := dilation*(kernel-1) + 1
	_, top := p.Extent(in.H, kernel, stride, dilation)
	_, left := p.Extent(in.W, kernel, stride, dilation)
	after := func(in, out, before int) int {
		if p == graph.Symmetric {
			return before
		}
		return max((out-1)*stride+span-in-before, 0)
	}
	return []int{top, left, after(in.H, out.H, top), after(in.W, out.W, left)}
}

// inverse is 1/√(variance + ε).
func inverse(variance float32, eps float64) float64 { return 1 / math.Sqrt(float64(variance)+eps) }
