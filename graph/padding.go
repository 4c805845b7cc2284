package graph

import (
	"fmt"

	"github.com/mixnet-go/mixnet/internal/enum"
	"github.com/mixnet-go/mixnet/tensor"
)

// Padding says how zeros are placed round the input of a convolution or pool.
type Padding uint8

const (
	// Symmetric pads (dilation·(kernel-1))/2 on every side: PyTorch's usual
	// choice and that of timm's mixnet_*.
	Symmetric Padding = iota
	// Same is TensorFlow's SAME: out = ceil(in/stride), with the odd zero at
	// the bottom and right. timm's tf_mixnet_* use it.
	Same
	// Valid does not pad.
	Valid
)

var paddingNames = [...]string{"symmetric", "same", "valid"}

// String returns the word used in files.
func (p Padding) String() string { return enum.String(paddingNames[:], p) }

// MarshalText returns the word used in files.
func (p Padding) MarshalText() ([]byte, error) { return enum.Marshal(paddingNames[:], p) }

// UnmarshalText reads a word; the error names the known ones.
func (p *Padding) UnmarshalText(word []byte) error {
	return enum.Unmarshal("padding", paddingNames[:], p, word)
}

// Extent returns the output size along one axis and the zeros placed before
// the first input element.
func (p Padding) Extent(in, kernel, stride, dilation int) (out, before int) {
	span := dilation*(kernel-1) + 1
	switch p {
	case Same:
		out = (in + stride - 1) / stride
		before = max((out-1)*stride+span-in, 0) / 2
	case Valid:
		if in >= span {
			out = (in-span)/stride + 1
		}
	default:
		before = (span - 1) / 2
		if in+2*before >= span {
			out = (in+2*before-span)/stride + 1
		}
	}
	return out, before
}

func (p Padding) window(in tensor.Shape, kernel, stride, dilation int) (tensor.Shape, error) {
	h, _ := p.Extent(in.H, kernel, stride, dilation)
	w, _ := p.Extent(in.W, kernel, stride, dilation)
	if h < 1 || w < 1 {
		return in, fmt.Errorf("%w: %v is smaller than the %d×%d kernel (padding %v)", tensor.ErrShape, in, kernel, kernel, p)
	}
	return tensor.Shape{N: in.N, H: h, W: w, C: in.C}, nil
}
