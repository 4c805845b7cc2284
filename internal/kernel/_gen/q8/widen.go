package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// widen emits floats of codes less a zero point, 16 channels of each pixel.
func widen() {
	TEXT("widenAVX2", attr.NOSPLIT, "func(dst *float32, dstStride int, src *uint8, srcStride int, pixels int, zero int32)")
	Pragma("noescape")
	Doc("widenAVX2 makes floats of 16 codes of each pixel, less a zero point. Distances are in bytes.")
	Load(Param("dst"), rowDst)
	Load(Param("src"), rowSrc)
	Load(Param("pixels"), rowCount)
	Load(Param("dstStride"), rowLen)
	Load(Param("srcStride"), rowMul)
	Load(Param("zero"), rowTmp.As32())
	VMOVD(rowTmp.As32(), reg.X15)
	VPBROADCASTD(reg.X15, y(15))
	Label("loop")
	for i := range 2 {
		VPMOVZXBD(Mem{Base: rowSrc, Disp: 8 * i}, y(i))
		VPSUBD(y(15), y(i), y(i))
		VCVTDQ2PS(y(i), y(i))
		VMOVUPS(y(i), Mem{Base: rowDst, Disp: 32 * i})
	}
	ADDQ(rowLen, rowDst)
	ADDQ(rowMul, rowSrc)
	DECQ(rowCount)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// narrow emits the codes of sums that are floats, 16 channels of each pixel.
func narrow() {
	TEXT("narrowAVX2", attr.NOSPLIT, gemmSignature)
	Pragma("noescape")
	Doc("narrowAVX2 makes codes of sums of 16 channels that are whole numbers in float32, at src.")
	stack := AllocLocal(64)
	Load(Param("a"), args)
	MOVQ(gemmWords.At(args, "rows"), rows)
	Load(Param("src"), src)
	MOVQ(gemmWords.At(args, "srcStride"), weight)
	Load(Param("consts"), consts)
	Load(Param("dst"), dst)
	MOVQ(gemmWords.At(args, "dstStride"), dstStride)
	Load(Param("table"), table)
	XORQ(add, add)
	for _, n := range []int{2, 1} {
		label := fmt.Sprintf("rows%d", n)
		Label(label)
		CMPQ(rows, U8(uint8(n)))
		JLT(LabelRef(label + "_end"))
		b := block2{label: label + "_0", n: 2 * n}
		for i := range 2 * n {
			b.v[i] = y(i)
			VCVTPS2DQ(Mem{Base: src, Disp: 32 * (i % 2)}, y(i))
			VPADDD(Mem{Base: consts, Disp: constBias + 32*(i%2)}, y(i), y(i))
			if i%2 == 1 {
				ADDQ(weight, src)
			}
		}
		b.values()
		b.store(stack)
		SUBQ(U8(uint8(n)), rows)
		JMP(LabelRef(label))
		Label(label + "_end")
	}
	VZEROUPPER()
	RET()
}
