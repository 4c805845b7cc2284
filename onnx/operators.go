package onnx

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/mixnet-go/mixnet/graph"
)

// node writes an operator, or notes what it does to those before it.
func (e *exporter) node(id graph.ID, n graph.Node) error {
	in := func(i int) string { return e.join(n.Inputs[i]) }
	switch op := n.Op.(type) {
	case *graph.Conv:
		return e.conv(id, n, op)
	case *graph.MixConv:
		return e.mixConv(id, n, op)
	case *graph.BatchNorm:
		return e.batchNorm(id, n, op)
	case *graph.Activate:
		e.activate(id, n, op.Func)
	case *graph.Dropout, *graph.DropPath:
		e.values[id], e.users[id] = e.values[n.Inputs[0]], max(e.users[id], e.users[n.Inputs[0]])
		e.codes[id] = e.codes[n.Inputs[0]]
	case *graph.GlobalPool:
		e.whole(id, e.emit("GlobalAveragePool", n.Name, []string{in(0)}))
	case *graph.Scale:
		e.whole(id, e.emit("Mul", n.Name, []string{in(0), in(1)}))
	case *graph.Add:
		e.whole(id, e.emit("Add", n.Name, []string{in(0), in(1)}))
	case *graph.Concat:
		var names []string
		for i := range n.Inputs {
			names = append(names, in(i))
		}
		e.whole(id, e.emit("Concat", n.Name, names, attribute{"axis", 1}))
	case *graph.Linear:
		return e.linear(id, n, op)
	case *graph.Pool:
		e.pool(id, n, op)
	case *graph.Slice:
		e.whole(id, e.slice(n.Name, in(0), 1, op.From, op.To))
	case *graph.Shuffle:
		e.shuffle(id, n, op)
	case *graph.Shift:
		e.shift(id, n, op)
	default:
		return fmt.Errorf("there is no ONNX operator for %s", n.Op.Kind())
	}
	return nil
}

// conv holds a convolution back. Equal groups are one grouped convolution; the
// weights of the groups follow each other as ONNX has them.
func (e *exporter) conv(id graph.ID, n graph.Node, op *graph.Conv) error {
	var weights [][]float32
	for _, w := range op.Weights {
		v, err := e.param(w)
		if err != nil {
			return err
		}
		weights = append(weights, v)
	}
	all := slices.Concat(weights...)
	var bias []float32
	if op.Bias != graph.NoParam {
		var err error
		if bias, err = e.param(op.Bias); err != nil {
			return err
		}
	}
	scales := e.scalesOf(op.Weights)
	proto := convolution{
		scales: scales, code: e.codes[n.Inputs[0]],
		name: n.Name, input: e.join(n.Inputs[0]), kernel: op.Kernel, stride: op.Stride, dilation: op.Dilation,
		pads: e.pads(op.Padding, e.shapes[n.Inputs[0]], e.shapes[id], op.Kernel, op.Stride, op.Dilation),
	}
	if first := op.Groups[0]; !slices.ContainsFunc(op.Groups, func(g graph.ConvGroup) bool { return g != first }) {
		c := proto
		c.weights, c.bias, c.out, c.in, c.groups = all, bias, op.Out(), first.In, len(op.Groups)
		e.values[id] = &value{parts: []part{{channels: c.out, conv: &c}}}
		return nil
	}
	var sizes []int
	for _, g := range op.Groups {
		sizes = append(sizes, g.In)
	}
	v, at, from := &value{}, 0, 0
	for i, input := range e.pairs(e.split(n.Name, proto.input, sizes), e.codes[n.Inputs[0]]) {
		g := op.Groups[i]
		c := proto
		c.name, c.input, c.out, c.in, c.groups = n.Name+"."+strconv.Itoa(i), input, g.Out, g.In, 1
		count := g.Out * g.In * op.Kernel * op.Kernel
		c.weights = all[at:][:count]
		at += count
		if bias != nil {
			c.bias = bias[from:][:g.Out]
		}
		if scales != nil {
			c.scales = scales[from:][:g.Out]
		}
		from += g.Out
		v.parts = append(v.parts, part{channels: g.Out, conv: &c})
	}
	e.values[id] = v
	return nil
}

