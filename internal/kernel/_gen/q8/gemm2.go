package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

// gemm2 is a product of rows with a panel of 16 outputs in registers of eight.
type gemm2 struct {
	name, doc string
	vnni      bool
	floats    bool // results are the sums times their factors
	tiles     []int
}

var gemms2 = []gemm2{
	{"gemm16AVX2", "multiplies rows with the weights of 16 outputs: pairs of words, exactly.", false, false, []int{4, 2, 1}},
	{"gemmFloat16AVX2", "is gemm16AVX2 with floats as results.", false, true, []int{4, 1}},
	{"gemm16AVXVNNI", "multiplies rows with the weights of 16 outputs.", true, false, []int{6, 4, 2, 1}},
}

func y(i int) reg.VecPhysical { return simd.AVX2.V(i) }

// Registers of the epilogue beside those of the product.
var (
	code, codeAt = reg.R14, reg.R15
	spare        = y(12) // and those after it
)

// packedOrder2 returns the order of the dwords of four vectors of eight that
// were packed to bytes.
func packedOrder2() Mem {
	return global("packedOrder2", func() {
		for i, d := range []uint32{0, 4, 1, 5, 2, 6, 3, 7} {
			DATA(4*i, U32(d))
		}
	})
}

func (g gemm2) emit() {
	TEXT(g.name, attr.NOSPLIT, gemmSignature)
	Pragma("noescape")
	Doc(g.name + " " + g.doc)
	stack := AllocLocal(64)
	Load(Param("a"), args)
	MOVQ(gemmWords.At(args, "rows"), rows)
	Load(Param("src"), src)
	for _, name := range []string{"dst", "add"} {
		Load(Param(name), tmp)
		MOVQ(tmp, gemmWords.At(args, name+"At"))
	}
	for _, n := range g.tiles {
		label := fmt.Sprintf("rows%d", n)
		Label(label)
		CMPQ(rows, U32(uint32(n)))
		JLT(LabelRef(label + "_end"))
		g.tile(label, n, stack)
		SUBQ(U32(uint32(n)), rows)
		JMP(LabelRef(label))
		Label(label + "_end")
	}
	VZEROUPPER()
	RET()
}

// tile emits the product of n rows.
func (g gemm2) tile(label string, n int, stack Mem) {
	MOVQ(gemmWords.At(args, "srcStride"), strides[1])
	for _, odd := range []int{3, 5} {
		if n > odd {
			LEAQ(Mem{Base: strides[1], Index: strides[1], Scale: uint8(odd - 1)}, strides[odd])
		}
	}
	MOVQ(src, bases[0])
	Load(Param("consts"), quads)
	for i := range 2 * n {
		VMOVDQU(Mem{Base: quads, Disp: constBias + 32*(i%2)}, y(i))
	}
	Load(Param("w"), weight)
	MOVQ(gemmWords.At(args, "quads"), quads)
	Label(label + "_k")
	if g.vnni {
		g.dots(n)
	} else {
		g.pairs(n)
	}
	if g.vnni {
		ADDQ(U8(4), bases[0])
	} else {
		ADDQ(U8(8), bases[0])
	}
	ADDQ(U8(64), weight)
	DECQ(quads)
	JNZ(LabelRef(label + "_k"))
	MOVQ(gemmWords.At(args, "srcStride"), tmp)
	IMUL3Q(U32(uint32(n)), tmp, tmp)
	ADDQ(tmp, src)
	g.epilogue(label, n, stack)
}

// dots adds the products of four inputs at once.
func (g gemm2) dots(n int) {
	VMOVDQU(Mem{Base: weight}, y(12))
	VMOVDQU(Mem{Base: weight, Disp: 32}, y(13))
	for r := range n {
		x := y(14 + r%2)
		VPBROADCASTD(rowAt(r), x)
		vexDot(y(12), x, y(2*r))
		vexDot(y(13), x, y(2*r+1))
	}
}

// pairs adds the products of inputs 0 and 2, and of 1 and 3, as words: the sums
// of two products of bytes do not fit in a word. The inputs are words already.
func (g gemm2) pairs(n int) {
	for c := range 2 {
		even, odd := y(8+2*c), y(9+2*c)
		VMOVDQU(Mem{Base: weight, Disp: 32 * c}, even)
		VPSRAW(U8(8), even, odd)
		VPSLLW(U8(8), even, even)
		VPSRAW(U8(8), even, even)
	}
	for r := range n {
		for half := range 2 {
			x := y(12 + half)
			VPBROADCASTD(rowAt(r).Offset(4*half), x)
			for c := range 2 {
				t := y(14 + c)
				VPMADDWD(y(8+2*c+half), x, t)
				VPADDD(t, y(2*r+c), y(2*r+c))
			}
		}
	}
}

