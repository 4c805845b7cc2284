package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

var actNames = map[int]string{
	simd.Identity: "", simd.ReLU: "ReLU", simd.ReLU6: "ReLU6", simd.Swish: "Swish", simd.HardSwish: "HardSwish",
}

// finishWords are the fields of struct finishArgs; distances are in bytes.
var finishWords = simd.Words{"dstStride", "srcStride", "addStride", "rows", "n", "floats"}

// finisher is the epilogue with one activation: blocks of two vectors of
// columns, of which two rows are worked on together with AVX-512, or for up to
// 16 columns that are left, four rows of one vector.
type finisher struct {
	*simd.ISA
	act int
}

// Registers of the epilogue.
var (
	finArgs                      = reg.RAX
	finDst, finSrc               = reg.RDI, reg.RSI
	finBias, finAdd, finSums     = reg.RDX, reg.RBX, reg.R8
	dstStride, srcStride, addGap = reg.R9, reg.R10, reg.R11
	rowDst, rowSrc, rowAdd       = reg.R12, reg.R13, reg.R14
	finRows, finLeft             = reg.RCX, reg.R15
)

// Vector registers with AVX-512; the first sixteen are those worked on.
const (
	tableAt, limitAt, magicAt, zeroAt, sixAt = 16, 22, 23, 24, 25
	biasAt, colSumAt, addAt                  = 26, 28, 30
	threeAt, sixthAt                         = 22, 23
)

func (f finisher) emit() {
	name := "finish" + actNames[f.act] + f.Name
	TEXT(name, attr.NOSPLIT, "func(dst *uint16, src *float32, bias *float32, add *uint16, sums *float32, table *float32, a *int)")
	Pragma("noescape")
	doc := "."
	if !f.Wide() {
		doc = ", a multiple of 16 columns."
	}
	Doc(name + " finishes rows of floats" + doc + " bias, add and sums may be nil.")
	Load(Param("a"), finArgs)
	if f.Wide() {
		f.constants()
	}
	for _, p := range []struct {
		name string
		r    reg.GPPhysical
	}{{"dst", finDst}, {"src", finSrc}, {"bias", finBias}, {"add", finAdd}, {"sums", finSums}} {
		Load(Param(p.name), p.r)
	}
	for _, p := range []struct {
		name string
		r    reg.GPPhysical
	}{{"dstStride", dstStride}, {"srcStride", srcStride}, {"addStride", addGap}, {"n", finLeft}} {
		MOVQ(finishWords.At(finArgs, p.name), p.r)
	}
	Label("columns")
	CMPQ(finLeft, U32(uint32(2*f.Lanes)))
	JLT(LabelRef("tail"))
	f.block("whole", 2, false)
	f.nextBlock()
	SUBQ(U32(uint32(2*f.Lanes)), finLeft)
	JMP(LabelRef("columns"))
	Label("tail")
	if f.Wide() {
		TESTQ(finLeft, finLeft)
		JZ(LabelRef("end"))
		MOVL(U32(0xffffffff), rowDst.As32())
		BZHIL(finLeft.As32(), rowDst.As32(), rowDst.As32())
		KMOVD(rowDst.As32(), reg.K3)
		KMOVW(rowDst.As32(), reg.K1)
		SHRL(U8(16), rowDst.As32())
		KMOVW(rowDst.As32(), reg.K2)
		CMPQ(finLeft, U8(uint8(f.Lanes)))
		JLE(LabelRef("single"))
		f.block("part", 2, true)
		JMP(LabelRef("end"))
		Label("single")
		f.block("last", 1, true)
		Label("end")
	}
	VZEROUPPER()
	RET()
}

// constants loads what stays in registers.
func (f finisher) constants() {
	switch f.act {
	case simd.Swish:
		Load(Param("table"), rowDst)
		for i := range 6 {
			VMOVUPS(Mem{Base: rowDst, Disp: 64 * i}, z(tableAt+i))
		}
		VMOVUPS(f.Float(15.5), z(limitAt))
		VMOVUPS(f.Float(3<<21), z(magicAt))
	case simd.HardSwish:
		VMOVUPS(f.Float(3), z(threeAt))
		VMOVUPS(f.Float(1.0/6), z(sixthAt))
	}
	f.Zero(z(zeroAt))
	VMOVUPS(f.Float(6), z(sixAt))
}

// nextBlock goes on to the next columns.
func (f finisher) nextBlock() {
	step := 2 * f.Bytes()
	ADDQ(U32(uint32(step)), finSrc)
	ADDQ(U32(uint32(step/2)), finDst)
	CMPQ(finishWords.At(finArgs, "floats"), U8(0))
	JEQ(LabelRef("halves"))
	ADDQ(U32(uint32(step/2)), finDst)
	Label("halves")
	for _, p := range []struct {
		r    reg.GPPhysical
		step int
	}{{finBias, step}, {finAdd, step / 2}, {finSums, step}} {
		label := fmt.Sprintf("no%d", p.r.PhysicalIndex())
		TESTQ(p.r, p.r)
		JZ(LabelRef(label))
		ADDQ(U32(uint32(p.step)), p.r)
		Label(label)
	}
}

var finMasks = []reg.OpmaskPhysical{reg.K1, reg.K2}

