// Package bf16 holds the inner loops of the operators on bfloat16: float32
// without the lower half of its bits, which is 8 bits of precision.
//
// Activations and weights are stored so. Products are exact in float32 and
// summed in float32; biases, residuals and activations are float32, too, and
// what is stored is rounded once, to nearest, ties to even. Layouts, strides and
// geometries are those of package kernel.
//
// Everything is defined by the plain Go of this package. There are two orders of
// sums. That of VDPBF16PS, of AVX2 and of Go is by pairs of inputs: first the
// second of a pair is added to the sum and then the first, each rounded. That of
// tile registers is by steps of up to 32 inputs: the even inputs of a step are
// summed, and the odd ones, both sums are added, and that is added to the sum of
// the steps before. Apart from that, implementations give the same bits. Numbers
// below 2^-126 in magnitude are zeros: Round makes none, and the instructions
// take and make none.
//
// Nothing here allocates but what packs weights. Slices too short for their
// sizes and strides panic before anything is written.
package bf16

import "math"

// Slack is how many elements behind a source must belong to its slice's
// capacity: the kernels may read, but do not use, so many.
const Slack = 32

const (
	infinity = 0x7f80 // beyond are NaNs
	quiet    = 0x0040 // of a NaN
	signBit  = 0x8000
)

// Round returns the bfloat16 nearest to x. Numbers below 2^-126 become zero,
// and NaNs quiet ones.
func Round(x float32) uint16 {
	b := math.Float32bits(x)
	h := uint16(b >> 16)
	switch {
	case h&infinity == 0:
		return h & signBit
	case x != x:
		return h | quiet
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// Value returns what h stands for.
func Value(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// need panics unless s holds rows pixels of n elements, stride apart.
func need[T any](what string, s []T, rows, stride, n int) {
	if rows > 0 && len(s) < (rows-1)*stride+n {
		panic("bf16: " + what + " is too short")
	}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
