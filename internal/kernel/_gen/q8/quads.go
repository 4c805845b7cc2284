package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

// quadWords are the fields of struct quadArgs. The last two are where the image
// and its border lie.
var quadWords = simd.Words{"pix", "row", "first", "height", "quads", "before", "inside", "after", "srcAt", "borderAt"}

// quadOrder returns the order of the bytes of four pixels of 16 channels in
// which those of a channel are neighbours.
func quadOrder() Mem {
	return global("quadOrder", func() {
		for i := range 64 {
			DATA(i, U8(uint8(i%4*16+i/4)))
		}
	})
}

// layQuads emits the layout of rows of 16 channels in quads.
func layQuads() {
	TEXT("quadsVNNI", attr.NOSPLIT, "func(dst *uint8, src *uint8, border *uint8, a *int)")
	Pragma("noescape")
	Doc("quadsVNNI lays out rows of 16 channels in quads, with a border around the image.")
	a, to, left, columns := reg.RAX, reg.RDI, reg.RBX, reg.RCX
	at := []reg.GPPhysical{reg.R8, reg.R9, reg.R10, reg.R11}
	step := []reg.GPPhysical{reg.R12, reg.R13, reg.R14, reg.R15}
	row, tmp := reg.RDX, reg.RSI
	Load(Param("a"), a)
	Load(Param("dst"), to)
	Load(Param("src"), tmp)
	MOVQ(tmp, quadWords.At(a, "srcAt"))
	MOVQ(quadWords.At(a, "quads"), left)
	MOVQ(quadWords.At(a, "first"), row)
	VMOVDQU64(quadOrder(), z(31))
	Load(Param("border"), tmp)
	MOVQ(tmp, quadWords.At(a, "borderAt"))
	VPBROADCASTB(Mem{Base: tmp}, z(30))
	Label("quad")
	for i := range 4 {
		// Rows outside the image are the border, again and again.
		MOVQ(row, at[i])
		IMULQ(quadWords.At(a, "row"), at[i])
		ADDQ(quadWords.At(a, "srcAt"), at[i])
		MOVQ(quadWords.At(a, "pix"), step[i])
		XORQ(tmp, tmp)
		CMPQ(row, quadWords.At(a, "height"))
		CMOVQCC(quadWords.At(a, "borderAt"), at[i])
		CMOVQCC(tmp, step[i])
		INCQ(row)
	}
	border(a, "before", to, columns)
	MOVQ(quadWords.At(a, "inside"), columns)
	TESTQ(columns, columns)
	JLE(LabelRef("inside_end"))
	Label("inside")
	VMOVDQU(Mem{Base: at[0]}, reg.X0)
	for i := 1; i < 4; i++ {
		VINSERTI32X4(U8(uint8(i)), Mem{Base: at[i]}, z(0), z(0))
	}
	VPERMB(z(0), z(31), z(0))
	VMOVDQU64(z(0), Mem{Base: to})
	for i := range 4 {
		ADDQ(step[i], at[i])
	}
	ADDQ(U8(64), to)
	DECQ(columns)
	JNZ(LabelRef("inside"))
	Label("inside_end")
	border(a, "after", to, columns)
	DECQ(left)
	JNZ(LabelRef("quad"))
	VZEROUPPER()
	RET()
}

// border emits columns outside the image.
func border(a reg.GPPhysical, name string, to, columns reg.GPPhysical) {
	label := fmt.Sprintf("%s_end", name)
	MOVQ(quadWords.At(a, name), columns)
	TESTQ(columns, columns)
	JLE(LabelRef(label))
	Label(name)
	VMOVDQU64(z(30), Mem{Base: to})
	ADDQ(U8(64), to)
	DECQ(columns)
	JNZ(LabelRef(name))
	Label(label)
}
