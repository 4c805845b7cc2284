// Command gemm generates the assembly of the matrix products.
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
	pointwise(simd.AVX2)
	pointwise(simd.AVX512)
	fmaLoop(simd.AVX2)
	fmaLoop(simd.AVX512)
	Generate()
}

// panelBytes is the size of one row of a packed panel: 16 columns.
const panelBytes = 64

// unroll is how many steps of the reduction one round of the loop does.
const unroll = 4

// General-purpose registers that hold one thing throughout.
var (
	aTile   = reg.RSI // first row of the source tile
	dTile   = reg.RDI // first row of the destination tile
	addTile = reg.R15 // first row of the residual tile, or 0
	rows    = reg.R13 // rows left
	bPanel  = reg.RBX
	aStride = reg.R8
	a3      = reg.R10 // 3·aStride
	a5      = reg.R11 // 5·aStride
	bNext   = reg.R9  // distance to the second panel

	aRun  = [2]reg.GPPhysical{reg.RAX, reg.R12} // rows 0-6 and 7-13 at the current step
	bRun  = reg.RDX
	count = reg.RCX
	tmp   = reg.R14
)

// tile is a block of outputs held in registers.
type tile struct {
	*simd.ISA
	rows, vecs int
	sets       int // interleaved partial sums, to hide the latency of small tiles
	name       string
}

func newTile(s *simd.ISA, rows, vecs int) tile {
	t := tile{ISA: s, rows: rows, vecs: vecs, sets: 1, name: fmt.Sprintf("r%dv%d", rows, vecs)}
	for t.sets < unroll && t.rows*t.vecs*t.sets*2 <= t.Regs-4 {
		t.sets *= 2
	}
	return t
}

func (t tile) label(s string) string      { return t.name + "_" + s }
func (t tile) ref(s string) LabelRef      { return LabelRef(t.label(s)) }
func (t tile) temp(i int) reg.VecPhysical { return t.V(t.Regs - 4 + i) }
func (t tile) acc(set, row, vec int) reg.VecPhysical {
	return t.V((set*t.rows+row)*t.vecs + vec)
}

// rowMem addresses a row of the source tile at the current step.
func rowMem(row, disp int) Mem {
	m := Mem{Base: aRun[row/7], Disp: disp}
	switch row % 7 {
	case 1:
		m.Index, m.Scale = aStride, 1
	case 2:
		m.Index, m.Scale = aStride, 2
	case 3:
		m.Index, m.Scale = a3, 1
	case 4:
		m.Index, m.Scale = aStride, 4
	case 5:
		m.Index, m.Scale = a5, 1
	case 6:
		m.Index, m.Scale = a3, 2
	}
	return m
}

// panelMem addresses a vector of the packed panels at the current step.
func (t tile) panelMem(step, vec int) Mem {
	m := Mem{Base: bRun, Disp: step * panelBytes}
	if t.Wide() && vec == 1 {
		m.Index, m.Scale = bNext, 1
	} else {
		m.Disp += vec * t.Bytes()
	}
	return m
}

// step adds the products of one reduction step.
func (t tile) step(j int) {
	set := j % t.sets
	for v := range t.vecs {
		VMOVUPS(t.panelMem(j, v), t.temp(v))
	}
	for r := range t.rows {
		if t.Wide() && t.vecs == 1 {
			VFMADD231PS_BCST(rowMem(r, 4*j), t.temp(0), t.acc(set, r, 0))
			continue
		}
		a := t.temp(2 + r%2)
		VBROADCASTSS(rowMem(r, 4*j), a)
		for v := range t.vecs {
			VFMADD231PS(t.temp(v), a, t.acc(set, r, v))
		}
	}
}

// advance moves the running pointers by a number of steps.
func (t tile) advance(steps int) {
	ADDQ(U32(uint32(4*steps)), aRun[0])
	if t.rows > 7 {
		ADDQ(U32(uint32(4*steps)), aRun[1])
	}
	ADDQ(U32(uint32(panelBytes*steps)), bRun)
}

// compute emits the whole tile: sums, epilogue and stores, leaving the tile
// pointers at the next rows.
func (t tile) compute() {
	Load(Param("bias"), tmp)
	for v := range t.vecs {
		VMOVUPS(Mem{Base: tmp, Disp: v * t.Bytes()}, t.acc(0, 0, v))
	}
	for set := range t.sets {
		for r := range t.rows {
			for v := range t.vecs {
				switch {
				case set > 0:
					t.Zero(t.acc(set, r, v))
				case r > 0:
					VMOVUPS(t.acc(0, 0, v), t.acc(0, r, v))
				}
			}
		}
	}
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
	for n := t.sets / 2; n >= 1; n /= 2 {
		for set := range n {
			for r := range t.rows {
				for v := range t.vecs {
					VADDPS(t.acc(set+n, r, v), t.acc(set, r, v), t.acc(set, r, v))
				}
			}
		}
	}
	IMUL3Q(U32(uint32(t.rows)), aStride, tmp)
	ADDQ(tmp, aTile)
	t.activate()
	t.store()
}

// activate applies the activation to the sums.
func (t tile) activate() {
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
		for r := range t.rows {
			for v := range t.vecs {
				t.Activate(act, simd.Group{X: t.acc(0, r, v), A: t.temp(0), B: t.temp(1), C: t.temp(2)})
			}
		}
		if i < len(acts)-1 {
			JMP(t.ref("linear"))
			Label(next)
		}
	}
	Label(t.label("linear"))
}

