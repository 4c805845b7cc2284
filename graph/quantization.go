package graph

import (
	"fmt"
	"math"
)

// Code is how a tensor is stored in bytes: byte q stands for Scale·(q-Zero).
type Code struct {
	Scale float32
	Zero  uint8
}

// The least and the largest scale of a quantization.
const (
	MinScale = 1e-12
	MaxScale = 1e12
)

// MaxWeightCode is the largest magnitude of the code of a weight.
const MaxWeightCode = 127

// Quantization says what of a network is computed with whole numbers of 8 bits.
// A convolution is if its weights have Scales and its input and its result, or
// that of the activation behind it, have Codes. Everything else is computed in
// float32, and converted where the two meet.
type Quantization struct {
	// Codes are those of the nodes whose results are bytes.
	Codes map[ID]Code
	// Scales are those of the weights that are whole numbers, one for each output
	// channel: a weight is a multiple of its channel's scale, of a magnitude of
	// at most MaxWeightCode of them.
	Scales map[ParamID][]float32
	// Exact asks for every result in Codes to be rounded to its code, as the
	// operators of ONNX do. Otherwise what comes before an activation, or before a
	// residual is added, is more precise, since it is never stored.
	Exact bool
}

// Check returns an error unless q can be of g.
func (q *Quantization) Check(g *Graph) error {
	for id, c := range q.Codes {
		if id < 0 || int(id) >= len(g.Nodes) {
			return fmt.Errorf("quantization: %s has no node %d", g.Name, id)
		}
		if err := checkScale(c.Scale); err != nil {
			return fmt.Errorf("quantization: result of %s: %w", g.Nodes[id].Name, err)
		}
	}
	for id, scales := range q.Scales {
		if id < 0 || int(id) >= len(g.Params) {
			return fmt.Errorf("quantization: %s has no parameter %d", g.Name, id)
		}
		p := g.Params[id]
		if p.Kind != Weight || len(p.Shape) == 0 || p.Shape[0] != len(scales) {
			return fmt.Errorf("quantization: %s, a parameter of shape %v, cannot have %d scales: want weights, and a scale for each of their output channels", p.Name, p.Shape, len(scales))
		}
		for i, s := range scales {
			if err := checkScale(s); err != nil {
				return fmt.Errorf("quantization: %s: output channel %d: %w", p.Name, i, err)
			}
		}
	}
	return nil
}

func checkScale(s float32) error {
	if !(s >= MinScale && s <= MaxScale) {
		return fmt.Errorf("a scale of %g: want one from %g to %g", s, MinScale, MaxScale)
	}
	return nil
}

// Round returns the code of x: the nearest, ties to even; of NaN, 0.
func (c Code) Round(x float32) uint8 {
	q := math.RoundToEven(float64(x/c.Scale)) + float64(c.Zero)
	if !(q > 0) {
		return 0
	}
	return uint8(min(q, 255))
}

// Value returns what a code stands for.
func (c Code) Value(q uint8) float32 { return float32(int(q)-int(c.Zero)) * c.Scale }

// WeightCode returns the whole number that a weight is of its channel's scale,
// and reports whether it is one.
func WeightCode(w, scale float32) (code int8, ok bool) {
	x := float64(w) / float64(scale)
	q := math.RoundToEven(x)
	if !(math.Abs(q) <= MaxWeightCode) || math.Abs(x-q) > 1e-3 {
		return 0, false
	}
	return int8(q), true
}
