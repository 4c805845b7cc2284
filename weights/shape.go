package weights

import "math"

const (
	// maxDims bounds the dimensions of a tensor.
	maxDims = 32
	// maxElements bounds the elements of a tensor: 2^40 of them are 4 TiB of
	// float32. No file gets near it, and products below it cannot overflow.
	maxElements = 1 << 40
)

// elements returns the product of a declared shape. Every dimension that does
// not fit is an error, so that the shape can be used as ints afterwards.
func elements(shape []int64) (int64, error) {
	if len(shape) > maxDims {
		return 0, formatError("shape has %d dimensions, more than %d", len(shape), maxDims)
	}
	n := int64(1)
	for _, d := range shape {
		if d < 0 || d > maxElements || d > math.MaxInt {
			return 0, formatError("shape %v has an impossible size", shape)
		}
		if d != 0 && n > maxElements/d {
			return 0, formatError("shape %v has more than 2^40 elements", shape)
		}
		n *= d
	}
	if n > math.MaxInt/8 {
		return 0, formatError("shape %v is too large for this processor", shape)
	}
	return n, nil
}

func toInts(s []int64) []int {
	out := make([]int, len(s))
	for i, v := range s {
		out[i] = int(v)
	}
	return out
}
