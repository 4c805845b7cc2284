package graph

import "github.com/mixnet-go/mixnet/tensor"

// Op is one operator. All implementations are in this package; executors
// switch on the concrete type and refuse those that they do not know.
type Op interface {
	Kind() string                                     // short name for tables, such as "mixconv"
	OutShape(in []tensor.Shape) (tensor.Shape, error) // output shape, given those of the inputs
	Params() []ParamID                                // parameters read, without NoParam

	operator()
}

// operand is part of every operator.
type operand struct{}

func (operand) operator() {}

// plain is part of the operators without parameters.
type plain struct{ operand }

func (plain) Params() []ParamID { return nil }

// elementwise is part of the operators without parameters whose output has the
// shape of their one input.
type elementwise struct{ plain }

func (elementwise) OutShape(in []tensor.Shape) (tensor.Shape, error) { return same(in) }

// Input is the image batch.
type Input struct {
	plain
	C int
}

// ConvGroup is the channel range one group of a convolution reads and writes.
type ConvGroup struct{ In, Out int }

// Conv is a convolution over contiguous channel groups without shuffling.
// MixNet's grouped 1×1 convolutions are two groups with a weight tensor each;
// a standard grouped convolution has one weight tensor for all groups.
//
// Group i reads the next Groups[i].In input channels and writes the next
// Groups[i].Out output channels. Weights holds one (Out, In, K, K) tensor per
// group, or a single (ΣOut, In, K, K) one; either way their concatenation is
// the same sequence of values.
type Conv struct {
	operand
	Groups   []ConvGroup
	Kernel   int
	Stride   int
	Dilation int
	Padding  Padding
	Weights  []ParamID
	Bias     ParamID // (ΣOut), or NoParam
}

// MixGroup is one group of a mixed depthwise convolution.
type MixGroup struct {
	Channels int
	Kernel   int // 3, 5, … 13
	Dilation int // 1 for a true kernel
}

// MixConv is the mixed depthwise convolution of the MixConv paper (section
// 3.1): channels are split contiguously into groups, each is convolved
// depthwise with its own kernel size, and the outputs are concatenated in the
// same order. One group is an ordinary depthwise convolution.
type MixConv struct {
	operand
	Groups  []MixGroup
	Stride  int
	Padding Padding
	Weights []ParamID // one (Channels, 1, Kernel, Kernel) tensor per group
}

// BatchNorm normalises each channel: γ·(x-mean)/√(var+ε)+β. In training the
// statistics are the batch's (biased variance) and the running ones move by
// Momentum towards them (running variance: unbiased).
type BatchNorm struct {
	operand
	C           int
	Eps         float64
	Momentum    float64 // weight of the new value: PyTorch's convention, 0.01 for TensorFlow's 0.99
	Gamma, Beta ParamID
	Mean, Var   ParamID
}

// Activate applies an activation function to every element.
type Activate struct {
	elementwise
	Func Activation
}

// GlobalPool averages over all positions: N×H×W×C to N×1×1×C.
type GlobalPool struct{ plain }

// Scale multiplies its first input by its second, N×1×1×C, at every position:
// the excitation of squeeze-excite.
type Scale struct{ plain }

// Add sums two inputs of equal shape.
type Add struct{ plain }

// Linear is the fully connected layer on N×1×1×In.
type Linear struct {
	operand
	In, Out int
	Weight  ParamID // (Out, In)
	Bias    ParamID // (Out), or NoParam
}

// Dropout zeroes elements with probability Rate in training and scales the
// rest by 1/(1-Rate).
type Dropout struct {
	elementwise
	Rate float64
}

// DropPath zeroes whole images of a residual branch with probability Rate in
// training and scales the rest by 1/(1-Rate).
type DropPath struct {
	elementwise
	Rate float64
}

// Pool takes the maximum or the mean over windows.
type Pool struct {
	plain
	Max      bool
	Kernel   int
	Stride   int
	Padding  Padding
	CountPad bool // mean only: divide by the whole window instead of the part inside the image
}

// Concat joins its inputs along the channels.
type Concat struct{ plain }

// Slice takes the channels [From, To).
type Slice struct {
	plain
	From, To int
}

// Shuffle reorders channels: viewed as (Groups, n) they become (n, Groups),
// the channel shuffle of ShuffleNet.
type Shuffle struct {
	plain
	Groups int
}

// Shift moves the image up and left: out[y,x] = in[y+DY,x+DX], zero outside.
type Shift struct {
	elementwise
	DY, DX int
}

func (*Input) Kind() string      { return "input" }
func (*BatchNorm) Kind() string  { return "batchnorm" }
func (o *Activate) Kind() string { return o.Func.String() }
func (*GlobalPool) Kind() string { return "globalpool" }
func (*Scale) Kind() string      { return "scale" }
func (*Add) Kind() string        { return "add" }
func (*Linear) Kind() string     { return "linear" }
func (*Dropout) Kind() string    { return "dropout" }
func (*DropPath) Kind() string   { return "droppath" }
func (*Concat) Kind() string     { return "concat" }
func (*Slice) Kind() string      { return "slice" }
func (*Shuffle) Kind() string    { return "shuffle" }
func (*Shift) Kind() string      { return "shift" }

// Kind is "conv", or "pointwise" for 1×1.
func (o *Conv) Kind() string {
	if o.Kernel == 1 {
		return "pointwise"
	}
	return "conv"
}

// Kind is "mixconv", or "depthwise" for a single group.
func (o *MixConv) Kind() string {
	if len(o.Groups) == 1 {
		return "depthwise"
	}
	return "mixconv"
}

// Kind is "maxpool" or "avgpool".
func (o *Pool) Kind() string {
	if o.Max {
		return "maxpool"
	}
	return "avgpool"
}

// In returns the number of input channels.
func (o *Conv) In() int {
	n := 0
	for _, g := range o.Groups {
		n += g.In
	}
	return n
}

// Out returns the number of output channels.
func (o *Conv) Out() int {
	n := 0
	for _, g := range o.Groups {
		n += g.Out
	}
	return n
}

// MACsPerPixel returns the multiply-adds of one output position.
func (o *Conv) MACsPerPixel() int64 {
	var n int64
	for _, g := range o.Groups {
		n += int64(g.In) * int64(g.Out)
	}
	return n * int64(o.Kernel*o.Kernel)
}

// Channels returns the number of channels.
func (o *MixConv) Channels() int {
	n := 0
	for _, g := range o.Groups {
		n += g.Channels
	}
	return n
}

// MACsPerPixel returns the multiply-adds of one output position.
func (o *MixConv) MACsPerPixel() int64 {
	var n int64
	for _, g := range o.Groups {
		n += int64(g.Channels) * int64(g.Kernel*g.Kernel)
	}
	return n
}

// MACsPerPixel returns the multiply-adds for one image.
func (o *Linear) MACsPerPixel() int64 { return int64(o.In) * int64(o.Out) }

func params(ids ...ParamID) []ParamID {
	out := ids[:0:0]
	for _, id := range ids {
		if id != NoParam {
			out = append(out, id)
		}
	}
	return out
}

// Params returns the weights and the bias.
func (o *Conv) Params() []ParamID { return append(params(o.Weights...), params(o.Bias)...) }

// Params returns the weights of all groups.
func (o *MixConv) Params() []ParamID { return params(o.Weights...) }

// Params returns γ, β and the running statistics.
func (o *BatchNorm) Params() []ParamID { return params(o.Gamma, o.Beta, o.Mean, o.Var) }

// Params returns the weight and the bias.
func (o *Linear) Params() []ParamID { return params(o.Weight, o.Bias) }
