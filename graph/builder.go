package graph

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Builder assembles a Graph node by node. Methods take and return node IDs;
// the first mistake is remembered and returned by Build, so that the calls in
// between need no error handling.
type Builder struct {
	g        Graph
	channels []int // of every node
	names    map[string]bool
	err      error

	// Norm holds the batch-norm constants of the networks built.
	Norm Norm
}

// Norm holds the constants of batch normalisation. The zero value means the
// paper's: ε 0.001 and momentum 0.01 (0.99 in TensorFlow's convention).
type Norm struct{ Eps, Momentum float64 }

func (n Norm) orDefault() Norm {
	if n.Eps == 0 {
		n.Eps = 1e-3
	}
	if n.Momentum == 0 {
		n.Momentum = 0.01
	}
	return n
}

// NewBuilder starts a network that takes images of c channels. The input is
// node 0.
func NewBuilder(name string, c int) *Builder {
	b := &Builder{g: Graph{Name: name}, names: map[string]bool{}}
	if c < 1 {
		b.fail("input: %d channels", c)
	}
	b.add("input", &Input{C: c}, c)
	return b
}

// Build returns the finished graph. At least one node must have been named an
// output by Output.
func (b *Builder) Build() (*Graph, error) {
	if b.err != nil {
		return nil, fmt.Errorf("network %s: %w", b.g.Name, b.err)
	}
	for _, block := range b.g.Blocks {
		if _, ok := b.g.Find(block.Name); ok {
			return nil, fmt.Errorf("network %s: output %s has the name of a block", b.g.Name, block.Name)
		}
	}
	if len(b.g.Outputs) == 0 || b.g.Outputs[0].Training {
		return nil, fmt.Errorf("network %s: %w", b.g.Name, errors.New("no output"))
	}
	g := b.g
	return &g, nil
}

func (b *Builder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf(format, args...)
	}
}

func (b *Builder) add(name string, op Op, channels int, inputs ...ID) ID {
	for _, in := range inputs {
		if in < 0 || int(in) >= len(b.g.Nodes) {
			b.fail("%s: input node %d does not exist", name, in)
			inputs = nil
			break
		}
	}
	b.g.Nodes = append(b.g.Nodes, Node{Name: name, Op: op, Inputs: inputs})
	b.channels = append(b.channels, channels)
	return ID(len(b.g.Nodes) - 1)
}

func (b *Builder) param(name string, kind ParamKind, init Init, shape ...int) ParamID {
	if b.names[name] {
		b.fail("parameter %s declared twice", name)
	}
	b.names[name] = true
	for _, d := range shape {
		if d < 1 {
			b.fail("parameter %s has shape %v", name, shape)
		}
	}
	b.g.Params = append(b.g.Params, Param{Name: name, Shape: shape, Kind: kind, Init: init})
	return ParamID(len(b.g.Params) - 1)
}

// Input returns the input node.
func (b *Builder) Input() ID { return 0 }

// Channels returns the number of channels of node x.
func (b *Builder) Channels(x ID) int {
	if x < 0 || int(x) >= len(b.channels) {
		return 0
	}
	return b.channels[x]
}

// ConvSpec describes a convolution. Zero Kernel, Stride and Dilation mean 1.
type ConvSpec struct {
	Out      int
	Kernel   int
	Stride   int
	Dilation int
	Padding  Padding
	Groups   int  // contiguous groups; 0 means 1
	Split    bool // one weight tensor per group, named NAME.0.weight, …, and the remainder of an uneven split to the first group
	Bias     bool
	Std      float64 // standard deviation of the first weights; 0 means He's by the fan-out
}

