package onnx

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/tensor"
)

// converter turns the nodes of a file into steps, which operators find and
// combine, and those into a graph.
type converter struct {
	f       *file
	folder  *os.Root
	values  map[string]*result
	steps   []*step
	batch   int64 // of the file; -1 is any
	made    int   // elements of constants that were computed
	node    *nodeProto
	refused []Refused
	notes   []string
}

// result is a tensor of the file: a constant, or what a step computes.
type result struct {
	constant *constant
	step     *step
	dims     []int64 // the step's values as the file views them, N first
	shuffle  int     // groups of a channel shuffle that is under way
	last     bool    // the input, N×H×W×C; dims are as they are once it is transposed
}

// step is an operator on images: what will be a node of the graph.
type step struct {
	name string
	op   any // one of the types of steps.go, or a graph.Op
	in   []*step
	c    int
	h, w int
	code *graph.Code // that the values are rounded to; nil for none
}

// errSkip says that an input was refused before.
var errSkip = errors.New("an input is not supported")

func convert(f *file, o ReadOptions) (*Network, error) {
	c := &converter{f: f, folder: o.Folder, values: map[string]*result{}}
	if f.functions > 0 || f.graph.sparse {
		return nil, &UnsupportedError{[]Refused{{"model", f.graph.name, "functions of its own or sparse tensors"}}}
	}
	in, err := c.input(o)
	if err != nil {
		return nil, err
	}
	for _, n := range c.needed() {
		if err := c.run(n); err != nil {
			return nil, err
		}
	}
	outputs, err := c.outputs()
	if err != nil {
		return nil, err
	}
	b := newBuilding(c)
	if err := b.run(outputs); err != nil {
		return nil, err
	}
	if len(c.refused) > 0 {
		return nil, &UnsupportedError{c.refused}
	}
	if _, err := b.g.Shapes(tensor.Shape{N: 1, H: in.h, W: in.w, C: in.c}); err != nil {
		return nil, formatError("%w", err)
	}
	quant, err := b.quantization()
	if err != nil {
		return nil, err
	}
	return &Network{
		Quantization: quant,
		Graph:        b.g, Values: b.values, Height: in.h, Width: in.w, Opset: int(f.opset), Producer: f.producer, Metadata: f.metadata, Notes: c.notes,
	}, nil
}

// input makes the one input of images.
func (c *converter) input(o ReadOptions) (*step, error) {
	var free []valueInfo
	for _, v := range c.f.graph.inputs {
		if _, constant := c.f.graph.initializers[v.name]; !constant { // before IR 4 they are inputs too
			free = append(free, v)
		}
	}
	if len(free) != 1 {
		return nil, fmt.Errorf("%w: %d inputs, want one of images", ErrUnsupported, len(free))
	}
	v := free[0]
	if !v.shaped || len(v.dims) != 4 && len(v.dims) != 2 || v.kind != typeFloat {
		return nil, fmt.Errorf("%w: input %.100q has type %d and dimensions %v, want float32 images N×C×H×W", ErrUnsupported, v.name, v.kind, v.dims)
	}
	dims, last := append(slices.Clone(v.dims), 1, 1)[:4], c.channelsLast(v)
	if last {
		dims = []int64{dims[0], dims[3], dims[1], dims[2]}
	}
	for i, given := range []int{o.Height, o.Width} {
		if dims[2+i] < 0 {
			dims[2+i] = int64(given)
		}
	}
	if dims[2] < 1 || dims[3] < 1 {
		return nil, fmt.Errorf("%w: input %.100q leaves the height and width of its images free: name them", ErrUnsupported, v.name)
	}
	if dims[1] < 1 || dims[1] > 1<<20 || dims[2] > 1<<20 || dims[3] > 1<<20 {
		return nil, formatError("input %.100q of dimensions %v", v.name, v.dims)
	}
	c.batch = dims[0]
	s := c.add("input", &graph.Input{C: int(dims[1])}, int(dims[1]), int(dims[2]), int(dims[3]))
	c.values[v.name] = &result{step: s, dims: append([]int64{c.batch}, dims[1:len(v.dims)]...), last: last}
	return s, nil
}

// channelsLast reports whether an input has images N×H×W×C, as those of
// TensorFlow have: all that is done with it is to transpose it.
func (c *converter) channelsLast(v valueInfo) bool {
	found := false
	for i := range c.f.graph.nodes {
		n := &c.f.graph.nodes[i]
		if !slices.Contains(n.inputs, v.name) {
			continue
		}
		if n.op != "Transpose" || !slices.Equal(n.ints("perm"), toChannelsFirst) {
			return false
		}
		found = true
	}
	return found && len(v.dims) == 4
}

// toChannelsFirst transposes N×H×W×C to N×C×H×W.
var toChannelsFirst = []int64{0, 3, 1, 2}

// needed returns the nodes that outputs depend on.
func (c *converter) needed() []*nodeProto {
	want := map[string]bool{}
	for _, o := range c.f.graph.outputs {
		want[o.name] = true
	}
	var out []*nodeProto
	for i := len(c.f.graph.nodes) - 1; i >= 0; i-- {
		n := &c.f.graph.nodes[i]
		if slices.ContainsFunc(n.outputs, func(s string) bool { return want[s] }) {
			out = append(out, n)
			for _, in := range n.inputs {
				want[in] = true
			}
		}
	}
	slices.Reverse(out)
	return out
}

