package quantize

import (
	"math"

	"github.com/mixnet-go/mixnet/graph"
)

// The search for a range tries parts of the largest values.
const (
	leastPart = 0.30
	partStep  = 0.02
)

// choose returns the code of tensors with the values of h for which the mean
// squared error is least, and the ratio of that to the mean square. What counts
// is the error of f of the values. A range that is known to start at some value
// keeps its start.
func choose(h *histogram, f func(float64) float64, startKnown bool) (code graph.Code, noise float64) {
	x, n := h.middles()
	lowest, highest := min(h.min, 0), max(h.max, 0)
	if h.n == 0 || highest-lowest < 255*graph.MinScale {
		return graph.Code{Scale: 1.0 / 255}, 0
	}
	y := make([]float64, len(x))
	power := 0.0
	for i, v := range x {
		y[i] = f(v)
		power += n[i] * y[i] * y[i]
	}
	best := math.Inf(1)
	try := func(lo, hi float64) {
		c := codeOf(lo, hi)
		if e := c.cost(x, y, n, f, best); e < best {
			best, code = e, c.Code
		}
	}
	for part := 1.0; part >= leastPart; part -= partStep {
		if startKnown || lowest == 0 {
			try(lowest, part*highest)
			continue
		}
		for low := 1.0; low >= leastPart; low -= 3 * partStep {
			try(low*lowest, part*highest)
		}
	}
	if power == 0 {
		return code, 0
	}
	return code, best / power
}

// candidate is a code with the values that it can stand for.
type candidate struct {
	graph.Code
	values [256]float64
}

// codeOf returns the code of a range, which zero is in.
func codeOf(lo, hi float64) *candidate {
	c := &candidate{Code: graph.Code{Scale: float32(max((hi-lo)/255, graph.MinScale))}}
	c.Zero = uint8(min(max(math.RoundToEven(-lo/float64(c.Scale)), 0), 255))
	for q := range c.values {
		c.values[q] = float64(c.Value(uint8(q)))
	}
	return c
}

// cost returns the sum of n·(y-f(x̂))², or something above enough.
func (c *candidate) cost(x, y, n []float64, f func(float64) float64, enough float64) (sum float64) {
	var of [256]float64
	for q, v := range c.values {
		of[q] = f(v)
	}
	inverse, zero := 1/float64(c.Scale), float64(c.Zero)+0.5
	for i, v := range x {
		q := int(min(max(v*inverse+zero, 0), 255))
		d := y[i] - of[q]
		if sum += n[i] * d * d; sum > enough {
			break
		}
	}
	return sum
}

// same is what counts where no function follows.
func same(x float64) float64 { return x }

// activation returns a function that is at most as rough as needed to choose a
// range for its argument.
func activation(a graph.Activation) func(float64) float64 {
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	gate := func(x float64) float64 { return min(max(x+3, 0), 6) / 6 }
	switch a {
	case graph.ReLU:
		return func(x float64) float64 { return max(x, 0) }
	case graph.ReLU6:
		return func(x float64) float64 { return min(max(x, 0), 6) }
	case graph.Swish:
		return func(x float64) float64 { return x * sigmoid(x) }
	case graph.HardSwish:
		return func(x float64) float64 { return x * gate(x) }
	case graph.Sigmoid:
		return sigmoid
	case graph.HardSigmoid:
		return gate
	}
	return same
}
