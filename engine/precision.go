package engine

import (
	"fmt"

	"github.com/mixnet-go/mixnet/internal/enum"
	"github.com/mixnet-go/mixnet/internal/kernel/bf16"
)

// Precision is what intermediate results and weights are stored as, and how
// products are made. Sums, biases and activations are float32 in any case.
type Precision uint8

// The precisions.
const (
	Auto     Precision = iota // Float32, or what weights of whole numbers want
	Float32                   // the same, and an error with weights of whole numbers
	BFloat16                  // 8 bits of precision: half the memory, and products twice as fast with AVX512_BF16
)

var precisionNames = []string{Auto: "auto", Float32: "float32", BFloat16: "bf16"}

// String returns the name of p.
func (p Precision) String() string { return enum.String(precisionNames, p) }

// MarshalText returns the name of p.
func (p Precision) MarshalText() ([]byte, error) { return enum.Marshal(precisionNames, p) }

// UnmarshalText sets p to the precision of a name.
func (p *Precision) UnmarshalText(name []byte) error {
	return enum.Unmarshal("precision", precisionNames, p, name)
}

// check returns an error for a precision that weights do not allow.
func (p Precision) check(quantized bool) error {
	switch {
	case p > BFloat16:
		return fmt.Errorf("unknown precision %d", p)
	case p != Auto && quantized:
		return fmt.Errorf("the weights are whole numbers of 8 bits and cannot be computed in %v: use those the network was quantized from", p)
	}
	return nil
}

// BFloat16Instructions returns what multiplies bfloat16 on this machine: "amx",
// "avx512_bf16", or where there is neither, and float32 is quicker, "".
func BFloat16Instructions() string { return bf16.Instructions() }
