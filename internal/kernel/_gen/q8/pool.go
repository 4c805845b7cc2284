package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// maxRows emits the maximum of rows of codes.
func maxRows() {
	TEXT("maxRowsAVX2", attr.NOSPLIT, "func(dst *uint8, dstStride int, src *uint8, srcStride int, n int, rows int)")
	Pragma("noescape")
	Doc("maxRowsAVX2 raises the codes of dst to those of src, n of each row, a multiple of 16.")
	Load(Param("dst"), rowDst)
	Load(Param("src"), rowSrc)
	Load(Param("n"), rowLen)
	Load(Param("rows"), rowCount)
	Label("row")
	XORQ(rowOff, rowOff)
	Label("loop")
	VMOVDQU(at(rowSrc, 0), reg.X0)
	VPMAXUB(at(rowDst, 0), reg.X0, reg.X0)
	VMOVDQU(reg.X0, at(rowDst, 0))
	ADDQ(U8(16), rowOff)
	CMPQ(rowOff, rowLen)
	JLT(LabelRef("loop"))
	advance("dstStride", rowDst)
	advance("srcStride", rowSrc)
	DECQ(rowCount)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}