// inputWords emits the layout of inputs as words: of every four, the first and the
// third, and then the second and the fourth.
func inputWords() {
	TEXT("inputWordsAVX2", attr.NOSPLIT, "func(dst *uint8, dstStride int, src *uint8, srcStride int, n int, rows int)")
	Pragma("noescape")
	Doc("inputWordsAVX2 makes words of rows of n codes, rounded up to 32: of every four, the first",
		"and the third, and then the second and the fourth.")
	Load(Param("dst"), rowDst)
	Load(Param("src"), rowSrc)
	Load(Param("rows"), rowCount)
	Load(Param("n"), rowLen)
	VMOVDQU(simd.AVX2.Int(0x00ff00ff), y(15))
	Label("row")
	XORQ(rowOff, rowOff)
	Label("loop")
	VMOVDQU(Mem{Base: rowSrc, Index: rowOff, Scale: 1}, y(0))
	VPAND(y(15), y(0), y(1))
	VPSRLW(U8(8), y(0), y(0))
	VPUNPCKLDQ(y(0), y(1), y(2))
	VPUNPCKHDQ(y(0), y(1), y(3))
	VPERM2I128(U8(0x20), y(3), y(2), y(0))
	VPERM2I128(U8(0x31), y(3), y(2), y(1))
	VMOVDQU(y(0), Mem{Base: rowDst, Index: rowOff, Scale: 2})
	VMOVDQU(y(1), Mem{Base: rowDst, Index: rowOff, Scale: 2, Disp: 32})
	ADDQ(U8(32), rowOff)
	CMPQ(rowOff, rowLen)
	JLT(LabelRef("loop"))
	advance("dstStride", rowDst)
	advance("srcStride", rowSrc)
	DECQ(rowCount)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// epilogue stores the codes of n rows, two at a time.
func (g gemm2) epilogue(label string, n int, stack Mem) {
	Load(Param("consts"), consts)
	MOVQ(gemmWords.At(args, "dstAt"), dst)
	MOVQ(gemmWords.At(args, "dstStride"), dstStride)
	Load(Param("table"), table)
	MOVQ(gemmWords.At(args, "addAt"), add)
	MOVQ(gemmWords.At(args, "addStride"), addStride)
	for r := 0; r < n; r += 2 {
		b := block2{label: fmt.Sprintf("%s_%d", label, r), n: 2 * min(2, n-r)}
		for i := range 4 {
			b.v[i] = y(2*r + i)
		}
		if g.floats {
			b.storeFloats()
			continue
		}
		b.values()
		b.store(stack)
	}
	MOVQ(dst, gemmWords.At(args, "dstAt"))
	MOVQ(add, gemmWords.At(args, "addAt"))
}

// block2 is two rows of two vectors of sums.
type block2 struct {
	label string
	v     [4]reg.VecPhysical
	n     int // vectors
}

// storeFloats writes the values of a block.
func (b *block2) storeFloats() {
	for i, v := range b.v[:b.n] {
		VCVTDQ2PS(v, v)
		VMULPS(Mem{Base: consts, Disp: constMul + 32*(i%2)}, v, v)
		VMOVUPS(v, Mem{Base: dst, Disp: 32 * (i % 2)})
		if i%2 == 1 {
			ADDQ(dstStride, dst)
		}
	}
}

// values makes words of the sums, before the table or the bounds.
func (b *block2) values() {
	for i, v := range b.v[:b.n] {
		VCVTDQ2PS(v, v)
		VMULPS(Mem{Base: consts, Disp: constMul + 32*(i%2)}, v, v)
	}
	TESTQ(add, add)
	JZ(LabelRef(b.label + "_noadd"))
	zero, mul, x := y(13), y(14), y(12)
	VPBROADCASTD(gemmWords.At(args, "addZero"), zero)
	VBROADCASTSS(gemmWords.At(args, "addMul"), mul)
	for i, v := range b.v[:b.n] {
		VPMOVZXBD(Mem{Base: add, Disp: 8 * (i % 2)}, x)
		VPSUBD(zero, x, x)
		VCVTDQ2PS(x, x)
		VMULPS(mul, x, x)
		VADDPS(x, v, v)
		if i%2 == 1 {
			ADDQ(addStride, add)
		}
	}
	Label(b.label + "_noadd")
	for _, v := range b.v[:b.n] {
		VCVTPS2DQ(v, v)
	}
	for i := 0; i < b.n; i += 2 {
		VPACKSSDW(b.v[i+1], b.v[i], b.v[i])
		VPADDSW(Mem{Base: consts, Disp: constZero}, b.v[i], b.v[i])
	}
}

// store writes the rows of a block, and goes on to the next.
func (b *block2) store(stack Mem) {
	x, second := b.v[0], b.v[2]
	if b.n == 2 {
		second = x
	}
	TESTQ(table, table)
	JNZ(LabelRef(b.label + "_table"))
	VPACKUSWB(second, x, x)
	VPMAXUB(Mem{Base: consts, Disp: constLo}, x, x)
	VPMINUB(Mem{Base: consts, Disp: constHi}, x, x)
	VMOVDQU(packedOrder2(), spare)
	VPERMD(x, spare, x)
	VMOVDQU(x.AsX(), Mem{Base: dst})
	ADDQ(dstStride, dst)
	if b.n == 4 {
		VEXTRACTI128(U8(1), x, Mem{Base: dst})
		ADDQ(dstStride, dst)
	}
	JMP(LabelRef(b.label + "_end"))
	Label(b.label + "_table")
	VPXOR(spare, spare, spare)
	for i := 0; i < b.n; i += 2 {
		VPMAXSW(spare, b.v[i], b.v[i])
		VPMINSW(lastEntry(), b.v[i], b.v[i])
		VMOVDQU(b.v[i], stack.Offset(16*i))
	}
	for r := range b.n / 2 {
		for i := range 16 {
			// A vector has columns 0 to 3 and 8 to 11, and then the others.
			column := i%4 + i/4%2*8 + i/8*4
			MOVWLZX(stack.Offset(32*r+2*i), code.As32())
			MOVB(Mem{Base: table, Index: code, Scale: 1, Disp: tableCodes}, codeAt.As8())
			MOVB(codeAt.As8(), Mem{Base: dst, Disp: column})
		}
		ADDQ(dstStride, dst)
	}
	Label(b.label + "_end")
}

// tableCodes is the offset of the entries one after the other in struct Table.
const tableCodes = 512

// lastEntry returns words of the last entry of a table.
func lastEntry() Mem { return simd.AVX2.Int(510<<16 | 510) }