// mixConv is a depthwise convolution of each group's channels.
func (e *exporter) mixConv(id graph.ID, n graph.Node, op *graph.MixConv) error {
	in, out := e.shapes[n.Inputs[0]], e.shapes[id]
	var sizes []int
	for _, g := range op.Groups {
		sizes = append(sizes, g.Channels)
	}
	inputs := []string{e.join(n.Inputs[0])}
	if len(sizes) > 1 {
		inputs = e.pairs(e.split(n.Name, inputs[0], sizes), e.codes[n.Inputs[0]])
	}
	v := &value{}
	for i, g := range op.Groups {
		w, err := e.param(op.Weights[i])
		if err != nil {
			return err
		}
		name := n.Name
		if len(sizes) > 1 {
			name += "." + strconv.Itoa(i)
		}
		v.parts = append(v.parts, part{channels: g.Channels, conv: &convolution{
			name: name, input: inputs[i], weights: w, out: g.Channels, in: 1, groups: g.Channels,
			kernel: g.Kernel, stride: op.Stride, dilation: g.Dilation,
			pads:   e.pads(op.Padding, in, out, g.Kernel, op.Stride, g.Dilation),
			scales: e.scalesOf(op.Weights[i : i+1]), code: e.codes[n.Inputs[0]],
		}})
	}
	e.values[id] = v
	return nil
}

// split cuts a tensor along the channels.
func (e *exporter) split(name, x string, sizes []int) []string {
	var outputs []string
	var lengths []int64
	for i, c := range sizes {
		outputs = append(outputs, e.unique(name+".split."+strconv.Itoa(i)))
		lengths = append(lengths, int64(c))
	}
	e.m.node("Split", e.unique(name+".split"), []string{x, e.constant(name+".sizes", lengths...)}, outputs, attribute{"axis", 1})
	return outputs
}

// slice takes the range [from, to) along an axis.
func (e *exporter) slice(name, x string, axis, from, to int) string {
	return e.emit("Slice", name, []string{
		x, e.constant(name+".from", int64(from)), e.constant(name+".to", int64(to)), e.constant(name+".axis", int64(axis)),
	})
}

// batchNorm is folded into the convolutions before it, or else written.
func (e *exporter) batchNorm(id graph.ID, n graph.Node, op *graph.BatchNorm) error {
	var p [4][]float32
	for i, id := range [...]graph.ParamID{op.Gamma, op.Beta, op.Mean, op.Var} {
		v, err := e.param(id)
		if err != nil {
			return err
		}
		p[i] = v
	}
	v := e.values[n.Inputs[0]]
	foldable := e.users[n.Inputs[0]] == 1 && v.name == ""
	for i := range v.parts {
		foldable = foldable && v.parts[i].conv != nil
	}
	if !foldable {
		inputs := []string{e.join(n.Inputs[0])}
		for i, what := range []string{".weight", ".bias", ".running_mean", ".running_var"} {
			name := e.unique(n.Name + what)
			e.m.floats(5, name, []int{op.C}, p[i])
			inputs = append(inputs, name)
		}
		e.whole(id, e.emit("BatchNormalization", n.Name, inputs, attribute{"epsilon", float32(op.Eps)}))
		return nil
	}
	at := 0
	for i := range v.parts {
		c := v.parts[i].conv
		row := len(c.weights) / c.out
		weights, bias, scales := slices.Clone(c.weights), make([]float32, c.out), slices.Clone(c.scales)
		for o := range c.out {
			scale := float64(p[0][at]) * inverse(p[3][at], op.Eps)
			shift := float64(p[1][at]) - float64(p[2][at])*scale
			if c.bias != nil {
				shift += scale * float64(c.bias[o])
			}
			bias[o] = float32(shift)
			if scales != nil {
				scales[o] *= math.Abs(scale)
			}
			for k := range row {
				weights[o*row+k] = float32(scale * float64(weights[o*row+k]))
			}
			at++
		}
		c.weights, c.bias, c.scales = weights, bias, scales
	}
	e.values[id] = v
	return nil
}

// activate writes the function of every part of a value that only it reads.
func (e *exporter) activate(id graph.ID, n graph.Node, f graph.Activation) {
	v := e.values[n.Inputs[0]]
	if v.name != "" || e.users[n.Inputs[0]] > 1 || len(v.parts) == 1 {
		e.whole(id, e.function(n.Name, e.join(n.Inputs[0]), f))
		return
	}
	out := &value{}
	for i := range v.parts {
		name := e.function(n.Name+"."+strconv.Itoa(i), e.write(&v.parts[i]), f)
		out.parts = append(out.parts, part{name: name, channels: v.parts[i].channels})
	}
	e.values[id] = out
}

// sixth is the slope of the hard sigmoid: ReLU6(x+3)/6.
var sixth = []attribute{{"alpha", float32(1) / 6}, {"beta", float32(0.5)}}

