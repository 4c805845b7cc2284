// Command dw generates the assembly of the depthwise convolutions.
package main

import (
	. "github.com/mmcloughlin/avo/build"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

func main() {
	ConstraintExpr("amd64,!purego")
	for _, s := range []*simd.ISA{simd.AVX2, simd.AVX512} {
		for tile := 1; tile <= maxTile(s); tile++ {
			if !s.Wide() || tile <= 4 {
				forwardFunc(s, tile, false)
			}
			if s.Wide() {
				forwardFunc(s, tile, true)
			}
		}
		copyFunc(s)
		for _, l := range gradLoops {
			gradFunc(s, l)
		}
	}
	Generate()
}
