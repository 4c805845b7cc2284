// Package tensor holds the one array type that images and activations travel
// in: a dense batch of feature maps in NHWC order, channels innermost.
package tensor

import (
	"errors"
	"fmt"
	"math"
)

// Float is the set of element types the operators are written for. Networks
// run in float32; float64 serves numerical gradient checks.
type Float interface{ ~float32 | ~float64 }

// Shape is the size of a batch of feature maps.
type Shape struct {
	N int // images
	H int // rows
	W int // columns
	C int // channels
}

// ErrShape is wrapped by every error about a shape that does not fit.
var ErrShape = errors.New("shape mismatch")

// maxLen bounds the elements of one tensor, so that a product of hostile sizes
// cannot wrap around: 2^40 elements are 4 TiB of float32.
const maxLen = 1 << 40

// Len returns the number of elements, N·H·W·C.
func (s Shape) Len() int { return s.N * s.H * s.W * s.C }

// Pixels returns the number of positions, N·H·W.
func (s Shape) Pixels() int { return s.N * s.H * s.W }

// Valid reports an error unless every size is at least 1 and the product is
// small enough to index.
func (s Shape) Valid() error {
	n := int64(1)
	for _, d := range [4]int{s.N, s.H, s.W, s.C} {
		if d < 1 || int64(d) > math.MaxInt32 {
			return fmt.Errorf("%w: %v: every size must be between 1 and %d", ErrShape, s, math.MaxInt32)
		}
		if n *= int64(d); n > maxLen {
			return fmt.Errorf("%w: %v has more than %d elements", ErrShape, s, int64(maxLen))
		}
	}
	return nil
}

// String formats the shape as N×H×W×C.
func (s Shape) String() string { return fmt.Sprintf("%d×%d×%d×%d", s.N, s.H, s.W, s.C) }

// Dense is a contiguous tensor: element (n, h, w, c) is
// Data[((n·H+h)·W+w)·C+c].
type Dense[T Float] struct {
	Shape Shape
	Data  []T
}

// Tensor is a float32 tensor, the type networks take and return.
type Tensor = Dense[float32]

// New returns a tensor of zeros.
func New[T Float](s Shape) *Dense[T] { return &Dense[T]{Shape: s, Data: make([]T, s.Len())} }

// Check reports an error unless the shape is valid and Data has its length.
func (t *Dense[T]) Check() error {
	if err := t.Shape.Valid(); err != nil {
		return err
	}
	if len(t.Data) != t.Shape.Len() {
		return fmt.Errorf("%w: %v needs %d elements, data has %d", ErrShape, t.Shape, t.Shape.Len(), len(t.Data))
	}
	return nil
}

// Image returns the n-th image of the batch, sharing its data.
func (t *Dense[T]) Image(n int) *Dense[T] {
	s := t.Shape
	s.N = 1
	size := s.Len()
	return &Dense[T]{Shape: s, Data: t.Data[n*size : (n+1)*size : (n+1)*size]}
}

// FromNCHW returns a tensor of shape s filled from data in NCHW order, the
// order of PyTorch and of ONNX.
func FromNCHW[T Float](s Shape, data []T) *Dense[T] {
	t := New[T](s)
	plane := s.H * s.W
	for n := range s.N {
		for c := range s.C {
			src := data[(n*s.C+c)*plane:][:plane]
			dst := t.Data[n*plane*s.C+c:]
			for p, v := range src {
				dst[p*s.C] = v
			}
		}
	}
	return t
}

// NCHW returns the elements in NCHW order.
func (t *Dense[T]) NCHW() []T {
	s := t.Shape
	out := make([]T, s.Len())
	plane := s.H * s.W
	for n := range s.N {
		for c := range s.C {
			dst := out[(n*s.C+c)*plane:][:plane]
			src := t.Data[n*plane*s.C+c:]
			for p := range dst {
				dst[p] = src[p*s.C]
			}
		}
	}
	return out
}
