package onnx

import (
	"cmp"
	"fmt"
	"math"
	"strconv"

	"github.com/mixnet-go/mixnet/graph"
)

// building makes a graph of the steps that outputs depend on.
type building struct {
	c      *converter
	g      *graph.Graph
	values graph.Values[float32]
	ids    map[*step]graph.ID
	nodes  map[string]bool
	params map[string]bool
	rules  []graph.Padding // in order of preference
	quant  graph.Quantization
}

func newBuilding(c *converter) *building {
	name := cmp.Or(c.f.metadata["mixnet.network"], c.f.graph.name, "onnx")
	return &building{
		c: c, g: &graph.Graph{Name: name}, ids: map[*step]graph.ID{}, nodes: map[string]bool{}, params: map[string]bool{},
		quant: graph.Quantization{Exact: true, Codes: map[graph.ID]graph.Code{}, Scales: map[graph.ParamID][]float32{}},
	}
}

func (b *building) run(outputs []output) error {
	used := map[*step]bool{b.c.steps[0]: true}
	for _, o := range outputs {
		used[o.step] = true
	}
	for i := len(b.c.steps) - 1; i >= 0; i-- {
		if s := b.c.steps[i]; used[s] {
			for _, in := range s.in {
				used[in] = true
			}
		}
	}
	b.prefer(used)
	for _, s := range b.c.steps {
		if !used[s] {
			continue
		}
		if err := b.step(s); err != nil {
			b.c.refuse(kindOf(s.op), s.name, err)
		} else if s.code != nil {
			b.quant.Codes[b.ids[s]] = *s.code
		}
	}
	if len(b.c.refused) > 0 {
		return &UnsupportedError{b.c.refused}
	}
	b.output(outputs)
	return nil
}

// kindOf names an operator for messages.
func kindOf(op any) string {
	switch op.(type) {
	case *padStep:
		return "Pad"
	case *cropStep:
		return "Slice"
	case *productStep:
		return "Mul"
	case *poolStep:
		return "Pool"
	}
	return "Conv"
}

// output names the results. The input of a classifier that is one layer are the
// features.
func (b *building) output(outputs []output) {
	features := graph.Output{ID: graph.None}
	for _, o := range outputs {
		out := graph.Output{Name: o.name, ID: b.ids[o.step], Channels: o.step.c, Loss: 1}
		if o.name == graph.Features {
			out.Loss = 0
		}
		if l, ok := b.g.Nodes[out.ID].Op.(*graph.Linear); ok && o.name == graph.Logits {
			features = graph.Output{Name: graph.Features, ID: b.g.Nodes[out.ID].Inputs[0], Channels: l.In}
		}
		switch {
		case o.name == graph.Logits:
			b.g.Outputs = append([]graph.Output{out}, b.g.Outputs...)
		default:
			b.g.Outputs = append(b.g.Outputs, out)
		}
	}
	if _, named := b.g.Find(graph.Features); features.ID != graph.None && !named {
		b.g.Outputs = append(b.g.Outputs[:1:1], append([]graph.Output{features}, b.g.Outputs[1:]...)...)
	}
}

// windowed are the parts of a step that have pads.
func windowed(s *step) []*convStep {
	switch op := s.op.(type) {
	case *convStep:
		return []*convStep{op}
	case *mixStep:
		return op.groups
	case *groupStep:
		return op.groups[:1]
	case *poolStep:
		return []*convStep{{kernel: op.Kernel, stride: op.Stride, dilation: 1, pads: op.pads}}
	}
	return nil
}

// prefer puts the rule that fits the whole network first, so that the network
// keeps its meaning at other sizes.
func (b *building) prefer(used map[*step]bool) {
	all := []graph.Padding{graph.Symmetric, graph.Same, graph.Valid}
	for _, rule := range all {
		every := true
		for _, s := range b.c.steps {
			if used[s] {
				every = every && ruleFits(rule, s)
			}
		}
		if every {
			b.rules = append(b.rules, rule)
		}
	}
	b.rules = append(b.rules, all...)
}

func ruleFits(rule graph.Padding, s *step) bool {
	for _, w := range windowed(s) {
		if !fits(rule, s.in[0], s, w.kernel, w.stride, w.dilation, w.pads) {
			return false
		}
	}
	return true
}

// rule returns the rule for a step's pads.
func (b *building) rule(s *step) (graph.Padding, error) {
	for _, rule := range b.rules {
		if ruleFits(rule, s) {
			return rule, nil
		}
	}
	w := windowed(s)[0]
	return 0, fmt.Errorf("pads %v round images of %d×%d for a kernel of %d with stride %d are not symmetric, same or valid", w.pads, s.in[0].h, s.in[0].w, w.kernel, w.stride)
}

// step adds a step's nodes.
func (b *building) step(s *step) error {
	var padding graph.Padding
	if windowed(s) != nil {
		var err error
		if padding, err = b.rule(s); err != nil {
			return err
		}
	}
	switch op := s.op.(type) {
	case *convStep:
		b.conv(s, op, padding)
	case *mixStep:
		b.mix(s, op.base, op.groups, padding)
	case *groupStep:
		b.groups(s, op, padding)
	case *normStep:
		b.norm(s, op)
	case *linearStep:
		l := &graph.Linear{In: op.in, Out: op.out, Bias: graph.NoParam}
		l.Weight = b.whole(b.param(op.base+".weight", graph.Weight, op.weights, graph.Init{Dist: graph.Uniform, Scale: 1 / math.Sqrt(float64(op.out))}, op.out, op.in), op.scales)
		if op.bias != nil {
			l.Bias = b.param(op.base+".bias", graph.Bias, op.bias, graph.Init{}, op.out)
		}
		b.add(s, op.base, l)
	case *poolStep:
		pool := op.Pool
		pool.Padding = padding
		b.add(s, s.name, &pool)
	case graph.Op:
		b.add(s, s.name, op)
	default:
		return fmt.Errorf("what follows it does not make it an operator of images")
	}
	return nil
}

