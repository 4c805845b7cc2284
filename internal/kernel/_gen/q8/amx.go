package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Tile registers: the sums of two halves of the rows by two panels, the inputs
// of the halves, and the weights of the panels.
const (
	tileSums    = 0
	tileInputs  = 4
	tileWeights = 6
)

// The instructions of the tile registers, by their bytes.

func tileConfig(at reg.GPPhysical) {
	raw("LDTILECFG ("+at.Asm()+")", 0xc4, tileRex(at, nil), 0x78, 0x49, byte(0x40|at.PhysicalIndex()&7), 0)
}

func tileRelease() { raw("TILERELEASE", 0xc4, 0xe2, 0x78, 0x49, 0xc0) }

func tileZero(t int) {
	raw(fmt.Sprintf("TILEZERO TMM%d", t), 0xc4, 0xe2, 0x7b, 0x49, byte(0xc0|t<<3))
}

// tileLoad and tileStore move a tile whose rows lie stride apart.
func tileLoad(t int, base, stride reg.GPPhysical) {
	tileMove("TILELOADD (%[2]s)(%[3]s*1), TMM%[1]d", 0x7b, t, base, stride)
}

func tileStore(t int, base, stride reg.GPPhysical) {
	tileMove("TILESTORED TMM%[1]d, (%[2]s)(%[3]s*1)", 0x7a, t, base, stride)
}

func tileMove(text string, prefix byte, t int, base, stride reg.GPPhysical) {
	sib := byte(stride.PhysicalIndex()&7<<3 | base.PhysicalIndex()&7)
	raw(fmt.Sprintf(text, t, base.Asm(), stride.Asm()), 0xc4, tileRex(base, stride), prefix, 0x4b, byte(0x44|t<<3), sib, 0)
}

// tileRex is the second byte, with the top bits of the registers inverted.
func tileRex(base, index reg.GPPhysical) byte {
	b := byte(0xe2)
	if base.PhysicalIndex() >= 8 {
		b &^= 0x20
	}
	if index != nil && index.PhysicalIndex() >= 8 {
		b &^= 0x40
	}
	return b
}

// tileDot adds the products of unsigned inputs and signed weights.
func tileDot(sums, inputs, weights int) {
	raw(fmt.Sprintf("TDPBUSD TMM%d, TMM%d, TMM%d", weights, inputs, sums),
		0xc4, 0xe2, byte((15-weights)<<3|1), 0x5e, byte(0xc0|sums<<3|inputs))
}

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
	tileConfig(tmp)
	for _, name := range []string{"dst", "add"} {
		Load(Param(name), tmp)
		MOVQ(tmp, gemmWords.at(args, name+"At"))
	}
	MOVQ(gemmWords.at(args, "mask"), tmp)
	KMOVQ(tmp, reg.K1)
	SHRQ(U8(16), tmp)
	KMOVQ(tmp, reg.K2)
	Load(Param("src"), src)
	Label("block")
	for i := range 4 {
		tileZero(tileSums + i)
	}
	Load(Param("w"), weight)
	MOVQ(gemmWords.at(args, "srcStride"), stride)
	MOVQ(gemmWords.at(args, "panel"), panel)
	LEAQ(Mem{Base: weight, Index: panel, Scale: 1}, panel2)
	MOVQ(gemmWords.at(args, "half"), second)
	IMULQ(stride, second)
	ADDQ(src, second)
	MOVQ(U32(64), panelStride)
	MOVQ(gemmWords.at(args, "step"), step)
	MOVQ(step, weightStep)
	SHLQ(U8(4), weightStep)
	MOVQ(gemmWords.at(args, "steps"), quads)
	MOVQ(src, dst) // the register is free until the epilogue
	Label("k")
	tileLoad(tileInputs, dst, stride)
	tileLoad(tileWeights, weight, panelStride)
	tileLoad(tileWeights+1, panel2, panelStride)
	tileDot(tileSums, tileInputs, tileWeights)
	tileLoad(tileInputs+1, second, stride)
	tileDot(tileSums+1, tileInputs, tileWeights+1)
	tileDot(tileSums+2, tileInputs+1, tileWeights)
	tileDot(tileSums+3, tileInputs+1, tileWeights+1)
	ADDQ(step, dst)
	ADDQ(step, second)
	ADDQ(weightStep, weight)
	ADDQ(weightStep, panel2)
	DECQ(quads)
	JNZ(LabelRef("k"))
	MOVQ(gemmWords.at(args, "rows"), tmp)
	IMULQ(stride, tmp)
	ADDQ(tmp, src)
	Load(Param("buf"), buf)
	MOVQ(U32(sums), bufStride)
	for half := range 2 {
		for p := range 2 {
			tileStore(tileSums+2*half+p, buf, bufStride)
			ADDQ(U8(64), buf)
		}
		if half == 0 {
			MOVQ(gemmWords.at(args, "half"), tmp)
			DECQ(tmp)
			SHLQ(U8(7), tmp)
			ADDQ(tmp, buf)
		}
	}
	amxEpilogue(buf)
	DECQ(gemmWords.at(args, "blocks"))
	JNZ(LabelRef("block"))
	tileRelease()
	VZEROUPPER()
	RET()
}

// amxEpilogue stores the codes of the sums of a block in memory, two rows at a
// time.
func amxEpilogue(buf reg.GPPhysical) {
	g, left := gemm{panels: 2}, rows
	Load(Param("buf"), buf)
	MOVQ(gemmWords.at(args, "rows"), left)
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
