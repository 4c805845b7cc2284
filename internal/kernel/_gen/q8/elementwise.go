package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Registers of loops over rows of codes.
var (
	rowDst, rowSrc, rowSrc2   = reg.RDI, reg.RSI, reg.RDX
	rowOff, rowLeft, rowCount = reg.RCX, reg.R8, reg.R9
	rowLen, rowMul, rowTmp    = reg.R10, reg.R11, reg.R12
	rowTable                  = reg.R13
	tailBytes                 = reg.K5
	tailParts                 = []reg.OpmaskPhysical{reg.K1, reg.K2, reg.K3, reg.K4}
)

// stream is a function that goes through 64 codes of a row after the other. Its
// parameters are dst and src, and src2 if it has two, with strides, n and rows.
type stream struct {
	name, doc string
	params    string // further ones
	two       bool
	setup     func()
	step      func(m codeMasks)
}

// codeMasks tells which of 64 codes there are.
type codeMasks struct {
	tail bool
	name string
}

func (s stream) emit() {
	second := ""
	if s.two {
		second = "src2 *uint8, src2Stride int, "
	}
	TEXT(s.name, attr.NOSPLIT, "func(dst *uint8, dstStride int, src *uint8, srcStride int, "+second+"n int, rows int"+s.params+")")
	Pragma("noescape")
	Doc(s.name + " " + s.doc)
	Load(Param("dst"), rowDst)
	Load(Param("src"), rowSrc)
	if s.two {
		Load(Param("src2"), rowSrc2)
	}
	Load(Param("n"), rowLen)
	Load(Param("rows"), rowCount)
	s.setup()
	MOVQ(rowLen, rowLeft)
	ANDQ(U8(63), rowLeft)
	MOVQ(I32(-1), rowTmp)
	BZHIQ(rowLeft, rowTmp, rowTmp)
	KMOVQ(rowTmp, tailBytes)
	for _, k := range tailParts {
		KMOVW(rowTmp.As32(), k)
		SHRQ(U8(16), rowTmp)
	}
	Label("row")
	XORQ(rowOff, rowOff)
	MOVQ(rowLen, rowLeft)
	SUBQ(U8(64), rowLeft)
	JLT(LabelRef("tail"))
	Label("loop")
	s.step(codeMasks{name: "full"})
	ADDQ(U8(64), rowOff)
	SUBQ(U8(64), rowLeft)
	JGE(LabelRef("loop"))
	Label("tail")
	ADDQ(U8(64), rowLeft)
	JZ(LabelRef("next"))
	s.step(codeMasks{tail: true, name: "tail"})
	Label("next")
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

func advance(stride string, at reg.GPPhysical) {
	Load(Param(stride), rowTmp)
	ADDQ(rowTmp, at)
}

// at returns part i, of 16, of the codes of an operand.
func at(base reg.GPPhysical, i int) Mem {
	return Mem{Base: base, Index: rowOff, Scale: 1, Disp: 16 * i}
}

// values sets v to 16 codes, less zero, as floats.
func (m codeMasks) values(base reg.GPPhysical, i int, zero, v reg.VecPhysical) {
	if m.tail {
		VPMOVZXBD_Z(at(base, i), tailParts[i], v)
	} else {
		VPMOVZXBD(at(base, i), v)
	}
	VPSUBD(zero, v, v)
	VCVTDQ2PS(v, v)
}

// floats sets v to factors of 16 channels.
func (m codeMasks) floats(base reg.GPPhysical, i int, v reg.VecPhysical) {
	f := Mem{Base: base, Index: rowOff, Scale: 4, Disp: 64 * i}
	if m.tail {
		VMOVUPS_Z(f, tailParts[i], v)
	} else {
		VMOVUPS(f, v)
	}
}

// store writes 64 codes.
func (m codeMasks) store(v reg.VecPhysical) {
	if m.tail {
		VMOVDQU8(v, tailBytes, at(rowDst, 0))
	} else {
		VMOVDQU64(v, at(rowDst, 0))
	}
}

// rounded sets the first of four vectors of floats to 64 codes, with a zero
// point, as words, added, and bounds.
func rounded(v [4]reg.VecPhysical, zero, lo, hi, order reg.VecPhysical) {
	for _, r := range v {
		VCVTPS2DQ(r, r)
	}
	VPACKSSDW(v[1], v[0], v[0])
	VPACKSSDW(v[3], v[2], v[2])
	VPADDSW(zero, v[0], v[0])
	VPADDSW(zero, v[2], v[2])
	VPACKUSWB(v[2], v[0], v[0])
	if lo != nil {
		VPMAXUB(lo, v[0], v[0])
		VPMINUB(hi, v[0], v[0])
	}
	VPERMD(v[0], order, v[0])
}

var four = [4]reg.VecPhysical{z(0), z(1), z(2), z(3)}

// broadcast sets the lanes of v to a parameter.
func broadcast(param string, v reg.VecPhysical) {
	p, err := Param(param).Resolve()
	if err != nil {
		panic(err)
	}
	switch p.Type.String() {
	case "uint8":
		Load(Param(param), rowTmp.As8())
		VPBROADCASTB(rowTmp.As32(), v)
	case "int16":
		Load(Param(param), rowTmp.As16())
		VPBROADCASTW(rowTmp.As32(), v)
	case "float32":
		MOVL(p.Addr, rowTmp.As32())
		VPBROADCASTD(rowTmp.As32(), v)
	default:
		Load(Param(param), rowTmp.As32())
		VPBROADCASTD(rowTmp.As32(), v)
	}
}

func emitElementwise() {
	scaleRows().emit()
	addRows().emit()
	lookup().emit()
	sumRows()
	quantize()
	dequantize()
	windows()
	emitElementwise2()
	maxRows()
}

// scaleRows multiplies channels by factors.
func scaleRows() stream {
	return stream{
		name: "scaleRowsAVX512", doc: "multiplies channels of codes by factors.",
		params: ", mul *float32, srcZero int32, zero int16",
		setup: func() {
			Load(Param("mul"), rowMul)
			broadcast("srcZero", z(31))
			broadcast("zero", z(30))
			VMOVDQU64(packedOrder(), z(29))
		},
		step: func(m codeMasks) {
			for i, v := range four {
				m.values(rowSrc, i, z(31), v)
				m.floats(rowMul, i, z(4+i))
			}
			for i, v := range four {
				VMULPS(z(4+i), v, v)
			}
			rounded(four, z(30), nil, nil, z(29))
			m.store(four[0])
		},
	}
}

// addRows adds two operands, each with a factor.
func addRows() stream {
	return stream{
		name: "addRowsAVX512", doc: "adds codes.", two: true,
		params: ", aZero int32, bZero int32, aMul float32, bMul float32, zero int16, lo uint8, hi uint8",
		setup: func() {
			broadcast("aZero", z(31))
			broadcast("bZero", z(30))
			broadcast("aMul", z(29))
			broadcast("bMul", z(28))
			broadcast("zero", z(27))
			broadcast("lo", z(26))
			broadcast("hi", z(25))
			VMOVDQU64(packedOrder(), z(24))
		},
		step: func(m codeMasks) {
			for i, v := range four {
				m.values(rowSrc, i, z(31), v)
				m.values(rowSrc2, i, z(30), z(4+i))
			}
			for i, v := range four {
				VMULPS(z(29), v, v)
				VMULPS(z(28), z(4+i), z(4+i))
			}
			for i, v := range four {
				VADDPS(z(4+i), v, v)
			}
			rounded(four, z(27), z(26), z(25), z(24))
			m.store(four[0])
		},
	}
}

// lookup replaces codes by entries of a table.
func lookup() stream {
	return stream{
		name: "lookupVNNI", doc: "replaces codes by entries of a table of 256.", params: ", table *uint8",
		setup: func() {
			Load(Param("table"), rowTable)
			for i := range 4 {
				VMOVDQU64(Mem{Base: rowTable, Disp: 64 * i}, z(28+i))
			}
		},
		step: func(m codeMasks) {
			if m.tail {
				VMOVDQU8_Z(at(rowSrc, 0), tailBytes, z(0))
			} else {
				VMOVDQU64(at(rowSrc, 0), z(0))
			}
			VMOVDQA64(z(0), z(1))
			VPMOVB2M(z(0), reg.K6)
			VPERMI2B(z(29), z(28), z(0))
			VPERMI2B(z(31), z(30), z(1))
			VMOVDQU8(z(1), reg.K6, z(0))
			m.store(z(0))
		},
	}
}

// sumRows adds up the rows of each channel. 256 rows at most, so that sums are
// words until the end.
func sumRows() {
	TEXT("sumRowsAVX512", attr.NOSPLIT, "func(sums *int32, src *uint8, srcStride int, n int, rows int)")
	Pragma("noescape")
	Doc("sumRowsAVX512 adds up to 256 rows of codes to the sums of n channels.")
	Load(Param("sums"), rowDst)
	Load(Param("n"), rowLen)
	Load(Param("src"), rowSrc2)
	Label("block")
	MOVQ(I32(-1), rowTmp)
	CMPQ(rowLen, U8(64))
	JGE(LabelRef("whole"))
	BZHIQ(rowLen, rowTmp, rowTmp)
	Label("whole")
	KMOVQ(rowTmp, tailBytes)
	for _, k := range tailParts {
		KMOVW(rowTmp.As32(), k)
		SHRQ(U8(16), rowTmp)
	}
	MOVQ(rowSrc2, rowSrc)
	Load(Param("srcStride"), rowMul)
	Load(Param("rows"), rowCount)
	VPXORD(z(0), z(0), z(0))
	VPXORD(z(1), z(1), z(1))
	Label("row")
	VMOVDQU8_Z(Mem{Base: rowSrc}, tailBytes, z(4))
	VEXTRACTI64X4(U8(1), z(4), z(5).AsY())
	VPMOVZXBW(z(4).AsY(), z(4))
	VPMOVZXBW(z(5).AsY(), z(5))
	VPADDW(z(4), z(0), z(0))
	VPADDW(z(5), z(1), z(1))
	ADDQ(rowMul, rowSrc)
	DECQ(rowCount)
	JNZ(LabelRef("row"))
	VEXTRACTI64X4(U8(1), z(0), z(2).AsY())
	VEXTRACTI64X4(U8(1), z(1), z(3).AsY())
	for i, v := range []int{0, 2, 1, 3} {
		m := Mem{Base: rowDst, Disp: 64 * i}
		VPMOVZXWD(z(v).AsY(), z(v))
		VMOVDQU32_Z(m, tailParts[i], z(6))
		VPADDD(z(6), z(v), z(v))
		VMOVDQU32(z(v), tailParts[i], m)
	}
	ADDQ(U8(64), rowSrc2)
	ADDQ(U32(256), rowDst)
	SUBQ(U8(64), rowLen)
	JGT(LabelRef("block"))
	VZEROUPPER()
	RET()
}
