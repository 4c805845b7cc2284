package graph

import (
	"math"

	"github.com/mixnet-go/mixnet/internal/rng"
	"github.com/mixnet-go/mixnet/tensor"
)

// ParamID names a parameter: its index in Graph.Params.
type ParamID int

// NoParam is the ID of an absent parameter, such as the bias of a convolution
// that has none.
const NoParam ParamID = -1

// ParamKind says what a parameter is for.
type ParamKind uint8

// The kinds of parameters. RunningMean and RunningVar are statistics that
// training updates without gradients.
const (
	Weight ParamKind = iota
	Bias
	Gamma
	Beta
	RunningMean
	RunningVar
)

// Init is the distribution a parameter starts from.
type Init struct {
	Dist  Dist
	Scale float64 // standard deviation of Normal, bound of Uniform, value of Constant
}

// Dist is a family of initial distributions.
type Dist uint8

// The initial distributions.
const (
	Constant Dist = iota
	Normal
	Uniform
)

// Param describes one parameter tensor. Its values are stored in PyTorch's
// layout: OIHW for convolutions, (out, in) for fully connected layers.
type Param struct {
	Name  string // key in timm's state_dict, such as "blocks.1.0.bn1.weight"
	Shape []int
	Kind  ParamKind
	Init  Init
}

// Len returns the number of values.
func (p Param) Len() int {
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	return n
}

// Trainable reports whether the parameter has a gradient.
func (p Param) Trainable() bool { return p.Kind != RunningMean && p.Kind != RunningVar }

// Decays reports whether weight decay applies: to everything trainable but the
// scale and shift of batch norm, as in the MixNet training code. Biases of
// squeeze-excite and of the classifier are included.
func (p Param) Decays() bool { return p.Kind == Weight || p.Kind == Bias }

// Values holds the values of all parameters of a graph, indexed by ParamID.
type Values[T tensor.Float] [][]T

// NewValues returns zeroed storage for the parameters of g.
func NewValues[T tensor.Float](g *Graph) Values[T] {
	v := make(Values[T], len(g.Params))
	for i, p := range g.Params {
		v[i] = make([]T, p.Len())
	}
	return v
}

// Initialize fills v from each parameter's initial distribution. Every
// parameter draws from its own stream, a function of seed and name, so adding
// a layer leaves the others' values alone.
func (g *Graph) Initialize(v Values[float32], seed uint64) {
	for i, p := range g.Params {
		p.Initialize(v[i], seed)
	}
}

// Initialize fills v with what Graph.Initialize gives this parameter.
func (p Param) Initialize(v []float32, seed uint64) {
	r := rng.Named(seed, p.Name)
	for i := range v {
		switch p.Init.Dist {
		case Normal:
			v[i] = float32(r.NormFloat64() * p.Init.Scale)
		case Uniform:
			v[i] = float32((2*r.Float64() - 1) * p.Init.Scale)
		default:
			v[i] = float32(p.Init.Scale)
		}
	}
}

// Clone returns a deep copy.
func (v Values[T]) Clone() Values[T] {
	c := make(Values[T], len(v))
	for i := range v {
		c[i] = append([]T(nil), v[i]...)
	}
	return c
}

// initial is the initialisation of convolutions: normal, with a given standard
// deviation or, as in the MixNet code, a variance of 2/fan_out, where fan_out is
// kernel area times the output channels of that one convolution (1 for
// depthwise).
func initial(std float64, fanOut int) Init {
	if std == 0 {
		std = math.Sqrt(2 / float64(fanOut))
	}
	return Init{Dist: Normal, Scale: std}
}
