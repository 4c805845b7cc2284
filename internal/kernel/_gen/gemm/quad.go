package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

// quadTile is a tile whose last four columns share vectors, two rows to each:
// 12 columns take 3 vectors for two rows instead of 4, and 20 take 5 instead
// of 6. AVX2 alone gains by it.
type quadTile struct {
	*simd.ISA
	rows, vecs int // rows is even; vecs is the full vectors of a row
	name       string
}

func (t quadTile) label(s string) string            { return t.name + "_" + s }
func (t quadTile) ref(s string) LabelRef            { return LabelRef(t.label(s)) }
func (t quadTile) acc(row, vec int) reg.VecPhysical { return t.V(row*t.vecs + vec) }
func (t quadTile) quad(pair int) reg.VecPhysical    { return t.V(t.rows*t.vecs + pair) }
func (t quadTile) temp(i int) reg.VecPhysical       { return t.V(t.rows*t.vecs + t.rows/2 + i) }
func (t quadTile) sums() []reg.VecPhysical          { return t.all()[:t.rows*t.vecs+t.rows/2] }
func (t quadTile) rest() []reg.VecPhysical          { return t.all()[t.rows*t.vecs+t.rows/2:] }

func (t quadTile) all() []reg.VecPhysical {
	regs := make([]reg.VecPhysical, t.Regs)
	for i := range regs {
		regs[i] = t.V(i)
	}
	return regs
}

// pointwiseQuad emits the product of rows pixels, a multiple of the tile's
// rows, with vecs vectors of columns and four more.
func pointwiseQuad(s *simd.ISA, rowsOfTile, vecs int) {
	t := quadTile{ISA: s, rows: rowsOfTile, vecs: vecs, name: "tile"}
	cols := vecs*s.Lanes + 4
	name := fmt.Sprintf("pointwise%d%s", cols, s.Name)
	TEXT(name, attr.NOSPLIT, "func(dst *float32, dstStride int, src *float32, srcStride int, rows int, b *float32, bNext int, k int, bias *float32, act int, add *float32, addStride int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s is the product of rows pixels, a multiple of %d, with %d", name, t.rows, cols),
		"columns from b on. Strides and distances are in bytes.")
	stack := AllocLocal(s.SwishStack(len(t.sums()), len(t.rest())))
	Load(Param("dst"), dTile)
	Load(Param("src"), aTile)
	Load(Param("srcStride"), aStride)
	Load(Param("rows"), rows)
	Load(Param("b"), bPanel)
	Load(Param("bNext"), bStride)
	Load(Param("add"), addTile)
	LEAQ(Mem{Base: aStride, Index: aStride, Scale: 2}, a3)
	LEAQ(Mem{Base: aStride, Index: aStride, Scale: 4}, a5)
	Label(t.label("next"))
	t.start()
	MOVQ(aTile, aRun[0])
	if t.rows > 7 {
		LEAQ(Mem{Base: aRun[0], Index: a3, Scale: 2}, aRun[1])
		ADDQ(aStride, aRun[1])
	}
	MOVQ(bPanel, bRun)
	Load(Param("k"), count)
	SUBQ(U32(unroll), count)
	JLT(t.ref("rest"))

	Label(t.label("loop"))
	for j := range unroll {
		t.step(j)
	}
	t.advance(unroll)
	SUBQ(U32(unroll), count)
	JGE(t.ref("loop"))

	Label(t.label("rest"))
	ADDQ(U32(unroll), count)
	JZ(t.ref("done"))
	Label(t.label("single"))
	t.step(0)
	t.advance(1)
	DECQ(count)
	JNZ(t.ref("single"))

	Label(t.label("done"))
	IMUL3Q(U32(uint32(t.rows)), aStride, tmp)
	ADDQ(tmp, aTile)
	t.addRows()
	t.activate(stack)
	t.store()
	SUBQ(U32(uint32(t.rows)), rows)
	JNZ(t.ref("next"))
	VZEROUPPER()
	RET()
}

