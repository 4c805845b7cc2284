package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

// Tile registers: the sums of two halves of the rows by two panels, the inputs
// of the halves, and the weights of the panels.
const (
	tileSums    = 0
	tileInputs  = 4
	tileWeights = 6
)

// amx emits the product of blocks of rows with two panels in tile registers.
func amx() {
	const sums = 128 // bytes of a row of them
	second, panel2 := reg.RBX, reg.R11
	stride, panelStride, panel := reg.R8, reg.R9, reg.R10
	step, weightStep, buf, bufStride := reg.R12, reg.R13, reg.R14, reg.R15
	TEXT("gemm32AMX", attr.NOSPLIT,
		"func(dst *uint8, src *uint8, w *int8, consts *int32, table *uint8, add *uint8, config *uint8, buf *uint8, a *int)")
	Pragma("noescape")
	Doc("gemm32AMX multiplies blocks of rows with the weights of up to 32 outputs. buf holds the",
		"sums of a block.")
	Load(Param("a"), args)
	Load(Param("config"), tmp)
	simd.TileConfig(tmp)
	for _, name := range []string{"dst", "add"} {
		Load(Param(name), tmp)
		MOVQ(tmp, gemmWords.At(args, name+"At"))
	}
	MOVQ(gemmWords.At(args, "mask"), tmp)
	KMOVQ(tmp, reg.K1)
	SHRQ(U8(16), tmp)
	KMOVQ(tmp, reg.K2)
	Load(Param("src"), src)
	Label("block")
	for i := range 4 {
		simd.TileZero(tileSums + i)
	}
	Load(Param("w"), weight)
	MOVQ(gemmWords.At(args, "srcStride"), stride)
	MOVQ(gemmWords.At(args, "panel"), panel)
	LEAQ(Mem{Base: weight, Index: panel, Scale: 1}, panel2)
	MOVQ(gemmWords.At(args, "half"), second)
	IMULQ(stride, second)
	ADDQ(src, second)
	MOVQ(U32(64), panelStride)
	MOVQ(gemmWords.At(args, "step"), step)
	MOVQ(step, weightStep)
	SHLQ(U8(4), weightStep)
	MOVQ(gemmWords.At(args, "steps"), quads)
	MOVQ(src, dst) // the register is free until the epilogue
	Label("k")
	simd.TileLoad(tileInputs, dst, stride)
	simd.TileLoad(tileWeights, weight, panelStride)
	simd.TileLoad(tileWeights+1, panel2, panelStride)
	simd.TileDotBytes(tileSums, tileInputs, tileWeights)
	simd.TileLoad(tileInputs+1, second, stride)
	simd.TileDotBytes(tileSums+1, tileInputs, tileWeights+1)
	simd.TileDotBytes(tileSums+2, tileInputs+1, tileWeights)
	simd.TileDotBytes(tileSums+3, tileInputs+1, tileWeights+1)
	ADDQ(step, dst)
	ADDQ(step, second)
	ADDQ(weightStep, weight)
	ADDQ(weightStep, panel2)
	DECQ(quads)
	JNZ(LabelRef("k"))
	MOVQ(gemmWords.At(args, "rows"), tmp)
	IMULQ(stride, tmp)
	ADDQ(tmp, src)
	Load(Param("buf"), buf)
	MOVQ(U32(sums), bufStride)
	for half := range 2 {
		for p := range 2 {
			simd.TileStore(tileSums+2*half+p, buf, bufStride)
			ADDQ(U8(64), buf)
		}
		if half == 0 {
			MOVQ(gemmWords.At(args, "half"), tmp)
			DECQ(tmp)
			SHLQ(U8(7), tmp)
			ADDQ(tmp, buf)
		}
	}
	amxEpilogue(buf)
	DECQ(gemmWords.At(args, "blocks"))
	JNZ(LabelRef("block"))
	simd.TileRelease()
	VZEROUPPER()
	RET()
}

// amxEpilogue stores the codes of the sums of a block in memory, two rows at a
// time.
func amxEpilogue(buf reg.GPPhysical) {
	g, left := gemm{panels: 2}, rows
	Load(Param("buf"), buf)
	MOVQ(gemmWords.At(args, "rows"), left)
	g.epilogueRegisters()
	for _, n := range []int{2, 1} {
		label := fmt.Sprintf("rows%d", n)
		Label(label)
		CMPQ(left, U8(uint8(n)))
		JLT(LabelRef(label + "_end"))
		b := block{label: label + "_0", consts: consts, table: table, n: 2 * n}
		for i := range 4 {
			b.v[i] = z(i)
		}
		for i := range 2 * n {
			VMOVDQU32(Mem{Base: consts, Disp: constBias + 64*(i%2)}, z(i))
			VPADDD(Mem{Base: buf, Disp: 64 * i}, z(i), z(i))
		}
		g.finish(&b)
		ADDQ(U32(uint32(128*n)), buf)
		SUBQ(U8(uint8(n)), left)
		JMP(LabelRef(label))
		Label(label + "_end")
	}
	g.saveRegisters()
}