// store adds the residual and writes the rows.
func (t tile) store() {
	last := t.vecs - 1
	if t.Wide() {
		t.addRows(simd.KMask(reg.K1), true)
		Load(Param("dstStride"), count)
		for r := range t.rows {
			if last == 1 {
				VMOVUPS(t.acc(0, r, 0), Mem{Base: dTile})
				VMOVUPS(t.acc(0, r, 1), reg.K1, Mem{Base: dTile, Disp: t.Bytes()})
			} else {
				VMOVUPS(t.acc(0, r, 0), reg.K1, Mem{Base: dTile})
			}
			ADDQ(count, dTile)
		}
		return
	}
	// The last vector is full or has n lanes.
	n := aRun[0]
	Load(Param("cols"), n)
	CMPQ(n, U32(uint32(t.vecs*t.Lanes)))
	JNE(t.ref("tail"))
	t.addRows(simd.Mask{}, false)
	Load(Param("dstStride"), count)
	for r := range t.rows {
		for v := range t.vecs {
			VMOVUPS(t.acc(0, r, v), Mem{Base: dTile, Disp: v * t.Bytes()})
		}
		ADDQ(count, dTile)
	}
	JMP(t.ref("end"))

	Label(t.label("tail"))
	SUBQ(U32(uint32(last*t.Lanes)), n)
	MOVQ(n, count)
	mask := t.TailMask(count, tmp, t.temp(0), reg.K1)
	t.addRows(mask, true)
	Load(Param("dstStride"), count)
	for r := range t.rows {
		if last == 1 {
			VMOVUPS(t.acc(0, r, 0), Mem{Base: dTile})
		}
		LEAQ(Mem{Base: dTile, Disp: last * t.Bytes()}, tmp)
		t.StoreTail(t.acc(0, r, last), n, mask, tmp, t.label(fmt.Sprintf("row%d", r)))
		ADDQ(count, dTile)
	}
	Label(t.label("end"))
}

// addRows adds the residual, if there is one, with a mask on the last vector.
func (t tile) addRows(mask simd.Mask, masked bool) {
	skip := t.label("plain")
	if masked && !t.Wide() {
		skip = t.label("tailplain")
	}
	TESTQ(addTile, addTile)
	JZ(LabelRef(skip))
	Load(Param("addStride"), count)
	for r := range t.rows {
		for v := range t.vecs {
			src := Mem{Base: addTile, Disp: v * t.Bytes()}
			if masked && v == t.vecs-1 {
				t.ISA.Load(src, mask, t.temp(1))
				VADDPS(t.temp(1), t.acc(0, r, v), t.acc(0, r, v))
			} else {
				VADDPS(src, t.acc(0, r, v), t.acc(0, r, v))
			}
		}
		ADDQ(count, addTile)
	}
	Label(skip)
}

// pointwise emits the product of rows pixels with one panel, or with two side
// by side for AVX-512.
func pointwise(s *simd.ISA) {
	TEXT("pointwise"+s.Name, attr.NOSPLIT, "func(dst *float32, dstStride int, src *float32, srcStride int, rows int, b *float32, bNext int, k int, cols int, bias *float32, act int, add *float32, addStride int)")
	Pragma("noescape")
	Doc("pointwise"+s.Name+" is the product of rows pixels with cols columns from b on. Strides",
		"and distances are in bytes; bias has a value for each lane of the columns.")
	Load(Param("dst"), dTile)
	Load(Param("src"), aTile)
	Load(Param("srcStride"), aStride)
	Load(Param("rows"), rows)
	Load(Param("b"), bPanel)
	Load(Param("bNext"), bNext)
	Load(Param("add"), addTile)
	LEAQ(Mem{Base: aStride, Index: aStride, Scale: 2}, a3)
	LEAQ(Mem{Base: aStride, Index: aStride, Scale: 4}, a5)
	Load(Param("cols"), count)

	heights := [2][]int{{12, 6, 5, 4, 3, 2, 1}, {6, 5, 4, 3, 2, 1}}
	if s.Wide() {
		heights = [2][]int{{14, 7, 6, 5, 4, 3, 2, 1}, {14, 7, 6, 5, 4, 3, 2, 1}}
	}
	CMPQ(count, U32(uint32(s.Lanes)))
	JLE(LabelRef("narrow"))
	for vecs := 2; vecs >= 1; vecs-- {
		if vecs == 1 {
			Label("narrow")
		}
		if s.Wide() {
			if vecs == 2 {
				SUBQ(U32(uint32(s.Lanes)), count)
			}
			s.TailMask(count, tmp, nil, reg.K1)
		}
		for i, h := range heights[vecs-1] {
			t := newTile(s, h, vecs)
			start, next := t.label("start"), t.label("next")
			if i == 0 {
				Label(start)
			}
			if h == 1 {
				TESTQ(rows, rows)
				JZ(LabelRef(next))
				t.compute()
				Label(next)
				break
			}
			CMPQ(rows, U32(uint32(h)))
			JLT(LabelRef(next))
			SUBQ(U32(uint32(h)), rows)
			t.compute()
			if i == 0 {
				JMP(LabelRef(start))
			}
			Label(next)
		}
		VZEROUPPER()
		RET()
	}
}

// chains is the number of independent sums of fmaLoop: enough for two units
// of five cycles' latency.
const chains = 12

// fmaLoop emits rounds of independent multiply-adds in registers.
func fmaLoop(s *simd.ISA) {
	TEXT("fmaLoop"+s.Name, attr.NOSPLIT, "func(rounds int)")
	Doc("fmaLoop" + s.Name + fmt.Sprintf(" does rounds times %d vector multiply-adds in registers.", chains))
	for i := range chains + 2 {
		s.Zero(s.V(i))
	}
	Load(Param("rounds"), count)
	Label("loop")
	for i := range chains {
		VFMADD231PS(s.V(chains), s.V(chains+1), s.V(i))
	}
	DECQ(count)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