// Conv adds a convolution. Its parameters are NAME.weight and NAME.bias, or
// NAME.0.weight … with Split and more than one group.
func (b *Builder) Conv(name string, x ID, s ConvSpec) ID {
	in := b.Channels(x)
	op := &Conv{Kernel: max(s.Kernel, 1), Stride: max(s.Stride, 1), Dilation: max(s.Dilation, 1), Padding: s.Padding, Bias: NoParam}
	groups := max(s.Groups, 1)
	ins, err := Equal.Split(in, groups)
	outs, err2 := Equal.Split(s.Out, groups)
	if err = errors.Join(err, err2); err != nil {
		b.fail("%s: %w", name, err)
		return b.add(name, op, s.Out, x)
	}
	area := op.Kernel * op.Kernel
	for i := range groups {
		op.Groups = append(op.Groups, ConvGroup{In: ins[i], Out: outs[i]})
	}
	switch {
	case s.Split && groups > 1:
		for i, g := range op.Groups {
			op.Weights = append(op.Weights, b.param(name+"."+strconv.Itoa(i)+".weight", Weight, initial(s.Std, area*g.Out), g.Out, g.In, op.Kernel, op.Kernel))
		}
	case in%groups != 0 || s.Out%groups != 0:
		b.fail("%s: %d to %d channels do not divide into %d groups", name, in, s.Out, groups)
	default:
		op.Weights = append(op.Weights, b.param(name+".weight", Weight, initial(s.Std, area*s.Out/groups), s.Out, in/groups, op.Kernel, op.Kernel))
	}
	if s.Bias {
		op.Bias = b.param(name+".bias", Bias, Init{}, s.Out)
	}
	return b.add(name, op, s.Out, x)
}

// MixSpec describes a mixed depthwise convolution. Zero Stride means 1.
type MixSpec struct {
	Kernels   []int // one per group, such as 3, 5, 7
	Stride    int
	Padding   Padding
	Partition Partition
	Channels  []int // of each group; nil leaves them to Partition
	Dilation  int   // of every kernel; 0 means 1
	// Dilated replaces every K×K kernel of a stride-1 layer by 3×3 with
	// dilation (K-1)/2 (paper, section 3.2). Strided layers keep their kernels.
	Dilated bool
	Std     float64 // standard deviation of the first weights; 0 means He's by the fan-out
}

// split returns the channels of each group of a layer of c channels.
func (s MixSpec) split(c int) ([]int, error) {
	if s.Channels == nil {
		return s.Partition.Split(c, len(s.Kernels))
	}
	sum := 0
	for _, n := range s.Channels {
		if n < 1 {
			return nil, fmt.Errorf("a group of %d channels", n)
		}
		sum += n
	}
	if len(s.Channels) != len(s.Kernels) || sum != c {
		return nil, fmt.Errorf("groups of %v channels for kernels %v on %d channels", s.Channels, s.Kernels, c)
	}
	return s.Channels, nil
}

// MixConv adds a mixed depthwise convolution. Its parameters are NAME.weight
// for a single kernel size and NAME.0.weight, NAME.1.weight, … for several.
func (b *Builder) MixConv(name string, x ID, s MixSpec) ID {
	c := b.Channels(x)
	op := &MixConv{Stride: max(s.Stride, 1), Padding: s.Padding}
	sizes, err := s.split(c)
	if err != nil {
		b.fail("%s: %w", name, err)
		return b.add(name, op, c, x)
	}
	for i, k := range s.Kernels {
		if k < 1 || k%2 == 0 {
			b.fail("%s: kernel size %d: sizes are odd and positive", name, k)
		}
		g := MixGroup{Channels: sizes[i], Kernel: k, Dilation: max(s.Dilation, 1)}
		if s.Dilated && op.Stride == 1 && k > 3 {
			g.Kernel, g.Dilation = 3, (k-1)/2
		}
		op.Groups = append(op.Groups, g)
		pname := name + ".weight"
		if len(s.Kernels) > 1 {
			pname = name + "." + strconv.Itoa(i) + ".weight"
		}
		op.Weights = append(op.Weights, b.param(pname, Weight, initial(s.Std, g.Kernel*g.Kernel), g.Channels, 1, g.Kernel, g.Kernel))
	}
	return b.add(name, op, c, x)
}

// BatchNorm adds batch normalisation with parameters NAME.weight (γ),
// NAME.bias (β), NAME.running_mean and NAME.running_var.
func (b *Builder) BatchNorm(name string, x ID) ID {
	c, n := b.Channels(x), b.Norm.orDefault()
	op := &BatchNorm{C: c, Eps: n.Eps, Momentum: n.Momentum}
	op.Gamma = b.param(name+".weight", Gamma, Init{Scale: 1}, c)
	op.Beta = b.param(name+".bias", Beta, Init{}, c)
	op.Mean = b.param(name+".running_mean", RunningMean, Init{}, c)
	op.Var = b.param(name+".running_var", RunningVar, Init{Scale: 1}, c)
	return b.add(name, op, c, x)
}

