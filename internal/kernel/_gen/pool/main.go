// Command pool generates the assembly of pooling over windows.
package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

func main() {
	ConstraintExpr("amd64,!purego")
	for _, s := range []*simd.ISA{simd.AVX2, simd.AVX512} {
		pool(s, true)
		pool(s, false)
	}
	Generate()
}

var (
	dst, src, pix, row  = reg.RDI, reg.RSI, reg.R8, reg.R9
	off, left           = reg.RBX, reg.RCX // bytes of channels done, channels left
	rowAt, at           = reg.RDX, reg.RAX
	rowsLeft, colsLeft  = reg.R10, reg.R11
	pixels, tmp0, tmp1  = reg.R12, reg.R13, reg.R14
	blocks              = []int{4, 2, 1}
	scaleReg, maskReg   = 14, 15
	firstTemp, otherMax = 8, 9
)

// pool emits the maximum or the sum of windows.
func pool(s *simd.ISA, maximum bool) {
	name, what := "poolSum", "sum, multiplied by scale,"
	if maximum {
		name, what = "poolMax", "maximum"
	}
	TEXT(name+s.Name, attr.NOSPLIT, "func(dst *float32, dstStride int, src *float32, step int, pix int, row int, rows int, cols int, n int, c int, scale float32)")
	Pragma("noescape")
	Doc(name+s.Name+" computes the "+what+" of windows of rows×cols pixels of c",
		"channels for n pixels in a row. Distances are in bytes, step that between windows.")
	Load(Param("dst"), dst)
	Load(Param("src"), src)
	Load(Param("pix"), pix)
	Load(Param("row"), row)
	Load(Param("n"), pixels)
	p, err := Param("scale").Resolve()
	if err != nil {
		panic(err)
	}
	VBROADCASTSS(p.Addr, s.V(scaleReg))
	Label("pixel")
	XORQ(off, off)
	Load(Param("c"), left)
	for _, n := range blocks {
		label := fmt.Sprintf("b%d", n)
		Label(label)
		CMPQ(left, U32(uint32(n*s.Lanes)))
		JLT(LabelRef(label + "_end"))
		window(s, n, maximum, nil)
		for v := range n {
			VMOVUPS(s.V(v), Mem{Base: dst, Index: off, Scale: 1, Disp: v * s.Bytes()})
		}
		ADDQ(U32(uint32(n*s.Bytes())), off)
		SUBQ(U32(uint32(n*s.Lanes)), left)
		JMP(LabelRef(label))
		Label(label + "_end")
	}
	TESTQ(left, left)
	JZ(LabelRef("next"))
	MOVQ(left, tmp0)
	mask := s.TailMask(tmp0, tmp1, s.V(maskReg), reg.K1)
	window(s, 1, maximum, &mask)
	LEAQ(Mem{Base: dst, Index: off, Scale: 1}, tmp0)
	s.StoreTail(s.V(0), left, mask, tmp0, "tail")
	Label("next")
	Load(Param("dstStride"), tmp0)
	ADDQ(tmp0, dst)
	Load(Param("step"), tmp0)
	ADDQ(tmp0, src)
	DECQ(pixels)
	JNZ(LabelRef("pixel"))
	VZEROUPPER()
	RET()
}

// window computes n vectors of one pixel, or one with a mask.
func window(s *simd.ISA, n int, maximum bool, mask *simd.Mask) {
	name := fmt.Sprintf("w%d", n)
	if mask != nil {
		name = "wtail"
	}
	load := func(base reg.GPPhysical, v int, to reg.VecPhysical) {
		m := Mem{Base: base, Disp: v * s.Bytes()}
		if mask != nil {
			s.Load(m, *mask, to)
		} else {
			VMOVUPS(m, to)
		}
	}
	LEAQ(Mem{Base: src, Index: off, Scale: 1}, rowAt)
	for v := range n {
		if maximum {
			load(rowAt, v, s.V(v))
		} else {
			s.Zero(s.V(v))
		}
	}
	Load(Param("rows"), rowsLeft)
	Label(name + "_row")
	MOVQ(rowAt, at)
	Load(Param("cols"), colsLeft)
	Label(name + "_col")
	x, y := s.V(firstTemp), s.V(otherMax)
	for v := range n {
		load(at, v, x)
		if !maximum {
			VADDPS(x, s.V(v), s.V(v))
			continue
		}
		// Of two operands one of which is NaN, VMAXPS returns the one written
		// first here: together the results are NaN.
		VMAXPS(x, s.V(v), y)
		VMAXPS(s.V(v), x, x)
		VORPS(x, y, s.V(v))
	}
	ADDQ(pix, at)
	DECQ(colsLeft)
	JNZ(LabelRef(name + "_col"))
	ADDQ(row, rowAt)
	DECQ(rowsLeft)
	JNZ(LabelRef(name + "_row"))
	if !maximum {
		for v := range n {
			VMULPS(s.V(scaleReg), s.V(v), s.V(v))
		}
	}
}
