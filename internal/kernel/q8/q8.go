// Package q8 holds the inner loops of the operators on 8-bit codes.
//
// An activation is a code q of one byte and stands for scale·(q-zero), with one
// scale and one zero point, from 0 to 255, for a tensor. A weight is a signed
// byte from -127 to 127 and stands for scale·w, with a scale for each output
// channel. Products are summed in int32, to which a bias in units of
// scale·scale belongs from the start, and an Epilogue makes codes of the sums.
// Layouts, strides and geometries are those of package kernel.
//
// Everything is defined by the plain Go of this package, and every
// implementation gives the same bits: sums of integers have no order, and what
// is done in float32 is rounded after each operation, in the order given, and
// never fused.
//
// The results of [kernel] are unlike that: they differ in their last bits from
// one instruction set to another.
//
// Nothing here allocates but what packs weights. Slices too short for their
// sizes and strides panic before anything is written.
package q8

// Slack is how many bytes behind a source must belong to its slice's capacity:
// the kernels read, but do not use, so many.
const Slack = 64

// need panics unless s holds rows pixels of n elements, stride apart.
func need[T any](what string, s []T, rows, stride, n int) {
	if rows > 0 && len(s) < (rows-1)*stride+n {
		panic("q8: " + what + " is too short")
	}
}

// needSource is need for codes that are read, with Slack behind them.
func needSource(what string, s []uint8, rows, stride, n int) {
	need(what, s, rows, stride, n)
	if rows > 0 && cap(s) < (rows-1)*stride+n+Slack {
		panic("q8: " + what + " has no slack")
	}
}
