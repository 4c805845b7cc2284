package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

const (
	panelBytes = 64  // a row of a packed panel: 16 columns
	rowBytes   = 128 // a row of the products: 32 columns
	unroll     = 4   // steps of the reduction in a round of the loop
)

// Further registers of product.
var (
	dst    = reg.RDI
	rows   = reg.R13
	panel  = reg.RBX
	source = reg.RCX
	count  = reg.R11
	factor = reg.RAX
	ahead  = reg.R12 // what to prefetch next
	limit  = reg.R14 // and where to stop
)

// product emits the product of rows tiles with one panel.
//
// There are so few rows, and each panel is used for so short a time, that
// reading the panels from afar takes as long as multiplying: the next one is
// requested early, at twice the rate that a large product needs.
func product(s *simd.ISA) {
	TEXT("winogradProduct"+s.Name, attr.NOSPLIT, "func(dst *float32, src *float32, srcStride int, rows int, b *float32, k int)")
	Pragma("noescape")
	Doc("winogradProduct"+s.Name+" multiplies rows rows of src, srcStride bytes apart, with a",
		"panel of 16 columns and writes them to rows of 32.")
	Load(Param("dst"), dst)
	Load(Param("src"), source)
	Load(Param("srcStride"), step)
	Load(Param("rows"), rows)
	Load(Param("b"), panel)
	Load(Param("k"), limit)
	SHLQ(U8(6), limit)
	LEAQ(Mem{Base: panel, Index: limit, Scale: 1}, ahead)
	ADDQ(ahead, limit)
	LEAQ(Mem{Base: step, Index: step, Scale: 2}, step3)
	LEAQ(Mem{Base: step, Index: step, Scale: 4}, step5)
	for n := 6; n >= 1; n-- {
		label := func(l string) string { return fmt.Sprintf("r%d_%s", n, l) }
		Label(label("start"))
		CMPQ(rows, U32(uint32(n)))
		JLT(LabelRef(label("end")))
		productTile(s, n, label)
		if n == 6 {
			JMP(LabelRef(label("start")))
		}
		Label(label("end"))
	}
	VZEROUPPER()
	RET()
}

// productTile emits the product of n rows.
func productTile(s *simd.ISA, n int, label func(string) string) {
	sum := func(row, vec int) reg.VecPhysical { return s.V(2*row + vec) }
	b := [2]reg.VecPhysical{s.V(12), s.V(13)}
	for row := range n {
		s.Zero(sum(row, 0))
		s.Zero(sum(row, 1))
	}
	MOVQ(source, factor)
	MOVQ(panel, run)
	products := func(j int) {
		for v := range b {
			VMOVUPS(Mem{Base: run, Disp: j*panelBytes + v*s.Bytes()}, b[v])
		}
		for row := range n {
			m := position(row)
			m.Base, m.Disp = factor, 4*j
			a := s.V(14 + row%2)
			VBROADCASTSS(m, a)
			for v := range b {
				VFMADD231PS(b[v], a, sum(row, v))
			}
		}
	}
	Load(Param("k"), count)
	SUBQ(U8(unroll), count)
	JLT(LabelRef(label("rest")))
	Label(label("loop"))
	for j := range unroll {
		if j%2 == 0 {
			PREFETCHT1(Mem{Base: ahead, Disp: j / 2 * panelBytes})
		}
		products(j)
	}
	ADDQ(U8(2*panelBytes), ahead)
	CMPQ(ahead, limit)
	CMOVQGT(limit, ahead)
	ADDQ(U8(4*unroll), factor)
	ADDQ(U32(panelBytes*unroll), run)
	SUBQ(U8(unroll), count)
	JGE(LabelRef(label("loop")))
	Label(label("rest"))
	ADDQ(U8(unroll), count)
	JZ(LabelRef(label("done")))
	Label(label("single"))
	products(0)
	ADDQ(U8(4), factor)
	ADDQ(U8(panelBytes), run)
	DECQ(count)
	JNZ(LabelRef(label("single")))
	Label(label("done"))
	for row := range n {
		for v := range b {
			VMOVUPS(sum(row, v), Mem{Base: dst, Disp: row*rowBytes + v*s.Bytes()})
		}
	}
	ADDQ(U32(uint32(n*rowBytes)), dst)
	IMUL3Q(U8(uint8(n)), step, factor)
	ADDQ(factor, source)
	SUBQ(U8(uint8(n)), rows)
}
