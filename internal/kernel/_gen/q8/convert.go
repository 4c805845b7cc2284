package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

// quantize emits the codes of floats.
func quantize() {
	TEXT("quantizeAVX512", attr.NOSPLIT, "func(dst *uint8, src *float32, n int, scale float32, zero int16)")
	Pragma("noescape")
	Doc("quantizeAVX512 makes codes of a multiple of 64 floats.")
	Load(Param("dst"), rowDst)
	Load(Param("src"), rowSrc)
	Load(Param("n"), rowLeft)
	broadcast("scale", z(31))
	broadcast("zero", z(30))
	VMOVDQU64(packedOrder(), z(29))
	VMOVUPS(simd.AVX512.Float(1<<20), z(28)) // beyond every code, and within int32
	Label("loop")
	for i, v := range four {
		VMOVUPS(Mem{Base: rowSrc, Disp: 64 * i}, v)
	}
	for _, v := range four {
		VDIVPS(z(31), v, v)
	}
	for _, v := range four {
		VMINPS(v, z(28), v) // NaN stays what it is, and becomes the least integer
	}
	rounded(four, z(30), nil, nil, z(29))
	VMOVDQU64(four[0], Mem{Base: rowDst})
	ADDQ(U8(64), rowDst)
	ADDQ(U32(256), rowSrc)
	SUBQ(U8(64), rowLeft)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// dequantize emits what codes stand for.
func dequantize() {
	TEXT("dequantizeAVX512", attr.NOSPLIT, "func(dst *float32, src *uint8, n int, scale float32, zero int32)")
	Pragma("noescape")
	Doc("dequantizeAVX512 makes floats of a multiple of 16 codes.")
	Load(Param("dst"), rowDst)
	Load(Param("src"), rowSrc)
	Load(Param("n"), rowLeft)
	broadcast("scale", z(31))
	broadcast("zero", z(30))
	Label("loop")
	VPMOVZXBD(Mem{Base: rowSrc}, z(0))
	VPSUBD(z(30), z(0), z(0))
	VCVTDQ2PS(z(0), z(0))
	VMULPS(z(31), z(0), z(0))
	VMOVUPS(z(0), Mem{Base: rowDst})
	ADDQ(U8(16), rowSrc)
	ADDQ(U8(64), rowDst)
	SUBQ(U8(16), rowLeft)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// windows emits the layout of windows of three rows of up to 16 bytes each.
func windows() {
	TEXT("windowsVNNI", attr.NOSPLIT, "func(dst *uint8, stride int, src *uint8, row int, step int, n int, order *uint8)")
	Pragma("noescape")
	Doc("windowsVNNI lays out n windows of three rows, of which 16 bytes each are read, in",
		"the given order of bytes. 64 bytes are written for each.")
	stride, row, step, order := reg.R10, reg.R11, reg.R12, reg.R13
	Load(Param("dst"), rowDst)
	Load(Param("stride"), stride)
	Load(Param("src"), rowSrc)
	Load(Param("row"), row)
	Load(Param("step"), step)
	Load(Param("n"), rowLeft)
	Load(Param("order"), order)
	VMOVDQU64(Mem{Base: order}, z(31))
	Label("loop")
	VMOVDQU(Mem{Base: rowSrc}, reg.X0)
	VINSERTI32X4(U8(1), Mem{Base: rowSrc, Index: row, Scale: 1}, z(0), z(0))
	VINSERTI32X4(U8(2), Mem{Base: rowSrc, Index: row, Scale: 2}, z(0), z(0))
	VPERMB(z(0), z(31), z(0))
	VMOVDQU64(z(0), Mem{Base: rowDst})
	ADDQ(step, rowSrc)
	ADDQ(stride, rowDst)
	DECQ(rowLeft)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
