package engine

import (
	"fmt"
	"math"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/kernel/q8"
)

// packedSums is what sums become: the factors and biases of a convolution on
// codes.
type packedSums struct {
	unit   []float64 // of each output: what 1 in its sum stands for
	shrink []float64 // of each output: what the codes of its weights are multiplied by, at most 1
	shift  []float64 // bias of each output
	ep     q8.Epilogue
}

// maxBias bounds biases in units of their sums, so that no sum overflows. Where
// factors are above MaxMul they are bounded as the sums of products are.
const maxBias = 1 << 30

// codes returns the codes of the next weights, those of outputs from `from` on.
// Where batch norm has a negative factor the signs are turned.
func (s *sums) codes(w []float32, from, outs int) ([]int8, error) {
	scales := s.outputs()[from:][:outs]
	codes, per := make([]int8, len(w)), len(w)/outs
	for i, v := range w {
		c, ok := graph.WeightCode(v, scales[i/per])
		if !ok {
			return nil, fmt.Errorf("%s: weight %g of output channel %d is not a whole number, at most %d, of its scale %g", s.name, v, from+i/per, graph.MaxWeightCode, scales[i/per])
		}
		if s.affine != nil && s.affine.scale[from+i/per] < 0 {
			c = -c
		}
		if f := s.shrink[from+i/per]; f < 1 {
			c = int8(math.RoundToEven(float64(c) * f))
		}
		codes[i] = c
	}
	return codes, nil
}

// packSums makes the factors, of a convolution whose bias is given; nil for none.
func (s *sums) packSums(bias []float32) {
	scales := s.outputs()
	s.unit, s.shift, s.shrink = make([]float64, len(scales)), make([]float64, len(scales)), make([]float64, len(scales))
	s.ep.Mul, s.ep.Bias = make([]float32, len(scales)), make([]int32, len(scales))
	for i, of := range scales {
		s.unit[i] = float64(s.x.code.Scale) * float64(of)
		if bias != nil {
			s.shift[i] = float64(bias[i])
		}
		if a := s.affine; a != nil {
			s.unit[i] *= math.Abs(float64(a.scale[i]))
			s.shift[i] = float64(float32(s.shift[i]*float64(a.scale[i]))) + float64(a.shift[i])
		}
		if s.shrink[i] = 1; math.Abs(s.shift[i]) > s.unit[i]*(maxBias/2) {
			// Next to this bias the weights count for nearly nothing.
			unit := math.Abs(s.shift[i]) / (maxBias / 2)
			s.unit[i], s.shrink[i] = unit, s.unit[i]/unit
		}
		s.ep.Mul[i] = float32(s.unit[i] / s.step)
	}
	s.ep.Zero = s.zero
	s.ep.Lo, s.ep.Hi = 0, 255
	y := *s.y.code
	switch s.act {
	case kernel.Identity:
	case kernel.ReLU:
		s.ep.Lo = y.Zero
	case kernel.ReLU6:
		s.ep.Lo, s.ep.Hi = y.Zero, y.Round(6)
	default:
		last := q8.TableLen - 1
		if s.exact { // the argument is a byte too
			last = 255
		}
		s.ep.Table = q8.NewTable(func(t int) uint8 { return activated(s.act, s.step*float64(min(t, last)-s.zero), y) })
	}
	if s.add != nil {
		s.ep.AddZero, s.ep.AddMul = s.add.code.Zero, float32(float64(s.add.code.Scale)/s.step)
	}
}

// activated returns the code of an activation's value at x.
func activated(act kernel.Act, x float64, y graph.Code) uint8 {
	v := [1]float32{float32(x)}
	q8.Activate(v[:], act)
	return y.Round(v[0])
}

// start makes the biases of the sums in their units, before what the zero point
// of the input adds.
func (s *sums) start() {
	for i, b := range s.shift {
		s.ep.Bias[i] = 0
		if s.unit[i] > 0 {
			most := min(maxBias, q8.MaxValue/2/float64(s.ep.Mul[i]))
			s.ep.Bias[i] = int32(math.RoundToEven(min(max(b/s.unit[i], -most), most)))
		}
	}
}

// part returns the epilogue of outputs [from, to).
func (s *sums) part(from, to int) q8.Epilogue {
	ep := s.ep
	ep.Mul, ep.Bias = ep.Mul[from:to], ep.Bias[from:to]
	return ep
}

func (s *sums) args() (reads, writes []*value) { return present(s.x, s.add), present(s.y) }

// overwrites: a sum may replace the residual it adds to.
func (s *sums) overwrites() (y *value, inputs []*value) {
	if s.add == nil {
		return nil, nil
	}
	x, _ := s.x.storage()
	if a, _ := s.add.storage(); a == x {
		return nil, nil
	}
	return s.y, []*value{s.add}
}

func (s *sums) packedLen() int { return 0 }

func (s *sums) common() *sums { return s }
