package graph

import (
	"fmt"

	"github.com/mixnet-go/mixnet/tensor"
)

// Op is one operator. All implementations are in this package; executors
// switch on the concrete type.
type Op interface {
	Kind() string                                     // short name for tables, such as "mixconv"
	OutShape(in []tensor.Shape) (tensor.Shape, error) // output shape, given those of the inputs
	Params() []ParamID                                // parameters read, without NoParam
}

// Input is the image batch.
type Input struct{ C int }

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
	Groups  []MixGroup
	Stride  int
	Padding Padding
	Weights []ParamID // one (Channels, 1, Kernel, Kernel) tensor per group
}

// BatchNorm normalises each channel: γ·(x-mean)/√(var+ε)+β. In training the
// statistics are the batch's (biased variance) and the running ones move by
// Momentum towards them (running variance: unbiased).
type BatchNorm struct {
	C           int
	Eps         float64
	Momentum    float64 // weight of the new value: PyTorch's convention, 0.01 for TensorFlow's 0.99
	Gamma, Beta ParamID
	Mean, Var   ParamID
}

// Activate applies an activation function to every element.
type Activate struct{ Func Activation }

// GlobalPool averages over all positions: N×H×W×C to N×1×1×C.
type GlobalPool struct{}

// Scale multiplies its first input by its second, N×1×1×C, at every position:
// the excitation of squeeze-excite.
type Scale struct{}

// Add sums two inputs of equal shape.
type Add struct{}

// Linear is the fully connected layer on N×1×1×In.
type Linear struct {
	In, Out int
	Weight  ParamID // (Out, In)
	Bias    ParamID // (Out), or NoParam
}

// Dropout zeroes elements with probability Rate in training and scales the
// rest by 1/(1-Rate).
type Dropout struct{ Rate float64 }

// DropPath zeroes whole images of a residual branch with probability Rate in
// training and scales the rest by 1/(1-Rate).
type DropPath struct{ Rate float64 }

// Pool takes the maximum or the mean over windows.
type Pool struct {
	Max      bool
	Kernel   int
	Stride   int
	Padding  Padding
	CountPad bool // mean only: divide by the whole window instead of the part inside the image
}

// Concat joins its inputs along the channels.
type Concat struct{}

// Slice takes the channels [From, To).
type Slice struct{ From, To int }

// Shuffle reorders channels: viewed as (Groups, n) they become (n, Groups),
// the channel shuffle of ShuffleNet.
type Shuffle struct{ Groups int }

// Shift moves the image up and left: out[y,x] = in[y+DY,x+DX], zero outside.
type Shift struct{ DY, DX int }

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

func arity(in []tensor.Shape, n int) error {
	if len(in) != n {
		return fmt.Errorf("%w: %d inputs, want %d", tensor.ErrShape, len(in), n)
	}
	return nil
}

func channels(in []tensor.Shape, c int) error {
	if err := arity(in, 1); err != nil {
		return err
	}
	if in[0].C != c {
		return fmt.Errorf("%w: input %v has %d channels, want %d", tensor.ErrShape, in[0], in[0].C, c)
	}
	return nil
}

// same is the shape rule of element-wise operators with one input.
func same(in []tensor.Shape) (tensor.Shape, error) {
	if err := arity(in, 1); err != nil {
		return tensor.Shape{}, err
	}
	return in[0], nil
}

// OutShape accepts no inputs: the executor supplies the input's shape.
func (o *Input) OutShape([]tensor.Shape) (tensor.Shape, error) {
	return tensor.Shape{}, fmt.Errorf("%w: an input node has no inputs", tensor.ErrShape)
}

// OutShape returns N×H'×W'×Out.
func (o *Conv) OutShape(in []tensor.Shape) (tensor.Shape, error) {
	if err := channels(in, o.In()); err != nil {
		return tensor.Shape{}, err
	}
	s, err := o.Padding.window(in[0], o.Kernel, o.Stride, o.Dilation)
	s.C = o.Out()
	return s, err
}

// OutShape returns N×H'×W'×C; all groups must agree on H' and W'.
func (o *MixConv) OutShape(in []tensor.Shape) (tensor.Shape, error) {
	if err := channels(in, o.Channels()); err != nil {
		return tensor.Shape{}, err
	}
	var out tensor.Shape
	for i, g := range o.Groups {
		s, err := o.Padding.window(in[0], g.Kernel, o.Stride, g.Dilation)
		if err != nil {
			return s, err
		}
		if i > 0 && s != out {
			return s, fmt.Errorf("%w: kernel %d gives %v, kernel %d gives %v", tensor.ErrShape, o.Groups[0].Kernel, out, g.Kernel, s)
		}
		out = s
	}
	return out, nil
}

