package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// scaleWeights emits the product of packed weights with a factor for each input.
func scaleWeights() {
	TEXT("scaleWeightsAVX512", attr.NOSPLIT, "func(dst *uint16, src *uint16, factors *float32, pairs int)")
	Pragma("noescape")
	Doc("scaleWeightsAVX512 multiplies the weights of pairs of inputs for 16 outputs.")
	to, from, factors, left := reg.RDI, reg.RSI, reg.RDX, reg.RCX
	Load(Param("dst"), to)
	Load(Param("src"), from)
	Load(Param("factors"), factors)
	Load(Param("pairs"), left)
	Label("loop")
	VBROADCASTSD(Mem{Base: factors}, z(2))
	for i := range 2 {
		VPMOVZXWD(Mem{Base: from, Disp: 32 * i}, z(i))
		VPSLLD(U8(16), z(i), z(i))
		VMULPS(z(2), z(i), z(i))
	}
	round2(z(0), z(1), z(0))
	VMOVDQU16(z(0), Mem{Base: to})
	ADDQ(U8(8), factors)
	ADDQ(U8(64), from)
	ADDQ(U8(64), to)
	DECQ(left)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
