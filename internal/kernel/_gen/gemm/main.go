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
	for _, gather := range []bool{false, true} {
		pointwise(simd.AVX2, gather)
		pointwise(simd.AVX512, gather)
	}
	pointwiseQuad(simd.AVX2, 8, 1)
	pointwiseQuad(simd.AVX2, 4, 2)
	mulTransA(simd.AVX2)
	mulTransA(simd.AVX512)
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
	aTile   = reg.RSI // first row of the tile
	dTile   = reg.RDI // first row of the destination tile
	addTile = reg.R15 // first row of the residual tile, or 0
	rows    = reg.R13 // rows left
	bPanel  = reg.RBX
	aStride = reg.R8
	a3      = reg.R10 // 3·aStride
	a5      = reg.R11 // 5·aStride, or with mulTransA 3·bStride
	bStride = reg.R9  // distance to the second panel, or with mulTransA to the next pixel

	aRun  = [2]reg.GPPhysical{reg.RAX, reg.R12} // rows 0-6 and 7-13 at the current step
	bRun  = reg.RDX
	count = reg.RCX
	tmp   = reg.R14
)

// form is what a tile multiplies.
type form int

const (
	// byRow: each row of the tile is a pixel, a step of the reduction is a
	// channel, and the columns are in packed panels.
	byRow form = iota
	// byPixel: each row of the tile is a channel, a step is a pixel, and the
	// columns are channels of the same pixel in another matrix.
	byPixel
)

// local is what a product by row keeps on the stack.
type local struct {
	spill Mem // room for registers
	ahead Mem // with AVX-512, the distance to the panel that a tile prefetches
}

// tile is a block of outputs held in registers.
type tile struct {
	*simd.ISA
	form       form
	rows, vecs int
	sets       int  // interleaved partial sums, to hide the latency of small tiles
	masked     bool // with byPixel and AVX2: the last vector is not full
	gather     bool // with byRow: where channels lie in a pixel is read from a table
	local      local
	name       string
}

func newTile(s *simd.ISA, f form, rows, vecs int, masked bool, on local) tile {
	t := tile{ISA: s, form: f, rows: rows, vecs: vecs, masked: masked, local: on, sets: 1, name: fmt.Sprintf("r%dv%d", rows, vecs)}
	if masked {
		t.name += "m"
	}
	for t.sets < unroll && t.rows*t.vecs*t.sets*2 <= t.Regs-4 {
		t.sets *= 2
	}
	return t
}

// all returns the registers: those of the first set of sums, then others.
func (t tile) all() []reg.VecPhysical {
	regs := make([]reg.VecPhysical, t.Regs)
	for i := range regs {
		regs[i] = t.V(i)
	}
	return regs
}

func (t tile) label(s string) string      { return t.name + "_" + s }
func (t tile) ref(s string) LabelRef      { return LabelRef(t.label(s)) }
func (t tile) temp(i int) reg.VecPhysical { return t.V(t.Regs - 4 + i) }
func (t tile) acc(set, row, vec int) reg.VecPhysical {
	return t.V((set*t.rows+row)*t.vecs + vec)
}

// times returns m plus n times the stride in register one; three holds three
// times it, and five five times.
func times(m Mem, n int, one, three, five reg.GPPhysical) Mem {
	switch n {
	case 1, 2, 4:
		m.Index, m.Scale = one, uint8(n)
	case 3:
		m.Index, m.Scale = three, 1
	case 5:
		m.Index, m.Scale = five, 1
	case 6:
		m.Index, m.Scale = three, 2
	}
	return m
}

// aMem addresses the factor of a row at a step from the current one.
func (t tile) aMem(row, step int) Mem {
	if t.form == byPixel {
		return times(Mem{Base: aRun[0], Disp: 4 * row}, step, aStride, a3, nil)
	}
	if t.gather {
		step = 0
	}
	return sourceMem(row, step)
}

// sourceMem addresses the value of a row of the source tile at a step from the
// current one.
func sourceMem(row, step int) Mem {
	return times(Mem{Base: aRun[row/7], Disp: 4 * step}, row%7, aStride, a3, a5)
}

// bMem addresses a vector of columns at a step from the current one.
func (t tile) bMem(step, vec int) Mem {
	m := Mem{Base: bRun, Disp: vec * t.Bytes()}
	switch {
	case t.form == byPixel:
		return times(m, step, bStride, a5, nil)
	case t.Wide() && vec == 1:
		m.Disp, m.Index, m.Scale = 0, bStride, 1
	}
	m.Disp += step * panelBytes
	return m
}

