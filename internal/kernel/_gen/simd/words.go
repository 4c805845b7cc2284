package simd

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Words are the names of the 8-byte words of a struct of the kernels, in order.
type Words []string

// At returns the word of the given name of the struct at base.
func (w Words) At(base reg.GPPhysical, name string) Mem {
	for i, n := range w {
		if n == name {
			return Mem{Base: base, Disp: 8 * i}
		}
	}
	panic("no word " + name)
}