// add appends the node of a step.
func (b *building) add(s *step, name string, op graph.Op) {
	var inputs []graph.ID
	for _, in := range s.in {
		inputs = append(inputs, b.ids[in])
	}
	b.ids[s] = b.append(name, op, inputs...)
}

func (b *building) append(name string, op graph.Op, inputs ...graph.ID) graph.ID {
	b.g.Nodes = append(b.g.Nodes, graph.Node{Name: unused(b.nodes, name), Op: op, Inputs: inputs})
	return graph.ID(len(b.g.Nodes) - 1)
}

// unused returns name, or the name with a number where it is taken.
func unused(taken map[string]bool, name string) string {
	for i, n := 1, cmp.Or(name, "node"); ; i++ {
		if !taken[n] {
			taken[n] = true
			return n
		}
		n = name + "_" + strconv.Itoa(i)
	}
}

func (b *building) param(name string, kind graph.ParamKind, values []float32, init graph.Init, shape ...int) graph.ParamID {
	b.g.Params = append(b.g.Params, graph.Param{Name: unused(b.params, name), Shape: shape, Kind: kind, Init: init})
	b.values = append(b.values, values)
	return graph.ParamID(len(b.values) - 1)
}

// he is the initial distribution of a convolution's weights.
func he(fanOut int) graph.Init {
	return graph.Init{Dist: graph.Normal, Scale: math.Sqrt(2 / float64(max(fanOut, 1)))}
}

func (b *building) weights(name string, c *convStep) graph.ParamID {
	return b.whole(b.param(name, graph.Weight, c.weights, he(c.kernel*c.kernel*c.out/c.groups), c.out, c.in, c.kernel, c.kernel), c.scales)
}

// whole notes the scales of weights, if they have some.
func (b *building) whole(id graph.ParamID, scales []float32) graph.ParamID {
	if scales != nil {
		b.quant.Scales[id] = scales
	}
	return id
}

func (b *building) conv(s *step, c *convStep, padding graph.Padding) {
	if c.depthwise() {
		b.mix(s, c.base, []*convStep{c}, padding)
		return
	}
	op := &graph.Conv{Kernel: c.kernel, Stride: c.stride, Dilation: c.dilation, Padding: padding, Bias: graph.NoParam}
	for range c.groups {
		op.Groups = append(op.Groups, graph.ConvGroup{In: c.in, Out: c.out / c.groups})
	}
	op.Weights = []graph.ParamID{b.weights(c.base+".weight", c)}
	if c.bias != nil {
		op.Bias = b.param(c.base+".bias", graph.Bias, c.bias, graph.Init{}, c.out)
	}
	b.add(s, c.base, op)
}

// mix adds a mixed depthwise convolution. Its biases, which the operator has
// not, are those of a batch norm that changes nothing else.
func (b *building) mix(s *step, base string, groups []*convStep, padding graph.Padding) {
	op := &graph.MixConv{Stride: groups[0].stride, Padding: padding}
	bias, biased := make([]float32, 0, s.c), false
	for i, c := range groups {
		name := base + ".weight"
		if len(groups) > 1 {
			name = base + "." + strconv.Itoa(i) + ".weight"
		}
		op.Groups = append(op.Groups, graph.MixGroup{Channels: c.out, Kernel: c.kernel, Dilation: c.dilation})
		op.Weights = append(op.Weights, b.weights(name, c))
		biased = biased || c.bias != nil
		bias = append(bias, orZero(c.bias, c.out)...)
	}
	b.add(s, base, op)
	if biased {
		ones := make([]float32, s.c)
		for i := range ones {
			ones[i] = 1
		}
		b.ids[s] = b.append(base+".norm", b.normOp(affine(base+".norm", ones, bias)), b.ids[s])
	}
}

func orZero(bias []float32, n int) []float32 {
	if bias == nil {
		return make([]float32, n)
	}
	return bias
}

// groups adds a convolution of groups with a tensor of weights each.
func (b *building) groups(s *step, op *groupStep, padding graph.Padding) {
	first := op.groups[0]
	out := &graph.Conv{Kernel: first.kernel, Stride: first.stride, Dilation: first.dilation, Padding: padding, Bias: graph.NoParam}
	var bias []float32
	biased := false
	for i, c := range op.groups {
		out.Groups = append(out.Groups, graph.ConvGroup{In: c.in, Out: c.out})
		out.Weights = append(out.Weights, b.weights(op.base+"."+strconv.Itoa(i)+".weight", c))
		biased = biased || c.bias != nil
		bias = append(bias, orZero(c.bias, c.out)...)
	}
	if biased {
		out.Bias = b.param(op.base+".bias", graph.Bias, bias, graph.Init{}, s.c)
	}
	b.add(s, op.base, out)
}

func (b *building) norm(s *step, n *normStep) { b.add(s, n.base, b.normOp(n)) }

func (b *building) normOp(n *normStep) *graph.BatchNorm {
	c := len(n.gamma)
	op := &graph.BatchNorm{C: c, Eps: n.eps, Momentum: n.momentum}
	op.Gamma = b.param(n.base+".weight", graph.Gamma, n.gamma, graph.Init{Scale: 1}, c)
	op.Beta = b.param(n.base+".bias", graph.Beta, n.beta, graph.Init{}, c)
	op.Mean = b.param(n.base+".running_mean", graph.RunningMean, n.mean, graph.Init{}, c)
	op.Var = b.param(n.base+".running_var", graph.RunningVar, n.vari, graph.Init{Scale: 1}, c)
	return op
}