// start sets the sums to the bias.
func (t quadTile) start() {
	Load(Param("bias"), tmp)
	for v := range t.vecs {
		VMOVUPS(Mem{Base: tmp, Disp: v * t.Bytes()}, t.acc(0, v))
	}
	VBROADCASTF128(Mem{Base: tmp, Disp: t.vecs * t.Bytes()}, t.quad(0))
	for r := 1; r < t.rows; r++ {
		for v := range t.vecs {
			VMOVUPS(t.acc(0, v), t.acc(r, v))
		}
	}
	for p := 1; p < t.rows/2; p++ {
		VMOVUPS(t.quad(0), t.quad(p))
	}
}

// step adds the products of one reduction step.
func (t quadTile) step(j int) {
	quads, even, odd := t.temp(t.vecs), t.temp(t.vecs+1), t.temp(t.vecs+2)
	for v := range t.vecs {
		VMOVUPS(Mem{Base: bRun, Disp: j*panelBytes + v*t.Bytes()}, t.temp(v))
	}
	if t.vecs*t.Bytes() < panelBytes {
		VBROADCASTF128(Mem{Base: bRun, Disp: j*panelBytes + t.vecs*t.Bytes()}, quads)
	} else {
		VBROADCASTF128(Mem{Base: bRun, Index: bStride, Scale: 1, Disp: j * panelBytes}, quads)
	}
	for p := range t.rows / 2 {
		for i, a := range []reg.VecPhysical{even, odd} {
			r := 2*p + i
			VBROADCASTSS(sourceMem(r, j), a)
			for v := range t.vecs {
				VFMADD231PS(t.temp(v), a, t.acc(r, v))
			}
		}
		VBLENDPS(U8(0xf0), odd, even, even)
		VFMADD231PS(quads, even, t.quad(p))
	}
}

func (t quadTile) advance(steps int) {
	ADDQ(U32(uint32(4*steps)), aRun[0])
	if t.rows > 7 {
		ADDQ(U32(uint32(4*steps)), aRun[1])
	}
	ADDQ(U32(uint32(panelBytes*steps)), bRun)
}

// activate applies the activation to the sums.
func (t quadTile) activate(stack Mem) {
	Load(Param("act"), count)
	TESTQ(count, count)
	JZ(t.ref("linear"))
	acts := []int{simd.Swish, simd.ReLU, simd.ReLU6, simd.HardSwish}
	for i, act := range acts {
		next := t.label(fmt.Sprintf("act%d", i+1))
		if i < len(acts)-1 {
			CMPQ(count, U32(uint32(act)))
			JNE(LabelRef(next))
		}
		if act == simd.Swish {
			t.Swish(t.sums(), t.rest(), stack, bRun)
		} else {
			for _, x := range t.sums() {
				t.Activate(act, simd.Group{X: x, A: t.temp(0), B: t.temp(1), C: t.temp(2)})
			}
		}
		if i < len(acts)-1 {
			JMP(t.ref("linear"))
			Label(next)
		}
	}
	Label(t.label("linear"))
}

// addRows adds the residual, if there is one.
func (t quadTile) addRows() {
	TESTQ(addTile, addTile)
	JZ(t.ref("plain"))
	Load(Param("addStride"), count)
	disp := t.vecs * t.Bytes()
	for r := range t.rows {
		for v := range t.vecs {
			VADDPS(Mem{Base: addTile, Disp: v * t.Bytes()}, t.acc(r, v), t.acc(r, v))
		}
		if r%2 == 0 {
			VMOVUPS(Mem{Base: addTile, Disp: disp}, t.temp(0).AsX())
		} else {
			VINSERTF128(U8(1), Mem{Base: addTile, Disp: disp}, t.temp(0), t.temp(0))
			VADDPS(t.temp(0), t.quad(r/2), t.quad(r/2))
		}
		ADDQ(count, addTile)
	}
	Label(t.label("plain"))
}

// store writes the rows.
func (t quadTile) store() {
	Load(Param("dstStride"), count)
	disp := t.vecs * t.Bytes()
	for r := range t.rows {
		for v := range t.vecs {
			VMOVUPS(t.acc(r, v), Mem{Base: dTile, Disp: v * t.Bytes()})
		}
		if r%2 == 0 {
			VMOVUPS(t.quad(r/2).AsX(), Mem{Base: dTile, Disp: disp})
		} else {
			VEXTRACTF128(U8(1), t.quad(r/2), Mem{Base: dTile, Disp: disp})
		}
		ADDQ(count, dTile)
	}
}