// Activate adds an activation; Identity adds nothing.
func (b *Builder) Activate(name string, x ID, f Activation) ID {
	if f == Identity {
		return x
	}
	return b.add(name, &Activate{Func: f}, b.Channels(x), x)
}

// GlobalPool adds the mean over all positions.
func (b *Builder) GlobalPool(name string, x ID) ID {
	return b.add(name, &GlobalPool{}, b.Channels(x), x)
}

// Scale adds the multiplication of x by the per-channel factors s.
func (b *Builder) Scale(name string, x, s ID) ID {
	if b.Channels(x) != b.Channels(s) {
		b.fail("%s: %d factors for %d channels", name, b.Channels(s), b.Channels(x))
	}
	return b.add(name, &Scale{}, b.Channels(x), x, s)
}

// Add adds the sum of x and y.
func (b *Builder) Add(name string, x, y ID) ID {
	if b.Channels(x) != b.Channels(y) {
		b.fail("%s: cannot add %d and %d channels", name, b.Channels(x), b.Channels(y))
	}
	return b.add(name, &Add{}, b.Channels(x), x, y)
}

// Linear adds a fully connected layer with parameters NAME.weight and
// NAME.bias. Weights start uniform in ±1/√out, as in the MixNet code.
func (b *Builder) Linear(name string, x ID, out int, bias bool) ID {
	in := b.Channels(x)
	op := &Linear{In: in, Out: out, Bias: NoParam}
	op.Weight = b.param(name+".weight", Weight, Init{Dist: Uniform, Scale: 1 / math.Sqrt(float64(max(out, 1)))}, out, in)
	if bias {
		op.Bias = b.param(name+".bias", Bias, Init{}, out)
	}
	return b.add(name, op, out, x)
}

// Dropout adds dropout; rate 0 adds nothing.
func (b *Builder) Dropout(name string, x ID, rate float64) ID {
	if rate <= 0 {
		return x
	}
	if rate >= 1 {
		b.fail("%s: dropout rate %g", name, rate)
	}
	return b.add(name, &Dropout{Rate: rate}, b.Channels(x), x)
}

// DropPath adds stochastic depth; rate 0 adds nothing.
func (b *Builder) DropPath(name string, x ID, rate float64) ID {
	if rate <= 0 {
		return x
	}
	if rate >= 1 {
		b.fail("%s: drop-path rate %g", name, rate)
	}
	return b.add(name, &DropPath{Rate: rate}, b.Channels(x), x)
}

// Pool adds a max or mean pool.
func (b *Builder) Pool(name string, x ID, p Pool) ID {
	if p.Kernel < 1 || p.Stride < 1 {
		b.fail("%s: pool %d×%d stride %d", name, p.Kernel, p.Kernel, p.Stride)
		p.Kernel, p.Stride = 1, 1
	}
	return b.add(name, &p, b.Channels(x), x)
}

// Concat joins nodes along the channels.
func (b *Builder) Concat(name string, xs ...ID) ID {
	c := 0
	for _, x := range xs {
		c += b.Channels(x)
	}
	if len(xs) == 0 {
		b.fail("%s: nothing to concatenate", name)
	}
	return b.add(name, &Concat{}, c, xs...)
}

// Slice takes the channels [from, to).
func (b *Builder) Slice(name string, x ID, from, to int) ID {
	if from < 0 || from >= to || to > b.Channels(x) {
		b.fail("%s: channels [%d, %d) of %d", name, from, to, b.Channels(x))
	}
	return b.add(name, &Slice{From: from, To: to}, to-from, x)
}

// Shuffle adds a channel shuffle; one group adds nothing.
func (b *Builder) Shuffle(name string, x ID, groups int) ID {
	if groups <= 1 {
		return x
	}
	if b.Channels(x)%groups != 0 {
		b.fail("%s: %d channels cannot be shuffled in %d groups", name, b.Channels(x), groups)
	}
	return b.add(name, &Shuffle{Groups: groups}, b.Channels(x), x)
}

// Shift moves the image up by dy and left by dx.
func (b *Builder) Shift(name string, x ID, dy, dx int) ID {
	return b.add(name, &Shift{DY: dy, DX: dx}, b.Channels(x), x)
}

// Block marks x as the output of a named block.
func (b *Builder) Block(name string, x ID) {
	b.g.Blocks = append(b.g.Blocks, Block{Name: name, Out: x})
}