func (e *exporter) function(name, x string, f graph.Activation) string {
	switch f {
	case graph.ReLU:
		return e.emit("Relu", name, []string{x})
	case graph.ReLU6:
		return e.emit("Clip", name, []string{x, e.scalar(name+".min", 0), e.scalar(name+".max", 6)})
	case graph.Sigmoid:
		return e.emit("Sigmoid", name, []string{x})
	case graph.HardSigmoid:
		return e.emit("HardSigmoid", name, []string{x}, sixth...)
	case graph.Swish: // the operator Swish of opset 24 runs in few engines
		return e.emit("Mul", name, []string{x, e.emit("Sigmoid", name+".sigmoid", []string{x})})
	case graph.HardSwish:
		if e.opset >= 14 {
			return e.emit("HardSwish", name, []string{x})
		}
		return e.emit("Mul", name, []string{x, e.emit("HardSigmoid", name+".gate", []string{x}, sixth...)})
	}
	return x
}

func (e *exporter) linear(id graph.ID, n graph.Node, op *graph.Linear) error {
	w, err := e.param(op.Weight)
	if err != nil {
		return err
	}
	inputs := []string{e.emit("Flatten", n.Name+".flatten", []string{e.join(n.Inputs[0])}, attribute{"axis", 1})}
	if scales := e.scalesOf([]graph.ParamID{op.Weight}); scales != nil {
		c := &convolution{name: n.Name, weights: w, out: op.Out, in: op.In, scales: scales}
		names, err := e.wholeWeights(c)
		if err != nil {
			return err
		}
		inputs = append(inputs, names...)
	} else {
		inputs = append(inputs, e.unique(n.Name+".weight"))
		e.m.floats(5, inputs[1], []int{op.Out, op.In}, w)
	}
	if op.Bias != graph.NoParam {
		b, err := e.param(op.Bias)
		if err != nil {
			return err
		}
		inputs = append(inputs, e.unique(n.Name+".bias"))
		e.m.floats(5, inputs[2], []int{op.Out}, b)
	}
	e.whole(id, e.emit("Gemm", n.Name, inputs, attribute{"transB", 1}))
	return nil
}

func (e *exporter) pool(id graph.ID, n graph.Node, op *graph.Pool) {
	attributes := []attribute{
		{"kernel_shape", []int{op.Kernel, op.Kernel}},
		{"pads", e.pads(op.Padding, e.shapes[n.Inputs[0]], e.shapes[id], op.Kernel, op.Stride, 1)},
		{"strides", []int{op.Stride, op.Stride}},
	}
	kind := "MaxPool"
	if !op.Max {
		kind = "AveragePool"
		if op.CountPad {
			attributes = append(attributes, attribute{"count_include_pad", 1})
		}
	}
	e.whole(id, e.emit(kind, n.Name, []string{e.join(n.Inputs[0])}, attributes...))
}

// shuffle views channels as (groups, n) and transposes them.
func (e *exporter) shuffle(id graph.ID, n graph.Node, op *graph.Shuffle) {
	s := e.shapes[id]
	g, c, h, w := int64(op.Groups), int64(s.C/op.Groups), int64(s.H), int64(s.W)
	x := e.emit("Reshape", n.Name+".view", []string{e.join(n.Inputs[0]), e.constant(n.Name+".groups", 0, g, c, h, w)})
	x = e.emit("Transpose", n.Name+".transpose", []string{x}, attribute{"perm", []int{0, 2, 1, 3, 4}})
	e.whole(id, e.emit("Reshape", n.Name, []string{x, e.constant(n.Name+".channels", 0, int64(s.C), h, w)}))
}

// shift cuts off what moves out of the image and fills up with zeros.
func (e *exporter) shift(id graph.ID, n graph.Node, op *graph.Shift) {
	x, s := e.join(n.Inputs[0]), e.shapes[id]
	pads := make([]int64, 8) // before and after, of N, C, H, W
	for i, d := range []int{op.DY, op.DX} {
		size := []int{s.H, s.W}[i]
		axis := 2 + i
		switch {
		case d > 0:
			x = e.slice(n.Name+".cut", x, axis, d, size)
			pads[4+axis] = int64(d)
		case d < 0:
			x = e.slice(n.Name+".cut", x, axis, 0, size+d)
			pads[axis] = int64(-d)
		}
	}
	e.whole(id, e.emit("Pad", n.Name, []string{x, e.constant(n.Name+".pads", pads...)}))
}
