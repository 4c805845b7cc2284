// Command dw generates the assembly of the depthwise convolutions.
package main

import (
	. "github.com/mmcloughlin/avo/build"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

func main() {
	ConstraintExpr("amd64,!purego")
	for _, s := range []*simd.ISA{simd.AVX2, simd.AVX512} {
		for tile := 1; tile <= maxTile; tile++ {
			forwardFunc(s, tile)
		}
		copyFunc(s)
		for _, l := range gradLoops {
			gradFunc(s, l)
		}
	}
	Generate()
}
