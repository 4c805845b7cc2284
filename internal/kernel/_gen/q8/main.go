// Command q8 generates the assembly of the kernels on 8-bit codes.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

func main() {
	ConstraintExpr("amd64,!purego")
	gemm{panels: 2}.emit("gemm32VNNI", "multiplies rows with the weights of up to 32 outputs.", []int{14, 7, 4, 2, 1})
	gemm{panels: 1}.emit("gemm16VNNI", "multiplies rows with the weights of up to 16 outputs.", []int{28, 14, 7, 4, 2, 1})
	gemm{panels: 2, floats: true}.emit("gemmFloatVNNI", "is gemm32VNNI with floats as results.", []int{4, 1})
	for _, g := range gemms2 {
		g.emit()
	}
	amx()
	inputWords()
	widen()
	narrow()
	layQuads()
	for _, d := range depthwises {
		d.emit()
	}
	emitElementwise()
	for _, s := range []*simd.ISA{simd.AVX2, simd.AVX512} {
		dense(s)
		sigmoid(s)
	}
	Generate()
	simd.WriteRaw()
}

// z returns vector register i.
func z(i int) reg.VecPhysical { return simd.AVX512.V(i) }

// consts are the offsets of the vectors of struct epilogueVectors.
const (
	constBias = 0
	constMul  = constBias + 128
	constZero = constMul + 128
	constLo   = constZero + 64
	constHi   = constLo + 64
)
