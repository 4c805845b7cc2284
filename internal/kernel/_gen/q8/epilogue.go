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
	MOVQ(gemmWords.at(args, "consts"), consts)
	MOVQ(gemmWords.at(args, "dstAt"), dst)
	MOVQ(gemmWords.at(args, "dstStride"), dstStride)
	MOVQ(gemmWords.at(args, "table"), table)
	MOVQ(gemmWords.at(args, "addAt"), add)
	MOVQ(gemmWords.at(args, "addStride"), addStride)
	mul := []reg.VecPhysical{z(28), z(29)}
	for p := range g.panels {
		VMOVUPS(Mem{Base: consts, Disp: constMul + 64*p}, mul[p])
	}
	atOnce := 4 / g.panels
	for r := 0; r < n; r += atOnce {
		b := block{label: fmt.Sprintf("%s_%d", label, r), panels: g.panels, rows: min(atOnce, n-r)}
		for i := range 4 {
			b.sums[i] = z(r*g.panels + i)
		}
		b.scale(mul)
		b.residual()
		b.codes(z(30), z(31))
		b.store()
	}
	MOVQ(dst, gemmWords.at(args, "dstAt"))
	MOVQ(add, gemmWords.at(args, "addAt"))
}

// block is four vectors of sums, of which the first rows·panels count, that
// become codes together. Registers 28 to 31 are its own, as is all else beside
// the sums.
type block struct {
	label        string
	rows, panels int
	sums         [4]reg.VecPhysical
}

// each calls f for the sums of every panel of every row.
func (b *block) each(f func(s reg.VecPhysical, panel int)) {
	for i, s := range b.sums[:b.rows*b.panels] {
		f(s, i%b.panels)
	}
}

// scale multiplies the sums by their factors.
func (b *block) scale(mul []reg.VecPhysical) {
	b.each(func(s reg.VecPhysical, _ int) { VCVTDQ2PS(s, s) })
	b.each(func(s reg.VecPhysical, panel int) { VMULPS(mul[panel], s, s) })
}

// residual adds it to the block's values.
func (b *block) residual() {
	TESTQ(add, add)
	JZ(LabelRef(b.label + "_noadd"))
	x := z(30)
	b.each(func(s reg.VecPhysical, panel int) {
		VPMOVZXBD_Z(Mem{Base: add, Disp: 16 * panel}, masks[panel], x)
		VPSUBD_BCST(gemmWords.at(args, "addZero"), x, x)
		VCVTDQ2PS(x, x)
		VMULPS_BCST(gemmWords.at(args, "addMul"), x, x)
		VADDPS(x, s, s)
		if panel == b.panels-1 {
			ADDQ(addStride, add)
		}
	})
	Label(b.label + "_noadd")
}

// masks are of the outputs of a row, from its first and from its second panel on.
var masks = []reg.OpmaskPhysical{reg.K1, reg.K2}

// codes makes codes of the values, 16 bytes of each vector, in the first
// register of the block.
func (b *block) codes(t0, t1 reg.VecPhysical) {
	b.each(func(s reg.VecPhysical, _ int) { VCVTPS2DQ(s, s) })
	x, x1, y, y1 := b.sums[0], b.sums[1], b.sums[2], b.sums[3]
	VPACKSSDW(x1, x, x)
	VPACKSSDW(y1, y, y)
	VPADDSW(Mem{Base: consts, Disp: constZero}, x, x)
	VPADDSW(Mem{Base: consts, Disp: constZero}, y, y)
	TESTQ(table, table)
	JNZ(LabelRef(b.label + "_table"))
	VPACKUSWB(y, x, x)
	VPMAXUB(Mem{Base: consts, Disp: constLo}, x, x)
	VPMINUB(Mem{Base: consts, Disp: constHi}, x, x)
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
	VMOVDQU64(Mem{Base: table, Disp: at}, t0)
	VMOVDQU64(Mem{Base: table, Disp: at + 128}, t1)
	VPERMI2B(Mem{Base: table, Disp: at + 64}, t0, dst)
	VPERMI2B(Mem{Base: table, Disp: at + 192}, t1, x)
	VMOVDQU8(x, reg.K3, dst)
}

// store writes the rows of a block, and goes on to the next.
func (b *block) store() {
	x := b.sums[0]
	for r := range b.rows {
		part := z(31)
		switch {
		case r == 0:
			part = x
		case b.panels == 2:
			VEXTRACTI64X4(U8(1), x, part.AsY())
		default:
			VEXTRACTI32X4(U8(uint8(r)), x, part.AsX())
		}
		to := part.AsY()
		if b.panels == 1 {
			to = part.AsX()
		}
		VMOVDQU8(to, reg.K1, Mem{Base: dst})
		ADDQ(dstStride, dst)
	}
}
