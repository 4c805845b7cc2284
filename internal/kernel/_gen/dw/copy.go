package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

// copyFunc writes the function that copies a block of channels.
func copyFunc(s *simd.ISA) {
	TEXT("dwCopy"+s.Name, attr.NOSPLIT, "func(dst, src *float32, rows, cols, srcPix, srcRow, lanes int)")
	Pragma("noescape")
	Doc("dwCopy"+s.Name+" copies lanes channels of rows×cols pixels, to blocks of 16 channels",
		"filled up with zeros. Distances are in bytes.")
	dst, src, rows, cols, pix, row := reg.RDI, reg.RSI, reg.RBX, reg.RCX, reg.R8, reg.R9
	n, t, from := reg.RAX, reg.RDX, reg.R10
	Load(Param("dst"), dst)
	Load(Param("src"), src)
	Load(Param("rows"), rows)
	Load(Param("srcPix"), pix)
	Load(Param("srcRow"), row)
	Load(Param("lanes"), n)

	vectors := 16 / s.Lanes
	var masks [2]simd.Mask
	for v := range vectors {
		// Lanes of this vector: the rest, between 0 and all.
		Load(Param("lanes"), n)
		SUBQ(Imm(uint64(v*s.Lanes)), n)
		XORL(t.As32(), t.As32())
		TESTQ(n, n)
		CMOVQLT(t, n)
		MOVQ(U32(uint32(s.Lanes)), t)
		CMPQ(n, t)
		CMOVQGT(t, n)
		masks[v] = s.TailMask(n, t, s.V(14+v), reg.K1)
	}
	Label("row")
	MOVQ(src, from)
	Load(Param("cols"), cols)
	Label("pixel")
	for v := range vectors {
		s.Load(Mem{Base: from, Disp: v * s.Bytes()}, masks[v], s.V(v))
		VMOVUPS(s.V(v), Mem{Base: dst, Disp: v * s.Bytes()})
	}
	ADDQ(pix, from)
	ADDQ(U8(64), dst)
	DECQ(cols)
	JNZ(LabelRef("pixel"))
	ADDQ(row, src)
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}