// OutShape returns the input's shape.
func (o *BatchNorm) OutShape(in []tensor.Shape) (tensor.Shape, error) {
	if err := channels(in, o.C); err != nil {
		return tensor.Shape{}, err
	}
	return in[0], nil
}

// OutShape returns the input's shape.
func (o *Activate) OutShape(in []tensor.Shape) (tensor.Shape, error) { return same(in) }

// OutShape returns the input's shape.
func (o *Dropout) OutShape(in []tensor.Shape) (tensor.Shape, error) { return same(in) }

// OutShape returns the input's shape.
func (o *DropPath) OutShape(in []tensor.Shape) (tensor.Shape, error) { return same(in) }

// OutShape returns the input's shape.
func (o *Shift) OutShape(in []tensor.Shape) (tensor.Shape, error) { return same(in) }

// OutShape returns N×1×1×C.
func (o *GlobalPool) OutShape(in []tensor.Shape) (tensor.Shape, error) {
	s, err := same(in)
	s.H, s.W = 1, 1
	return s, err
}

// OutShape returns the first input's shape.
func (o *Scale) OutShape(in []tensor.Shape) (tensor.Shape, error) {
	if err := arity(in, 2); err != nil {
		return tensor.Shape{}, err
	}
	if want := (tensor.Shape{N: in[0].N, H: 1, W: 1, C: in[0].C}); in[1] != want {
		return in[0], fmt.Errorf("%w: factors %v for %v, want %v", tensor.ErrShape, in[1], in[0], want)
	}
	return in[0], nil
}

// OutShape returns the inputs' common shape.
func (o *Add) OutShape(in []tensor.Shape) (tensor.Shape, error) {
	if err := arity(in, 2); err != nil {
		return tensor.Shape{}, err
	}
	if in[0] != in[1] {
		return in[0], fmt.Errorf("%w: cannot add %v and %v", tensor.ErrShape, in[0], in[1])
	}
	return in[0], nil
}

// OutShape returns N×1×1×Out.
func (o *Linear) OutShape(in []tensor.Shape) (tensor.Shape, error) {
	if err := channels(in, o.In); err != nil {
		return tensor.Shape{}, err
	}
	if in[0].H != 1 || in[0].W != 1 {
		return in[0], fmt.Errorf("%w: input %v, want a pooled N×1×1×%d", tensor.ErrShape, in[0], o.In)
	}
	s := in[0]
	s.C = o.Out
	return s, nil
}

// OutShape returns N×H'×W'×C.
func (o *Pool) OutShape(in []tensor.Shape) (tensor.Shape, error) {
	if err := arity(in, 1); err != nil {
		return tensor.Shape{}, err
	}
	return o.Padding.window(in[0], o.Kernel, o.Stride, 1)
}

// OutShape returns the inputs' shape with their channels summed.
func (o *Concat) OutShape(in []tensor.Shape) (tensor.Shape, error) {
	if len(in) == 0 {
		return tensor.Shape{}, arity(in, 1)
	}
	out := in[0]
	for _, s := range in[1:] {
		if s.N != out.N || s.H != out.H || s.W != out.W {
			return out, fmt.Errorf("%w: cannot concatenate %v and %v", tensor.ErrShape, in[0], s)
		}
		out.C += s.C
	}
	return out, nil
}

// OutShape returns N×H×W×(To-From).
func (o *Slice) OutShape(in []tensor.Shape) (tensor.Shape, error) {
	s, err := same(in)
	if err == nil && (o.From < 0 || o.From >= o.To || o.To > s.C) {
		err = fmt.Errorf("%w: channels [%d, %d) of %v", tensor.ErrShape, o.From, o.To, s)
	}
	s.C = o.To - o.From
	return s, err
}

// OutShape returns the input's shape.
func (o *Shuffle) OutShape(in []tensor.Shape) (tensor.Shape, error) {
	s, err := same(in)
	if err == nil && (o.Groups < 1 || s.C%o.Groups != 0) {
		err = fmt.Errorf("%w: %d channels cannot be shuffled in %d groups", tensor.ErrShape, s.C, o.Groups)
	}
	return s, err
}

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

func (*Input) Params() []ParamID      { return nil }
func (*Activate) Params() []ParamID   { return nil }
func (*GlobalPool) Params() []ParamID { return nil }
func (*Scale) Params() []ParamID      { return nil }
func (*Add) Params() []ParamID        { return nil }
func (*Dropout) Params() []ParamID    { return nil }
func (*DropPath) Params() []ParamID   { return nil }
func (*Pool) Params() []ParamID       { return nil }
func (*Concat) Params() []ParamID     { return nil }
func (*Slice) Params() []ParamID      { return nil }
func (*Shuffle) Params() []ParamID    { return nil }
func (*Shift) Params() []ParamID      { return nil }
