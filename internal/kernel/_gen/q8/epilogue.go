package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const rodata = attr.RODATA | attr.NOPTR

var globals = map[string]Mem{}

// global returns a read-only vector of 64 bytes that f fills.
func global(name string, f func()) Mem {
	m, ok := globals[name]
	if !ok {
		m = GLOBL(name, rodata)
		f()
		globals[name] = m
	}
	return m
}

// packedOrder returns the order of the dwords of four vectors that were packed
// to bytes, which leaves a part of each in every 16 bytes.
func packedOrder() Mem {
	return global("packedOrder", func() {
		for i := range 16 {
			DATA(4*i, U32(uint32(i%4*4+i/4)))
		}
	})
}

// halfTable returns words of 255, by which the second half of a table starts
// later.
func halfTable() Mem {
	return global("halfTable", func() {
		for i := range 16 {
			DATA(4*i, U32(255<<16|255))
		}
	})
}

// epilogue turns the sums of n rows into codes, and stores them. All registers
// but the sums' are free.
func (g gemm) epilogue(label string, n int) {
	g.epilogueRegisters()
	atOnce := 4 / g.panels
	for r := 0; r < n; r += atOnce {
		b := block{label: fmt.Sprintf("%s_%d", label, r), consts: consts, table: table, n: min(4, g.panels*(n-r))}
		for i := range 4 {
			b.v[i] = z(r*g.panels + i)
		}
		g.finish(&b)
	}
	g.saveRegisters()
}

// factor returns the register of the factors of a panel.
func factor(panel int) reg.VecPhysical { return z(28 + panel) }

// epilogueRegisters loads what an epilogue reads, and saveRegisters keeps what
// it changes.
func (g gemm) epilogueRegisters() {
	Load(Param("consts"), consts)
	MOVQ(gemmWords.At(args, "dstAt"), dst)
	MOVQ(gemmWords.At(args, "dstStride"), dstStride)
	Load(Param("table"), table)
	MOVQ(gemmWords.At(args, "addAt"), add)
	MOVQ(gemmWords.At(args, "addStride"), addStride)
	for p := range g.panels {
		VMOVUPS(Mem{Base: consts, Disp: constMul + 64*p}, factor(p))
	}
}

func (g gemm) saveRegisters() {
	MOVQ(dst, gemmWords.At(args, "dstAt"))
	MOVQ(add, gemmWords.At(args, "addAt"))
}

// finish stores what becomes of the sums of a block.
func (g gemm) finish(b *block) {
	b.scale(func(i int) reg.VecPhysical { return factor(i % g.panels) })
	if g.floats {
		g.storeFloats(b)
		return
	}
	g.residual(b)
	b.codes(z(30), z(31))
	g.store(b)
}

// residual adds that to the block's values.
func (g gemm) residual(b *block) {
	TESTQ(add, add)
	JZ(LabelRef(b.label + "_noadd"))
	x := z(30)
	for i, v := range b.v[:b.n] {
		panel := i % g.panels
		VPMOVZXBD_Z(Mem{Base: add, Disp: 16 * panel}, masks[panel], x)
		VPSUBD_BCST(gemmWords.At(args, "addZero"), x, x)
		VCVTDQ2PS(x, x)
		VMULPS_BCST(gemmWords.At(args, "addMul"), x, x)
		VADDPS(x, v, v)
		if panel == g.panels-1 {
			ADDQ(addStride, add)
		}
	}
	Label(b.label + "_noadd")
}

// masks are of the outputs of a row, from its first and from its second panel on.
var masks = []reg.OpmaskPhysical{reg.K1, reg.K2}

// store writes the rows of a block, and goes on to the next.
func (g gemm) store(b *block) {
	for r := range b.n / g.panels {
		to := b.part(r).AsX()
		if g.panels == 2 {
			to = b.half(r).AsY()
		}
		VMOVDQU8(to, reg.K1, Mem{Base: dst})
		ADDQ(dstStride, dst)
	}
}

// storeFloats writes the values of a block.
func (g gemm) storeFloats(b *block) {
	for i, v := range b.v[:b.n] {
		panel := i % g.panels
		VMOVUPS(v, masks[panel], Mem{Base: dst, Disp: 64 * panel})
		if panel == g.panels-1 {
			ADDQ(dstStride, dst)
		}
	}
}

// block is up to four vectors of sums that become codes together. Registers 30
// and 31 are free.
type block struct {
	label         string
	v             [4]reg.VecPhysical // the last may be ones that are free
	n             int
	consts, table reg.GPPhysical // struct epilogueVectors; the table or nil
}

// scale multiplies the sums by their factors.
func (b *block) scale(mul func(i int) reg.VecPhysical) {
	for _, v := range b.v[:b.n] {
		VCVTDQ2PS(v, v)
	}
	for i, v := range b.v[:b.n] {
		VMULPS(mul(i), v, v)
	}
}

// codes makes codes of the values, 16 bytes of each vector, in the first
// register of the block.
func (b *block) codes(t0, t1 reg.VecPhysical) {
	for _, v := range b.v[:b.n] {
		VCVTPS2DQ(v, v)
	}
	x, x1, y, y1 := b.v[0], b.v[1], b.v[2], b.v[3]
	VPACKSSDW(x1, x, x)
	VPACKSSDW(y1, y, y)
	VPADDSW(Mem{Base: b.consts, Disp: constZero}, x, x)
	VPADDSW(Mem{Base: b.consts, Disp: constZero}, y, y)
	TESTQ(b.table, b.table)
	JNZ(LabelRef(b.label + "_table"))
	VPACKUSWB(y, x, x)
	VPMAXUB(Mem{Base: b.consts, Disp: constLo}, x, x)
	VPMINUB(Mem{Base: b.consts, Disp: constHi}, x, x)
	JMP(LabelRef(b.label + "_codes"))
	Label(b.label + "_table")
	VPACKUSWB(y, x, x1)
	VPSUBSW(halfTable(), x, x)
	VPSUBSW(halfTable(), y, y)
	VPACKUSWB(y, x, y1)
	b.lookup(x1, x, t0, t1, 0)
	b.lookup(y1, y, t0, t1, 256)
	VPADDB(y, x, x)
	Label(b.label + "_codes")
	VMOVDQU64(packedOrder(), t0)
	VPERMD(x, t0, x)
}

// lookup sets dst to the entries of a table of 256 bytes that x numbers, and
// clobbers x.
func (b *block) lookup(x, dst, t0, t1 reg.VecPhysical, at int) {
	VMOVDQA64(x, dst)
	VPMOVB2M(x, reg.K3)
	VMOVDQU64(Mem{Base: b.table, Disp: at}, t0)
	VMOVDQU64(Mem{Base: b.table, Disp: at + 128}, t1)
	VPERMI2B(Mem{Base: b.table, Disp: at + 64}, t0, dst)
	VPERMI2B(Mem{Base: b.table, Disp: at + 192}, t1, x)
	VMOVDQU8(x, reg.K3, dst)
}

// part returns the codes of vector i, and half those of two vectors.
func (b *block) part(i int) reg.VecPhysical {
	if i == 0 {
		return b.v[0]
	}
	VEXTRACTI32X4(U8(uint8(i)), b.v[0], z(31).AsX())
	return z(31)
}

func (b *block) half(i int) reg.VecPhysical {
	if i == 0 {
		return b.v[0]
	}
	VEXTRACTI64X4(U8(1), b.v[0], z(31).AsY())
	return z(31)
}
