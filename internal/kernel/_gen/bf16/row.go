package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// row emits 16 columns of a row with AVX2.
func (f finisher) row(label string) {
	x := []reg.VecPhysical{y(0), y(1)}
	for i, v := range x {
		VMOVUPS(Mem{Base: rowSrc, Disp: 32 * i}, v)
	}
	f.Zero(y(2))
	f.Zero(y(3))
	TESTQ(finBias, finBias)
	JZ(LabelRef(label + "_nobias"))
	for i := range x {
		VMOVUPS(Mem{Base: finBias, Disp: 32 * i}, y(2+i))
	}
	Label(label + "_nobias")
	for i, v := range x {
		VADDPS(y(2+i), v, v)
	}
	TESTQ(finAdd, finAdd)
	JZ(LabelRef(label + "_noadd"))
	for i, v := range x {
		VPMOVZXWD(Mem{Base: rowAdd, Disp: 16 * i}, y(2))
		VPSLLD(U8(16), y(2), y(2))
		VADDPS(y(2), v, v)
	}
	Label(label + "_noadd")
	f.activate2(x)
	TESTQ(finSums, finSums)
	JZ(LabelRef(label + "_nosums"))
	for i, v := range x {
		m := Mem{Base: finSums, Disp: 32 * i}
		VADDPS(m, v, y(2))
		VMOVUPS(y(2), m)
	}
	Label(label + "_nosums")
	CMPQ(finishWords.At(finArgs, "floats"), U8(0))
	JNE(LabelRef(label + "_floats"))
	roundWords(x[0], x[1], y(2), y(3), y(4), y(5))
	VMOVDQU(y(2), Mem{Base: rowDst})
	JMP(LabelRef(label + "_stored"))
	Label(label + "_floats")
	for i, v := range x {
		VMOVUPS(v, Mem{Base: rowDst, Disp: 32 * i})
	}
	Label(label + "_stored")
}
