package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

// gemmWords are the fields of struct gemmArgs. dstAt and addAt are where the
// next row goes, and its residual comes from; the last are those of the tile
// registers.
var gemmWords = simd.Words{
	"dstStride", "srcStride", "rows", "panel", "quads", "addStride", "addZero", "addMul", "mask", "dstAt", "addAt",
	"blocks", "half", "steps", "step",
}

// gemmSignature is that of products. What the pointers point to must not escape,
// as it would through a struct.
const gemmSignature = "func(dst *uint8, src *uint8, w *int8, consts *int32, table *uint8, add *uint8, a *int)"

// gemm is a product of rows with one or two panels of weights.
type gemm struct {
	panels int
	floats bool // results are the sums times their factors
}

// Registers of the products.
var (
	args             = reg.RAX
	dst, src, weight = reg.RDI, reg.RSI, reg.RDX
	quads            = reg.RCX
	rows             = reg.RBX
	strides          = map[int]reg.GPPhysical{1: reg.R8, 3: reg.R9, 5: reg.R10, 7: reg.R11}
	bases            = []reg.GPPhysical{reg.R12, reg.R13, reg.R14, reg.R15} // of every ninth row
	consts           = reg.R8                                               // in the epilogue
	dstStride        = reg.R9
	table            = reg.R10
	add              = reg.R11
	addStride        = reg.R12
	tmp              = reg.R13
)

// emit writes the function, with tiles of so many rows.
func (g gemm) emit(name, doc string, tiles []int) {
	TEXT(name, attr.NOSPLIT, gemmSignature)
	Pragma("noescape")
	Doc(name + " " + doc)
	Load(Param("a"), args)
	MOVQ(gemmWords.At(args, "rows"), rows)
	Load(Param("src"), src)
	for _, name := range []string{"dst", "add"} {
		Load(Param(name), tmp)
		MOVQ(tmp, gemmWords.At(args, name+"At"))
	}
	MOVQ(gemmWords.At(args, "mask"), tmp)
	KMOVQ(tmp, reg.K1)
	SHRQ(U8(16), tmp)
	KMOVQ(tmp, reg.K2)
	for _, n := range tiles {
		label := fmt.Sprintf("rows%d", n)
		Label(label)
		CMPQ(rows, U32(uint32(n)))
		JLT(LabelRef(label + "_end"))
		g.tile(label, n)
		SUBQ(U32(uint32(n)), rows)
		JMP(LabelRef(label))
		Label(label + "_end")
	}
	VZEROUPPER()
	RET()
}

// rowAt returns the first inputs of a row of a tile.
func rowAt(row int) Mem {
	base, r := bases[row/9], row%9
	for odd, reg := range strides {
		for _, scale := range []uint8{1, 2, 4, 8} {
			if odd*int(scale) == r {
				return Mem{Base: base, Index: reg, Scale: scale}
			}
		}
	}
	return Mem{Base: base}
}

// sum returns the register of the sums of a panel of a row.
func (g gemm) sum(row, panel int) reg.VecPhysical { return z(row*g.panels + panel) }

// tile emits the product of n rows.
func (g gemm) tile(label string, n int) {
	MOVQ(gemmWords.At(args, "srcStride"), strides[1])
	for _, odd := range []int{3, 5, 7} {
		if n > odd {
			LEAQ(Mem{Base: strides[max(1, odd-4)], Index: strides[1], Scale: uint8(min(odd-1, 4))}, strides[odd])
		}
	}
	MOVQ(src, bases[0])
	for i := 1; 9*i < n; i++ {
		LEAQ(Mem{Base: bases[i-1], Index: strides[1], Scale: 8}, bases[i])
		ADDQ(strides[1], bases[i])
	}
	Load(Param("consts"), quads)
	for p := range g.panels {
		VMOVDQU32(Mem{Base: quads, Disp: constBias + 64*p}, g.sum(0, p))
	}
	for r := 1; r < n; r++ {
		for p := range g.panels {
			VMOVDQA32(g.sum(0, p), g.sum(r, p))
		}
	}
	Load(Param("w"), weight)
	second := Mem{Base: weight}
	MOVQ(gemmWords.At(args, "quads"), quads)
	if g.panels == 2 {
		MOVQ(gemmWords.At(args, "panel"), dst)
		second = Mem{Base: weight, Index: dst, Scale: 1}
	}
	Label(label + "_k")
	VMOVDQU32(Mem{Base: weight}, z(28))
	if g.panels == 2 {
		VMOVDQU32(second, z(29))
	}
	for r := range n {
		x := z(30 + r%2)
		VPBROADCASTD(rowAt(r), x)
		for p := range g.panels {
			VPDPBUSD(z(28+p), x, g.sum(r, p))
		}
	}
	for i := 0; 9*i < n; i++ {
		ADDQ(U8(4), bases[i])
	}
	ADDQ(U8(64), weight)
	DECQ(quads)
	JNZ(LabelRef(label + "_k"))
	MOVQ(gemmWords.At(args, "srcStride"), tmp)
	IMUL3Q(U32(uint32(n)), tmp, tmp)
	ADDQ(tmp, src)
	g.epilogue(label, n)
}