// block emits all rows of a block of columns, of so many vectors.
func (f finisher) block(label string, vecs int, masked bool) {
	if f.Wide() {
		for i := range vecs {
			f.Zero(z(biasAt + i))
			f.Zero(z(colSumAt + i))
		}
		TESTQ(finBias, finBias)
		JZ(LabelRef(label + "_nobias"))
		for i := range vecs {
			f.load(Mem{Base: finBias, Disp: 64 * i}, i, masked, z(biasAt+i))
		}
		Label(label + "_nobias")
		TESTQ(finSums, finSums)
		JZ(LabelRef(label + "_start"))
		for i := range vecs {
			f.load(Mem{Base: finSums, Disp: 64 * i}, i, masked, z(colSumAt+i))
		}
		Label(label + "_start")
	}
	MOVQ(finDst, rowDst)
	MOVQ(finSrc, rowSrc)
	MOVQ(finAdd, rowAdd)
	MOVQ(finishWords.At(finArgs, "rows"), finRows)
	heights := []int{4 / vecs, 1}
	if !f.Wide() {
		heights = []int{1}
	}
	for _, n := range heights {
		l := fmt.Sprintf("%s_rows%d", label, n)
		Label(l)
		CMPQ(finRows, U8(uint8(n)))
		JLT(LabelRef(l + "_end"))
		if f.Wide() {
			f.rows(l, n, vecs, masked)
		} else {
			f.row(l)
		}
		if !f.Wide() {
			f.nextRows(1)
		}
		SUBQ(U8(uint8(n)), finRows)
		JMP(LabelRef(l))
		Label(l + "_end")
	}
	if !f.Wide() {
		return
	}
	TESTQ(finSums, finSums)
	JZ(LabelRef(label + "_nosums"))
	for i := range vecs {
		f.store(z(colSumAt+i), Mem{Base: finSums, Disp: 64 * i}, i, masked)
	}
	Label(label + "_nosums")
}

func (f finisher) load(m Mem, i int, masked bool, v reg.VecPhysical) {
	if masked {
		VMOVUPS_Z(m, finMasks[i], v)
	} else {
		VMOVUPS(m, v)
	}
}

func (f finisher) store(v reg.VecPhysical, m Mem, i int, masked bool) {
	if masked {
		VMOVUPS(v, finMasks[i], m)
	} else {
		VMOVUPS(v, m)
	}
}

// nextRows goes on by a number of rows.
func (f finisher) nextRows(n int) {
	f.advance(rowDst, dstStride, n)
	f.advance(rowSrc, srcStride, n)
	f.advance(rowAdd, addGap, n)
}

func (f finisher) advance(base, stride reg.GPPhysical, rows int) {
	switch rows {
	case 1:
		ADDQ(stride, base)
	default:
		LEAQ(Mem{Base: base, Index: stride, Scale: uint8(rows)}, base)
	}
}

// rows emits up to four vectors: a number of rows with so many of them each.
// It leaves the pointers at the next row.
func (f finisher) rows(label string, n, vecs int, masked bool) {
	x := []reg.VecPhysical{z(0), z(1), z(2), z(3)}[:n*vecs]
	f.each(rowSrc, srcStride, n, func(r int, base Mem) {
		for i := range vecs {
			f.load(base.Offset(64*i), i, masked, x[r*vecs+i])
		}
	})
	for i, v := range x {
		VADDPS(z(biasAt+i%vecs), v, v)
	}
	TESTQ(finAdd, finAdd)
	JZ(LabelRef(label + "_noadd"))
	f.each(rowAdd, addGap, n, func(r int, base Mem) {
		for i := range vecs {
			v, a := x[r*vecs+i], z(addAt+(r*vecs+i)%2)
			if masked {
				VPMOVZXWD_Z(base.Offset(32*i), finMasks[i], a)
			} else {
				VPMOVZXWD(base.Offset(32*i), a)
			}
			VPSLLD(U8(16), a, a)
			VADDPS(a, v, v)
		}
	})
	Label(label + "_noadd")
	f.activate(x)
	TESTQ(finSums, finSums)
	JZ(LabelRef(label + "_nosums"))
	for i, v := range x {
		VADDPS(v, z(colSumAt+i%vecs), z(colSumAt+i%vecs))
	}
	Label(label + "_nosums")
	CMPQ(finishWords.At(finArgs, "floats"), U8(0))
	JNE(LabelRef(label + "_floats"))
	f.each(rowDst, dstStride, n, func(r int, base Mem) { f.storeHalves(x[r*vecs:][:vecs], z(4+r), base, masked) })
	JMP(LabelRef(label + "_stored"))
	Label(label + "_floats")
	f.each(rowDst, dstStride, n, func(r int, base Mem) {
		for i := range vecs {
			f.store(x[r*vecs+i], base.Offset(64*i), i, masked)
		}
	})
	Label(label + "_stored")
}

// each emits what do does for rows from base on, and leaves it at the next.
func (f finisher) each(base, stride reg.GPPhysical, n int, do func(r int, base Mem)) {
	for r := range n {
		do(r, at(base, stride, r%2, 0))
		if r%2 == 1 || r == n-1 {
			f.advance(base, stride, r%2+1)
		}
	}
}

// storeHalves rounds and stores the vectors of a row.
func (f finisher) storeHalves(x []reg.VecPhysical, t reg.VecPhysical, to Mem, masked bool) {
	switch {
	case len(x) == 1:
		round1(x[0], t)
		VMOVDQU16(t.AsY(), reg.K1, to)
		return
	case masked:
		round2(x[0], x[1], t)
		VMOVDQU16(t, reg.K3, to)
		return
	}
	round2(x[0], x[1], t)
	VMOVDQU16(t, to)
}
