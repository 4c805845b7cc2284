package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// band interleaves three rows of an image of three channels. Each store is of
// four values, the fourth of which the next one replaces, so that neither the
// last read nor the last write may be at the end of anything.
func band(name, element string, size int) {
	TEXT(name, attr.NOSPLIT, "func(dst *float32, row0, row1, row2 *"+element+", n int)")
	Pragma("noescape")
	Doc(name+" writes, for each of n pixels, its three channels in each of three",
		"rows. It reads one element, and writes one, beyond the last.")
	dst, n := reg.RDI, reg.RCX
	rows := []reg.GPPhysical{reg.RAX, reg.RBX, reg.RDX}
	Load(Param("dst"), dst)
	for i, p := range []string{"row0", "row1", "row2"} {
		Load(Param(p), rows[i])
	}
	Load(Param("n"), n)
	Label("pixel")
	v := []reg.VecPhysical{reg.X0, reg.X1, reg.X2}
	for i, r := range rows {
		if size == 1 {
			VPMOVZXBD(Mem{Base: r}, v[i])
			VCVTDQ2PS(v[i], v[i])
		} else {
			VMOVUPS(Mem{Base: r}, v[i])
		}
		ADDQ(U32(uint32(3*size)), r)
	}
	for i := range rows {
		VMOVUPS(v[i], Mem{Base: dst, Disp: 12 * i})
	}
	ADDQ(U32(36), dst)
	DECQ(n)
	JNZ(LabelRef("pixel"))
	RET()
}
