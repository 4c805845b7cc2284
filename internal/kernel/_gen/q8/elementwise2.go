package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

// stream2 is a function that goes through 32 and then 8 codes of a row after
// the other, in registers of eight floats. Those that are left are not its own.
type stream2 struct {
	name, doc string
	params    string // further ones
	two       bool
	setup     func()
	step      func(i int, v reg.VecPhysical) // sets v to value i of eight
	finish    func(v reg.VecPhysical)        // of the codes
}

func (s stream2) emit() {
	second := ""
	if s.two {
		second = "src2 *uint8, src2Stride int, "
	}
	TEXT(s.name, attr.NOSPLIT, "func(dst *uint8, dstStride int, src *uint8, srcStride int, "+second+"n int, rows int"+s.params+")")
	Pragma("noescape")
	Doc(s.name + " " + s.doc + " n is a multiple of 8.")
	Load(Param("dst"), rowDst)
	Load(Param("src"), rowSrc)
	if s.two {
		Load(Param("src2"), rowSrc2)
	}
	Load(Param("n"), rowLen)
	Load(Param("rows"), rowCount)
	s.setup()
	Label("row")
	XORQ(rowOff, rowOff)
	MOVQ(rowLen, rowLeft)
	for _, n := range []int{4, 1} {
		label := fmt.Sprintf("loop%d", n)
		SUBQ(U8(uint8(8*n)), rowLeft)
		JLT(LabelRef(label + "_end"))
		Label(label)
		for i := range n {
			s.step(i, y(i))
		}
		s.rounded(n)
		ADDQ(U8(uint8(8*n)), rowOff)
		SUBQ(U8(uint8(8*n)), rowLeft)
		JGE(LabelRef(label))
		Label(label + "_end")
		ADDQ(U8(uint8(8*n)), rowLeft)
	}
	advance("dstStride", rowDst)
	advance("srcStride", rowSrc)
	if s.two {
		advance("src2Stride", rowSrc2)
	}
	DECQ(rowCount)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// zero2 and order2 are registers of the zero point, as words, and of
// packedOrder2.
var zero2, order2 = y(15), y(14)

// rounded stores the codes of n vectors.
func (s stream2) rounded(n int) {
	for i := range n {
		VCVTPS2DQ(y(i), y(i))
	}
	if n == 1 {
		VPACKSSDW(y(0), y(0), y(0))
		VPADDSW(zero2, y(0), y(0))
		VPACKUSWB(y(0), y(0), y(0))
	} else {
		VPACKSSDW(y(1), y(0), y(0))
		VPACKSSDW(y(3), y(2), y(2))
		VPADDSW(zero2, y(0), y(0))
		VPADDSW(zero2, y(2), y(2))
		VPACKUSWB(y(2), y(0), y(0))
	}
	if s.finish != nil {
		s.finish(y(0))
	}
	VPERMD(y(0), order2, y(0))
	if n == 1 {
		VMOVQ(y(0).AsX(), Mem{Base: rowDst, Index: rowOff, Scale: 1})
		return
	}
	VMOVDQU(y(0), Mem{Base: rowDst, Index: rowOff, Scale: 1})
}

// broadcast2 sets the lanes of v to a parameter.
func broadcast2(param string, v reg.VecPhysical) {
	p, err := Param(param).Resolve()
	if err != nil {
		panic(err)
	}
	switch p.Type.String() {
	case "uint8":
		Load(Param(param), rowTmp.As8())
		VMOVD(rowTmp.As32(), v.AsX())
		VPBROADCASTB(v.AsX(), v)
	case "int16":
		Load(Param(param), rowTmp.As16())
		VMOVD(rowTmp.As32(), v.AsX())
		VPBROADCASTW(v.AsX(), v)
	case "float32":
		MOVL(p.Addr, rowTmp.As32())
		VMOVD(rowTmp.As32(), v.AsX())
		VPBROADCASTD(v.AsX(), v)
	default:
		Load(Param(param), rowTmp.As32())
		VMOVD(rowTmp.As32(), v.AsX())
		VPBROADCASTD(v.AsX(), v)
	}
}

// values2 sets v to eight codes, less zero, as floats.
func values2(base reg.GPPhysical, i int, zero, v reg.VecPhysical) {
	VPMOVZXBD(Mem{Base: base, Index: rowOff, Scale: 1, Disp: 8 * i}, v)
	VPSUBD(zero, v, v)
	VCVTDQ2PS(v, v)
}

func emitElementwise2() {
	scaleRows2().emit()
	addRows2().emit()
	quantize2().emit()
	dequantize2()
	sumRows2()
}

func scaleRows2() stream2 {
	return stream2{
		name: "scaleRowsAVX2", doc: "multiplies channels of codes by factors.",
		params: ", mul *float32, srcZero int32, zero int16",
		setup: func() {
			Load(Param("mul"), rowMul)
			broadcast2("srcZero", y(13))
			broadcast2("zero", zero2)
			VMOVDQU(packedOrder2(), order2)
		},
		step: func(i int, v reg.VecPhysical) {
			values2(rowSrc, i, y(13), v)
			VMULPS(Mem{Base: rowMul, Index: rowOff, Scale: 4, Disp: 32 * i}, v, v)
		},
	}
}

func addRows2() stream2 {
	return stream2{
		name: "addRowsAVX2", doc: "adds codes.", two: true,
		params: ", aZero int32, bZero int32, aMul float32, bMul float32, zero int16, lo uint8, hi uint8",
		setup: func() {
			for i, name := range []string{"aZero", "bZero", "aMul", "bMul", "lo", "hi"} {
				broadcast2(name, y(8+i))
			}
			broadcast2("zero", zero2)
			VMOVDQU(packedOrder2(), order2)
		},
		step: func(i int, v reg.VecPhysical) {
			values2(rowSrc, i, y(8), v)
			values2(rowSrc2, i, y(9), y(4+i))
			VMULPS(y(10), v, v)
			VMULPS(y(11), y(4+i), y(4+i))
			VADDPS(y(4+i), v, v)
		},
		finish: func(v reg.VecPhysical) {
			VPMAXUB(y(12), v, v)
			VPMINUB(y(13), v, v)
		},
	}
}

// quantize2 is a stream whose source are floats: four bytes for each code.
func quantize2() stream2 {
	return stream2{
		name: "quantizeAVX2", doc: "makes codes of floats, which src points to.",
		params: ", scale float32, zero int16",
		setup: func() {
			broadcast2("scale", y(13))
			broadcast2("zero", zero2)
			VMOVDQU(packedOrder2(), order2)
			VMOVUPS(simd.AVX2.Float(1<<20), y(12)) // beyond every code, and within int32
		},
		step: func(i int, v reg.VecPhysical) {
			VMOVUPS(Mem{Base: rowSrc, Index: rowOff, Scale: 4, Disp: 32 * i}, v)
			VDIVPS(y(13), v, v)
			VMINPS(v, y(12), v) // NaN stays what it is, and becomes the least integer
		},
	}
}

func dequantize2() {
	TEXT("dequantizeAVX2", attr.NOSPLIT, "func(dst *float32, src *uint8, n int, scale float32, zero int32)")
	Pragma("noescape")
	Doc("dequantizeAVX2 makes floats of a multiple of 8 codes.")
	Load(Param("dst"), rowDst)
	Load(Param("src"), rowSrc)
	Load(Param("n"), rowLeft)
	broadcast2("scale", y(13))
	broadcast2("zero", y(12))
	XORQ(rowOff, rowOff)
	Label("loop")
	values2(rowSrc, 0, y(12), y(0))
	VMULPS(y(13), y(0), y(0))
	VMOVUPS(y(0), Mem{Base: rowDst, Index: rowOff, Scale: 4})
	ADDQ(U8(8), rowOff)
	SUBQ(U8(8), rowLeft)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// sumRows2 adds up the rows of each channel, as words until the end.
func sumRows2() {
	TEXT("sumRowsAVX2", attr.NOSPLIT, "func(sums *int32, src *uint8, srcStride int, n int, rows int)")
	Pragma("noescape")
	Doc("sumRowsAVX2 adds up to 256 rows of codes to the sums of n channels, a multiple of 16.")
	Load(Param("sums"), rowDst)
	Load(Param("n"), rowLen)
	Load(Param("src"), rowSrc2)
	Load(Param("srcStride"), rowMul)
	Label("block")
	MOVQ(rowSrc2, rowSrc)
	Load(Param("rows"), rowCount)
	VPXOR(y(0), y(0), y(0))
	Label("row")
	VPMOVZXBW(Mem{Base: rowSrc}, y(1))
	VPADDW(y(1), y(0), y(0))
	ADDQ(rowMul, rowSrc)
	DECQ(rowCount)
	JNZ(LabelRef("row"))
	VEXTRACTI128(U8(1), y(0), y(1).AsX())
	for i := range 2 {
		m := Mem{Base: rowDst, Disp: 32 * i}
		VPMOVZXWD(y(i).AsX(), y(i))
		VPADDD(m, y(i), y(i))
		VMOVDQU(y(i), m)
	}
	ADDQ(U8(16), rowSrc2)
	ADDQ(U8(64), rowDst)
	SUBQ(U8(16), rowLen)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}