// step adds the products of one reduction step.
func (t tile) step(j int) {
	set := j % t.sets
	if t.gather {
		MOVQ(Mem{Base: tmp, Disp: 8 * j}, aRun[0])
		LEAQ(Mem{Base: aTile, Index: aRun[0], Scale: 4}, aRun[0])
		t.upperRows()
	}
	if t.form == byRow && t.rows >= 4 { // the next panel will be wanted soon
		if t.Wide() && t.gather {
			PREFETCHT1(Mem{Base: bRun, Index: bStride, Scale: 2, Disp: j * panelBytes})
		} else if t.Wide() {
			PREFETCHT1(Mem{Base: bRun, Index: tmp, Scale: 1, Disp: j * panelBytes})
		} else if j == 0 {
			PREFETCHT0(Mem{Base: bRun, Index: bStride, Scale: 1})
		}
	}
	for v := range t.vecs {
		if t.form == byPixel && v == t.vecs-1 && (t.Wide() || t.masked) {
			t.ISA.Load(t.bMem(j, v), t.mask(), t.temp(v))
		} else {
			VMOVUPS(t.bMem(j, v), t.temp(v))
		}
	}
	for r := range t.rows {
		if t.Wide() && t.vecs == 1 {
			VFMADD231PS_BCST(t.aMem(r, j), t.temp(0), t.acc(set, r, 0))
			continue
		}
		a := t.temp(2 + r%2)
		if t.masked {
			a = t.temp(2)
		}
		VBROADCASTSS(t.aMem(r, j), a)
		for v := range t.vecs {
			VFMADD231PS(t.temp(v), a, t.acc(set, r, v))
		}
	}
}

// mask is what selects the columns of the last vector.
func (t tile) mask() simd.Mask {
	if t.Wide() {
		return simd.KMask(reg.K1)
	}
	return simd.VMask(t.temp(3))
}

// advance moves the running pointers by a number of steps.
func (t tile) advance(steps int) {
	if t.form == byPixel {
		if steps == 1 {
			ADDQ(aStride, aRun[0])
			ADDQ(bStride, bRun)
		} else {
			LEAQ(Mem{Base: aRun[0], Index: aStride, Scale: uint8(steps)}, aRun[0])
			LEAQ(Mem{Base: bRun, Index: bStride, Scale: uint8(steps)}, bRun)
		}
		return
	}
	ADDQ(U32(uint32(panelBytes*steps)), bRun)
	if t.gather {
		ADDQ(U32(uint32(8*steps)), tmp)
		return
	}
	ADDQ(U32(uint32(4*steps)), aRun[0])
	if t.rows > 7 {
		ADDQ(U32(uint32(4*steps)), aRun[1])
	}
}

// upperRows sets the pointer of the rows from the eighth on by that of the
// first.
func (t tile) upperRows() {
	if t.rows > 7 {
		LEAQ(Mem{Base: aRun[0], Index: a3, Scale: 2}, aRun[1])
		ADDQ(aStride, aRun[1])
	}
}

