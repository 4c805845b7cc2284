// Command strassen generates the assembly of the sums in Strassen's product.
package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

func main() {
	ConstraintExpr("amd64,!purego")
	sums(simd.AVX2)
	sums(simd.AVX512)
	Generate()
}

// sums emits the sums of the quarters of a matrix.
func sums(s *simd.ISA) {
	name := "strassenSums" + s.Name
	TEXT(name, attr.NOSPLIT, "func(dst *float32, dstStride int, dstNext int, src *float32, srcStride int, right int, below int, rows int, n int)")
	Pragma("noescape")
	Doc(name+" computes the four sums of the quarters of rows of a matrix, n elements,",
		"a multiple of 16, from each quarter. Distances are in bytes: right and below those",
		"between quarters, dstNext that between the sums.")
	dst, next, src, right, below := reg.RDI, reg.R8, reg.RSI, reg.R9, reg.R10
	rows, n, off := reg.RBX, reg.RCX, reg.RAX
	to, third, corner := reg.R11, reg.R12, reg.R13
	stride := reg.RDX
	Load(Param("dst"), dst)
	Load(Param("dstNext"), next)
	Load(Param("src"), src)
	Load(Param("right"), right)
	Load(Param("below"), below)
	Load(Param("rows"), rows)
	ADDQ(src, right)
	LEAQ(Mem{Base: right, Index: below, Scale: 1}, corner)
	ADDQ(src, below)
	Label("row")
	Load(Param("n"), n)
	XORQ(off, off)
	MOVQ(dst, to)
	LEAQ(Mem{Base: dst, Index: next, Scale: 2}, third)
	Label("vector")
	a := func(base reg.GPPhysical) Mem { return Mem{Base: base, Index: off, Scale: 1} }
	a11, a12, a21, s1 := s.V(0), s.V(1), s.V(2), s.V(3)
	VMOVUPS(a(src), a11)
	VMOVUPS(a(right), a12)
	VMOVUPS(a(below), a21)
	VADDPS(a(corner), a21, s1)
	VSUBPS(a21, a11, a21) // S3
	VMOVUPS(s1, Mem{Base: to})
	VMOVUPS(a21, Mem{Base: third})
	VSUBPS(a11, s1, s1) // S2
	VMOVUPS(s1, Mem{Base: to, Index: next, Scale: 1})
	VSUBPS(s1, a12, a12) // S4
	VMOVUPS(a12, Mem{Base: third, Index: next, Scale: 1})
	ADDQ(U8(uint8(s.Bytes())), off)
	ADDQ(U8(uint8(s.Bytes())), to)
	ADDQ(U8(uint8(s.Bytes())), third)
	SUBQ(U8(uint8(s.Lanes)), n)
	JNZ(LabelRef("vector"))
	Load(Param("dstStride"), stride)
	ADDQ(stride, dst)
	Load(Param("srcStride"), stride)
	for _, r := range []reg.GPPhysical{src, right, below, corner} {
		ADDQ(stride, r)
	}
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}