// run converts a node. A node that cannot be is noted and makes results that
// nothing is said about.
func (c *converter) run(n *nodeProto) error {
	c.node = n
	err := fmt.Errorf("not supported")
	if n.domain != "" && n.domain != "ai.onnx" {
		err = fmt.Errorf("of domain %.60q", n.domain)
	} else if folded, foldErr := c.fold(); folded || foldErr != nil {
		err = foldErr
	} else if do, ok := converters[n.op]; ok {
		err = do(c)
	}
	if errors.Is(err, ErrFormat) {
		return fmt.Errorf("%.60s %.120q: %w", n.op, c.name(), err)
	}
	if err == nil {
		return nil
	}
	if !errors.Is(err, errSkip) {
		c.refuse(n.op, c.name(), err)
	}
	for _, out := range n.outputs {
		c.values[out] = nil
	}
	return nil
}

func (c *converter) refuse(op, name string, err error) {
	c.refused = append(c.refused, Refused{op, name, err.Error()})
}

// name returns the node's name, or if it has none its output's.
func (c *converter) name() string {
	if c.node.name == "" && len(c.node.outputs) > 0 {
		return c.node.outputs[0]
	}
	return c.node.name
}

// add appends a step.
func (c *converter) add(name string, op any, channels, h, w int, in ...*step) *step {
	s := &step{name: name, op: op, in: in, c: channels, h: h, w: w}
	c.steps = append(c.steps, s)
	return s
}

// give makes a step's values the node's first output.
func (c *converter) give(s *step) error { return c.giveAs(s, 4) }

// giveAs does so with a number of dimensions, 4 or 2.
func (c *converter) giveAs(s *step, rank int) error {
	dims := []int64{c.batch, int64(s.c), int64(s.h), int64(s.w)}
	return c.set(&result{step: s, dims: dims[:rank]})
}

func (c *converter) set(r *result) error {
	if len(c.node.outputs) == 0 {
		return formatError("no outputs")
	}
	c.values[c.node.outputs[0]] = r
	return nil
}

// lookup returns an input of the node, nil where it is left out.
func (c *converter) lookup(i int) (*result, error) {
	if i >= len(c.node.inputs) || c.node.inputs[i] == "" {
		return nil, nil
	}
	name := c.node.inputs[i]
	r, ok := c.values[name]
	if !ok {
		t, constant := c.f.graph.initializers[name]
		if !constant {
			return nil, formatError("input %.120q is made by no node before", name)
		}
		k, err := c.constantOf(t)
		if err != nil {
			return nil, err
		}
		r = &result{constant: k}
		c.values[name] = r
	}
	if r == nil {
		return nil, errSkip
	}
	return r, nil
}

// view returns an input that a step computes, however it is viewed.
func (c *converter) view(i int) (*result, error) {
	r, err := c.lookup(i)
	switch {
	case err != nil:
		return nil, err
	case r == nil:
		return nil, formatError("input %d is missing", i)
	case r.step == nil:
		return nil, fmt.Errorf("input %d is a constant", i)
	}
	return r, nil
}

// images returns an input that is N×C×H×W, or N×C of single pixels.
func (c *converter) images(i int) (*step, error) {
	r, err := c.view(i)
	if err != nil {
		return nil, err
	}
	if !r.plain() {
		return nil, fmt.Errorf("input %d is reshaped to %v", i, r.dims)
	}
	return r.step, nil
}

// plain reports whether r is viewed as images or single pixels.
func (r *result) plain() bool {
	s := r.step
	full := []int64{int64(s.c), int64(s.h), int64(s.w)}
	if r.shuffle != 0 || r.last || len(r.dims) == 0 {
		return false
	}
	return slices.Equal(r.dims[1:], full) || s.h == 1 && s.w == 1 && slices.Equal(r.dims[1:], full[:1])
}

func (r *result) rank() int { return len(r.dims) }

// output is a result of the network and its name.
type output struct {
	name string
	step *step
}

// outputs returns the results. The first is the logits where none is called so,
// nor as the results of a network that finds objects.
func (c *converter) outputs() ([]output, error) {
	var out []output
	named := slices.ContainsFunc(c.f.graph.outputs, func(v valueInfo) bool { return v.name == graph.Logits || v.name == graph.Boxes(0) })
	for i, v := range c.f.graph.outputs {
		r := c.values[v.name]
		switch {
		case r == nil && len(c.refused) > 0:
			continue
		case r == nil || r.step == nil || !r.plain():
			return nil, &UnsupportedError{append(c.refused, Refused{"output", v.name, "not made of images"})}
		}
		name := v.name
		if i == 0 && !named {
			name = graph.Logits
		}
		out = append(out, output{cmp.Or(name, "output"), r.step})
	}
	if len(out) == 0 && len(c.refused) == 0 {
		return nil, formatError("no outputs")
	}
	if len(c.refused) > 0 {
		return nil, &UnsupportedError{c.refused}
	}
	return out, nil
}