// compute emits the whole tile: sums, epilogue and stores, leaving the tile
// pointers at the next rows.
func (t tile) compute() {
	t.start()
	if t.form == byRow && t.rows >= 4 && t.Wide() && !t.gather {
		// Tiles prefetch the two panels after theirs by turns.
		LEAQ(Mem{Base: bStride, Index: bStride, Scale: 4}, tmp)
		SUBQ(t.local.ahead, tmp)
		MOVQ(tmp, t.local.ahead)
	}
	if t.gather {
		Load(Param("from"), tmp)
	} else {
		MOVQ(aTile, aRun[0])
		if t.form == byRow {
			t.upperRows()
		}
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
	if t.form == byPixel {
		ADDQ(U32(uint32(4*t.rows)), aTile)
	} else {
		if !t.Wide() && t.rows >= 4 {
			ADDQ(U8(panelBytes), bStride)
		}
		IMUL3Q(U32(uint32(t.rows)), aStride, tmp)
		ADDQ(tmp, aTile)
		t.residual()
		t.activate()
	}
	t.store()
}

// start sets the sums to the bias, or to zero.
func (t tile) start() {
	if t.form == byRow {
		Load(Param("bias"), tmp)
		for v := range t.vecs {
			VMOVUPS(Mem{Base: tmp, Disp: v * t.Bytes()}, t.acc(0, 0, v))
		}
	}
	for set := range t.sets {
		for r := range t.rows {
			for v := range t.vecs {
				switch {
				case t.form == byPixel || set > 0:
					t.Zero(t.acc(set, r, v))
				case r > 0:
					VMOVUPS(t.acc(0, 0, v), t.acc(0, r, v))
				}
			}
		}
	}
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
		if act == simd.Swish {
			t.Swish(t.all()[:t.rows*t.vecs], t.all()[t.rows*t.vecs:], t.local.spill, bRun)
		} else {
			for _, x := range t.all()[:t.rows*t.vecs] {
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

// store writes the rows, with byPixel after adding what they held.
func (t tile) store() {
	last := t.vecs - 1
	if t.Wide() {
		if t.form == byPixel {
			t.addRows(true)
		}
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
	if t.form == byPixel {
		t.addRows(t.masked)
	} else {
		t.ifTail("tail")
	}
	if t.form == byRow || !t.masked {
		Load(Param("dstStride"), count)
		for r := range t.rows {
			for v := range t.vecs {
				VMOVUPS(t.acc(0, r, v), Mem{Base: dTile, Disp: v * t.Bytes()})
			}
			ADDQ(count, dTile)
		}
	}
	if t.form == byRow {
		JMP(t.ref("end"))
		Label(t.label("tail"))
	}
	if t.form == byRow || t.masked {
		n := aRun[0]
		Load(Param("cols"), n)
		SUBQ(U32(uint32(last*t.Lanes)), n)
		Load(Param("dstStride"), count)
		for r := range t.rows {
			if last == 1 {
				VMOVUPS(t.acc(0, r, 0), Mem{Base: dTile})
			}
			LEAQ(Mem{Base: dTile, Disp: last * t.Bytes()}, tmp)
			t.StoreTail(t.acc(0, r, last), n, t.mask(), tmp, t.label(fmt.Sprintf("row%d", r)))
			ADDQ(count, dTile)
		}
	}
	Label(t.label("end"))
}

// ifTail jumps if the last vector of the columns is not full.
func (t tile) ifTail(label string) {
	Load(Param("cols"), count)
	CMPQ(count, U32(uint32(t.vecs*t.Lanes)))
	JNE(t.ref(label))
}

// residual adds the residual, if there is one.
func (t tile) residual() {
	TESTQ(addTile, addTile)
	JZ(t.ref("plain"))
	if !t.Wide() {
		t.ifTail("residualTail")
		t.addRows(false)
		JMP(t.ref("plain"))
		Label(t.label("residualTail"))
		SUBQ(U32(uint32((t.vecs-1)*t.Lanes)), count)
		t.TailMask(count, tmp, t.temp(3), nil)
	}
	t.addRows(true)
	Label(t.label("plain"))
}

// addRows adds the rows of the residual, which with byPixel is the
// destination, with a mask on the last vector.
func (t tile) addRows(masked bool) {
	from, stride := addTile, "addStride"
	if t.form == byPixel {
		from, stride = bRun, "dstStride"
		MOVQ(dTile, bRun)
	}
	Load(Param(stride), count)
	for r := range t.rows {
		for v := range t.vecs {
			src := Mem{Base: from, Disp: v * t.Bytes()}
			if masked && v == t.vecs-1 {
				t.ISA.Load(src, t.mask(), t.temp(1))
				VADDPS(t.temp(1), t.acc(0, r, v), t.acc(0, r, v))
			} else {
				VADDPS(src, t.acc(0, r, v), t.acc(0, r, v))
			}
		}
		ADDQ(count, from)
	}
}

// heights returns the rows of the tiles tried in turn, the first repeatedly.
func heights(s *simd.ISA, vecs int) []int {
	switch {
	case s.Wide():
		return []int{14, 7, 6, 5, 4, 3, 2, 1}
	case vecs == 1:
		return []int{12, 6, 5, 4, 3, 2, 1}
	}
	return []int{6, 5, 4, 3, 2, 1}
}

// allRows emits the tiles that together do all rows, and returns.
func allRows(s *simd.ISA, f form, vecs int, masked, gather bool, on local) {
	for i, h := range heights(s, vecs) {
		t := newTile(s, f, h, vecs, masked, on)
		t.gather = gather
		start, next := t.label("start"), t.label("next")
		if i == 0 {
			Label(start)
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

// pointwise emits the product of rows pixels with one panel, or with two side
// by side for AVX-512. With gather, where channels lie in a pixel is read from a
// table.
func pointwise(s *simd.ISA, gather bool) {
	params := "dst *float32, dstStride int, src *float32, srcStride int, rows int, b *float32, bNext int, k int, cols int, bias *float32, act int, add *float32, addStride int"
	if gather {
		name := "gathered" + s.Name
		TEXT(name, attr.NOSPLIT, "func("+params+", from *int)")
		Doc(name + " is pointwise" + s.Name + " for channels of which the kth is element from[k] of a pixel.")
	} else {
		name := "pointwise" + s.Name
		TEXT(name, attr.NOSPLIT, "func("+params+")")
		Doc(name+" is the product of rows pixels with cols columns from b on. Strides",
			"and distances are in bytes; bias has a value for each lane of the columns.")
	}
	Pragma("noescape")
	on := local{spill: AllocLocal(s.SwishStack(s.Regs-4, 4))}
	Load(Param("dst"), dTile)
	Load(Param("src"), aTile)
	Load(Param("srcStride"), aStride)
	Load(Param("rows"), rows)
	Load(Param("b"), bPanel)
	Load(Param("bNext"), bStride)
	Load(Param("add"), addTile)
	LEAQ(Mem{Base: aStride, Index: aStride, Scale: 2}, a3)
	LEAQ(Mem{Base: aStride, Index: aStride, Scale: 4}, a5)
	if s.Wide() && !gather {
		on.ahead = AllocLocal(8)
		LEAQ(Mem{Base: bStride, Index: bStride, Scale: 2}, tmp)
		MOVQ(tmp, on.ahead)
	}
	Load(Param("cols"), count)
	CMPQ(count, U32(uint32(s.Lanes)))
	JLE(LabelRef("narrow"))
	for vecs := 2; vecs >= 1; vecs-- {
		if vecs == 1 {
			Label("narrow")
		}
		wideMask(s, vecs)
		allRows(s, byRow, vecs, false, gather, on)
	}
}

// wideMask sets AVX-512's mask of the last vector from the count of columns.
func wideMask(s *simd.ISA, vecs int) {
	if !s.Wide() {
		return
	}
	if vecs == 2 {
		SUBQ(U32(uint32(s.Lanes)), count)
	}
	s.TailMask(count, tmp, nil, reg.K1)
}

// mulTransA emits the product of the transpose of a matrix of k pixels with
// up to two vectors of columns of another.
func mulTransA(s *simd.ISA) {
	TEXT("mulTransA"+s.Name, attr.NOSPLIT, "func(dst *float32, dstStride int, dy *float32, dyStride int, rows int, x *float32, xStride int, k int, cols int)")
	Pragma("noescape")
	Doc("mulTransA"+s.Name+" adds to dst, of rows rows and cols columns, the products of the",
		"channels of dy with those of x, summed over k pixels. Strides are in bytes.")
	Load(Param("dst"), dTile)
	Load(Param("dy"), aTile)
	Load(Param("dyStride"), aStride)
	Load(Param("rows"), rows)
	Load(Param("x"), bPanel)
	Load(Param("xStride"), bStride)
	LEAQ(Mem{Base: aStride, Index: aStride, Scale: 2}, a3)
	LEAQ(Mem{Base: bStride, Index: bStride, Scale: 2}, a5)
	Load(Param("cols"), count)
	CMPQ(count, U32(uint32(s.Lanes)))
	JLE(LabelRef("narrow"))
	for vecs := 2; vecs >= 1; vecs-- {
		if vecs == 1 {
			Label("narrow")
		}
		if s.Wide() {
			wideMask(s, vecs)
			allRows(s, byPixel, vecs, false, false, local{})
			continue
		}
		masked := fmt.Sprintf("masked%d", vecs)
		SUBQ(U32(uint32(vecs*s.Lanes)), count)
		JNE(LabelRef(masked))
		allRows(s, byPixel, vecs, false, false, local{})
		Label(masked)
		ADDQ(U32(uint32(s.Lanes)), count)
		s.TailMask(count, tmp, s.V(s.Regs-1), nil)
		allRows(s, byPixel, vecs, true, false, local{})
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
