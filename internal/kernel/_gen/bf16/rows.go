package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

// rows is a function of rows of bfloat16, 32 columns at a time with AVX-512
// and 16 with AVX2. Those that are left are not its own.
type rows struct {
	*simd.ISA
	name, dst string
}

func (r rows) emit() {
	to, from, columns, count := reg.RDI, reg.RSI, reg.RBX, reg.RCX
	toGap, fromGap, factors := reg.R8, reg.R9, reg.R10
	rowTo, rowFrom, total := reg.R11, reg.R12, reg.R13
	name := r.name + r.Name
	params := "func(dst *" + r.dst + ", dstStride int, src *uint16, srcStride int, rows int, n int"
	switch r.name {
	case "scaleRows":
		params += ", factors *float32"
	case "sumRows":
		params = "func(dst *float32, src *uint16, srcStride int, rows int, n int"
	}
	TEXT(name, attr.NOSPLIT, params+")")
	Pragma("noescape")
	width := 2 * r.Lanes
	Doc(name + " works on rows of n columns, a multiple of " + map[int]string{32: "32", 16: "16"}[width] + ". Distances are in bytes.")
	Load(Param("dst"), to)
	Load(Param("src"), from)
	Load(Param("srcStride"), fromGap)
	Load(Param("rows"), total)
	Load(Param("n"), columns)
	if r.name != "sumRows" {
		Load(Param("dstStride"), toGap)
	}
	if r.name == "scaleRows" {
		Load(Param("factors"), factors)
	}
	v, k := r.V, 4 // registers of what belongs to the columns: k and k+1
	Label("columns")
	for i := range 2 {
		switch r.name {
		case "scaleRows":
			VMOVUPS(Mem{Base: factors, Disp: r.Bytes() * i}, v(k+i))
		case "sumRows":
			VMOVUPS(Mem{Base: to, Disp: r.Bytes() * i}, v(k+i))
		}
	}
	MOVQ(to, rowTo)
	MOVQ(from, rowFrom)
	MOVQ(total, count)
	Label("row")
	for i := range 2 {
		VPMOVZXWD(Mem{Base: rowFrom, Disp: r.Bytes() / 2 * i}, v(i))
		VPSLLD(U8(16), v(i), v(i))
	}
	switch r.name {
	case "widen":
		for i := range 2 {
			VMOVUPS(v(i), Mem{Base: rowTo, Disp: r.Bytes() * i})
		}
	case "sumRows":
		for i := range 2 {
			VADDPS(v(i), v(k+i), v(k+i))
		}
	case "scaleRows":
		for i := range 2 {
			VMULPS(v(k+i), v(i), v(i))
		}
		if r.Wide() {
			round2(v(0), v(1), v(2))
			VMOVDQU16(v(2), Mem{Base: rowTo})
		} else {
			roundWords(v(0), v(1), v(2), v(3), v(6), v(7))
			VMOVDQU(v(2), Mem{Base: rowTo})
		}
	}
	if r.name != "sumRows" {
		ADDQ(toGap, rowTo)
	}
	ADDQ(fromGap, rowFrom)
	DECQ(count)
	JNZ(LabelRef("row"))
	if r.name == "sumRows" {
		for i := range 2 {
			VMOVUPS(v(k+i), Mem{Base: to, Disp: r.Bytes() * i})
		}
	}
	step := 2 * r.Bytes()
	if r.dst == "uint16" {
		ADDQ(U32(uint32(step/2)), to)
		ADDQ(U32(uint32(step)), factors)
	} else {
		ADDQ(U32(uint32(step)), to)
	}
	ADDQ(U32(uint32(step/2)), from)
	SUBQ(U32(uint32(width)), columns)
	JNZ(LabelRef("columns"))
	VZEROUPPER()
	RET()
}
