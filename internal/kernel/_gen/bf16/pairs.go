package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// pairRows emits the packing of rows of floats in panels, two rows at a time.
func pairRows() {
	panel, from, to, gap := reg.RDI, reg.RSI, reg.RDX, reg.R8
	panelGap, total, left, columns := reg.R9, reg.R10, reg.RCX, reg.RBX
	rowFrom, mask := reg.R11, reg.K1
	TEXT("pairRowsAVX512", attr.NOSPLIT, "func(panels *uint16, panelLen int, src *float32, srcStride int, pairs int, n int)")
	Pragma("noescape")
	Doc("pairRowsAVX512 rounds pairs of rows of n columns, and puts the two of a column side by side, 16",
		"columns to a panel. Distances are in bytes.")
	Load(Param("panels"), panel)
	Load(Param("panelLen"), panelGap)
	Load(Param("src"), from)
	Load(Param("srcStride"), gap)
	Load(Param("pairs"), total)
	Load(Param("n"), columns)
	Label("panel")
	MOVQ(U32(0xffff), left)
	CMPQ(columns, U8(16))
	JGE(LabelRef("whole"))
	MOVQ(columns, reg.RCX)
	MOVQ(U32(1), reg.RAX)
	SHLQ(reg.CL, reg.RAX)
	DECQ(reg.RAX)
	MOVQ(reg.RAX, left)
	Label("whole")
	KMOVW(left.As32(), mask)
	MOVQ(panel, to)
	MOVQ(from, rowFrom)
	MOVQ(total, left)
	Label("pair")
	VMOVUPS_Z(Mem{Base: rowFrom}, mask, z(0))
	VMOVUPS_Z(Mem{Base: rowFrom, Index: gap, Scale: 1}, mask, z(1))
	round1(z(0), z(0))
	round1(z(1), z(1))
	VPMOVZXWD(half(z(0)), z(0))
	VPMOVZXWD(half(z(1)), z(1))
	VPSLLD(U8(16), z(1), z(1))
	VPORD(z(0), z(1), z(0))
	VMOVDQU32(z(0), Mem{Base: to})
	ADDQ(U8(panelStep), to)
	LEAQ(Mem{Base: rowFrom, Index: gap, Scale: 2}, rowFrom)
	DECQ(left)
	JNZ(LabelRef("pair"))
	ADDQ(panelGap, panel)
	ADDQ(U8(panelStep), from)
	SUBQ(U8(16), columns)
	JG(LabelRef("panel"))
	VZEROUPPER()
	RET()
}
