// Command winograd generates the assembly of the transforms of Winograd's
// convolution.
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
		for _, t := range []transform{{name: "2", tile: 2, side: 4}, {name: "4", tile: 4, side: 6}, {name: "2By2", tile: 2, side: 5}} {
			t.ISA = s
			t.input()
			t.output()
		}
	}
	product(simd.AVX2)
	Generate()
}

// transform generates the functions for tiles of tile×tile outputs, which are
// side×side positions; with side 5, the stride is 2. Both transforms go over the columns of a tile first and
// then over its rows, and keep what is between in the matrix of positions.
type transform struct {
	*simd.ISA
	name       string
	tile, side int
	tail       bool // of fewer channels than a vector has
}

// General-purpose registers.
var (
	positions = reg.RDI // of the tile, at channel 0
	run       = reg.RSI // a column or row of positions, at the current channel
	step      = reg.R8  // between the positions that a one-dimensional transform takes
	step3     = reg.R9
	step5     = reg.R10
	channel   = reg.R11 // in bytes
	left      = reg.R12 // channels
	table     = reg.RBX // of the pixels of the tile
	pixels    = reg.RCX // what the table's offsets start from
	addTable  = reg.R13
	addPixels = reg.R14
	tmp       = reg.RAX
	tmp1      = reg.RDX
)

// The points that the polynomials of a 4×4 tile are evaluated at, besides 0
// and infinity, are ±root and ±1/root.
const (
	root    = 1.4142135623730951
	inverse = 1 / root
)

// position addresses number i of the positions that start at run.
func position(i int) Mem {
	m := Mem{Base: run}
	switch i {
	case 1, 2, 4:
		m.Index, m.Scale = step, uint8(i)
	case 3:
		m.Index, m.Scale = step3, 1
	case 5:
		m.Index, m.Scale = step5, 1
	}
	return m
}

// along makes one-dimensional transforms take positions of a column, or of a
// row.
func (t transform) along(column bool) {
	Load(Param("pitch"), step)
	if column {
		IMUL3Q(U8(uint8(t.side)), step, step)
	}
	LEAQ(Mem{Base: step, Index: step, Scale: 2}, step3)
	LEAQ(Mem{Base: step, Index: step, Scale: 4}, step5)
	LEAQ(Mem{Base: positions, Index: channel, Scale: 1}, run)
}

// next moves run to the next column or row.
func (t transform) next(column bool) {
	if column {
		Load(Param("pitch"), tmp)
	} else {
		Load(Param("pitch"), tmp)
		IMUL3Q(U8(uint8(t.side)), tmp, tmp)
	}
	ADDQ(tmp, run)
}

// eachVector emits body for every vector of channels.
func (t transform) eachVector(body func(t transform)) {
	Load(Param("c"), left)
	XORQ(channel, channel)
	Label("vector")
	CMPQ(left, U32(uint32(t.Lanes)))
	JLT(LabelRef("tail"))
	body(t)
	ADDQ(U32(uint32(t.Bytes())), channel)
	SUBQ(U32(uint32(t.Lanes)), left)
	JMP(LabelRef("vector"))
	Label("tail")
	TESTQ(left, left)
	JZ(LabelRef("end"))
	t.tail = true
	body(t)
	Label("end")
	VZEROUPPER()
	RET()
}

// mask returns what selects the channels that are left, with AVX2 in v.
func (t transform) mask(v reg.VecPhysical) simd.Mask {
	MOVQ(left, tmp)
	return t.TailMask(tmp, tmp1, v, reg.K1)
}

// regs returns vector registers [from, to).
func (t transform) regs(from, to int) (r []reg.VecPhysical) {
	for i := from; i < to; i++ {
		r = append(r, t.V(i))
	}
	return r
}

// input emits the transform of the pixels of one tile.
func (t transform) input() {
	name := "winogradInput" + t.name + t.Name
	TEXT(name, attr.NOSPLIT, "func(dst *float32, pitch int, px **float32, c int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s transforms c channels of a tile of %d×%d pixels at px to positions", name, t.side, t.side),
		"pitch bytes apart. It writes whole vectors.")
	Load(Param("dst"), positions)
	Load(Param("px"), table)
	constants := t.regs(10, 15)
	if t.tile == 4 {
		for i, x := range []float32{inverse, root, 0.5, 2, 2.5} {
			VMOVUPS(t.Float(x), constants[i])
		}
	}
	t.eachVector(func(t transform) {
		x := t.regs(0, t.side)
		var mask simd.Mask
		if t.tail {
			mask = t.mask(t.V(15))
		}
		t.along(true)
		for j := range t.side {
			for i := range t.side {
				MOVQ(Mem{Base: table, Disp: 8 * (i*t.side + j)}, tmp)
				m := Mem{Base: tmp, Index: channel, Scale: 1}
				if t.tail {
					t.Load(m, mask, x[i])
				} else {
					VMOVUPS(m, x[i])
				}
			}
			for i, y := range t.inputs(x, t.regs(6, 10), constants) {
				VMOVUPS(y, position(i))
			}
			t.next(true)
		}
		t.along(false)
		for range t.side {
			for j := range t.side {
				VMOVUPS(position(j), x[j])
			}
			for j, y := range t.inputs(x, t.regs(6, 10), constants) {
				VMOVUPS(y, position(j))
			}
			t.next(false)
		}
	})
}

// inputs emits the one-dimensional transform of x and returns the registers of
// the result. It clobbers x and free.
func (t transform) inputs(x, free, constants []reg.VecPhysical) []reg.VecPhysical {
	if t.side == 5 {
		VSUBPS(x[2], x[0], x[0])
		VSUBPS(x[2], x[4], x[4])
		return []reg.VecPhysical{x[0], x[2], x[4], x[1], x[3]}
	}
	if t.tile == 2 {
		y := free[:4]
		VSUBPS(x[2], x[0], y[0])
		VADDPS(x[2], x[1], y[1])
		VSUBPS(x[1], x[2], y[2])
		VSUBPS(x[1], x[3], y[3])
		return y
	}
	p, q, pp, qq, sum := constants[0], constants[1], constants[2], constants[3], constants[4]
	even, odd, even2, odd2 := free[0], free[1], free[2], free[3]
	VADDPS(x[4], x[0], x[0])
	VADDPS(x[5], x[1], x[5])
	VFNMADD231PS(sum, x[2], x[0])
	VFNMADD231PS(sum, x[3], x[5])
	VMOVAPS(x[4], even)
	VFNMADD231PS(qq, x[2], even)
	VMOVAPS(x[3], odd)
	VFNMADD231PS(qq, x[1], odd)
	VMOVAPS(x[4], even2)
	VFNMADD231PS(pp, x[2], even2)
	VMOVAPS(x[3], odd2)
	VFNMADD231PS(pp, x[1], odd2)
	plusMinus := func(even, odd, factor, plus reg.VecPhysical) {
		VMOVAPS(even, plus)
		VFMADD231PS(factor, odd, plus)
		VFNMADD231PS(factor, odd, even)
	}
	plusMinus(even, odd, p, x[1])
	plusMinus(even2, odd2, q, x[3])
	return []reg.VecPhysical{x[0], x[1], even, x[3], even2, x[5]}
}

// output emits the transform of the positions of one tile to its pixels.
func (t transform) output() {
	name := "winogradOutput" + t.name + t.Name
	TEXT(name, attr.NOSPLIT, "func(src *float32, pitch int, dst *float32, px *int, add *float32, addPx *int, c int, bias *float32, limits *float32)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s transforms c channels of positions pitch bytes apart to a tile of", name),
		fmt.Sprintf("%d×%d pixels, those with offsets px in bytes from dst that are not negative, adds the", t.tile, t.tile),
		"bias and the residual, which may be nil, and keeps the sums within two limits,",
		"unless that is nil. It clobbers the positions.")
	Load(Param("src"), positions)
	Load(Param("px"), table)
	Load(Param("dst"), pixels)
	Load(Param("addPx"), addTable)
	Load(Param("add"), addPixels)
	constants := t.regs(10, 16)
	if t.tile == 4 {
		for i, x := range []float32{inverse, root, 0.5, 2, inverse * inverse * inverse, root * root * root} {
			VMOVUPS(t.Float(x), constants[i])
		}
	}
	t.eachVector(func(t transform) {
		x := t.regs(0, t.side)
		t.along(true)
		for range t.side {
			for i := range t.side {
				VMOVUPS(position(i), x[i])
			}
			for i, y := range t.outputs(x, t.regs(6, 10), constants) {
				VMOVUPS(y, position(i))
			}
			t.next(true)
		}
		t.along(false)
		for i := range t.tile {
			for j := range t.side {
				VMOVUPS(position(j), x[j])
			}
			t.finish(i, t.outputs(x, t.regs(6, 10), constants))
			if i < t.tile-1 {
				t.next(false)
			}
		}
	})
}

// outputs emits the one-dimensional transform of x and returns the registers of
// the result. It clobbers x and free.
func (t transform) outputs(x, free, constants []reg.VecPhysical) []reg.VecPhysical {
	if t.side == 5 {
		VADDPS(x[1], x[0], x[0])
		VADDPS(x[3], x[0], x[0])
		VADDPS(x[2], x[1], x[1])
		VADDPS(x[4], x[1], x[1])
		return x[:2]
	}
	if t.tile == 2 {
		VADDPS(x[1], x[0], x[0])
		VADDPS(x[2], x[0], x[0])
		VSUBPS(x[2], x[1], x[1])
		VADDPS(x[3], x[1], x[1])
		return x[:2]
	}
	sum, diff, sum2, diff2 := free[0], free[1], free[2], free[3]
	VADDPS(x[2], x[1], sum)
	VSUBPS(x[2], x[1], diff)
	VADDPS(x[4], x[3], sum2)
	VSUBPS(x[4], x[3], diff2)
	VADDPS(sum, x[0], x[0])
	VADDPS(sum2, x[0], x[0])
	VMULPS(constants[0], diff, x[1])
	VFMADD231PS(constants[1], diff2, x[1])
	VMULPS(constants[2], sum, x[2])
	VFMADD231PS(constants[3], sum2, x[2])
	VFMADD231PS(constants[4], diff, x[5])
	VFMADD231PS(constants[5], diff2, x[5])
	return []reg.VecPhysical{x[0], x[1], x[2], x[5]}
}

// finish adds bias and residual to a row of pixels, limits and stores them. It
// clobbers registers 3, 4, and 6 to 9.
func (t transform) finish(row int, y []reg.VecPhysical) {
	label := func(s string, i int) string {
		if t.tail {
			s = "tail_" + s
		}
		return fmt.Sprintf("%s_%d_%d", s, row, i)
	}
	skip := func(l string) LabelRef { return LabelRef(l) }
	Load(Param("bias"), tmp)
	for _, y := range y {
		VADDPS(Mem{Base: tmp, Index: channel, Scale: 1}, y, y)
	}
	var mask simd.Mask
	if t.tail {
		mask = t.mask(t.V(9))
	}
	TESTQ(addPixels, addPixels)
	JZ(skip(label("plain", 0)))
	for j, y := range y {
		MOVQ(Mem{Base: addTable, Disp: 8 * (row*t.tile + j)}, tmp)
		TESTQ(tmp, tmp)
		JS(skip(label("noadd", j)))
		ADDQ(channel, tmp)
		m := Mem{Base: addPixels, Index: tmp, Scale: 1}
		if t.tail {
			t.Load(m, mask, t.V(6))
			VADDPS(t.V(6), y, y)
		} else {
			VADDPS(m, y, y)
		}
		Label(label("noadd", j))
	}
	Label(label("plain", 0))
	t.limit(label("unlimited", 0), y)
	for j, y := range y {
		MOVQ(Mem{Base: table, Disp: 8 * (row*t.tile + j)}, tmp)
		TESTQ(tmp, tmp)
		JS(skip(label("outside", j)))
		ADDQ(channel, tmp)
		if t.tail {
			ADDQ(pixels, tmp)
			t.StoreTail(y, left, mask, tmp, label("store", j))
		} else {
			VMOVUPS(y, Mem{Base: pixels, Index: tmp, Scale: 1})
		}
		Label(label("outside", j))
	}
}

// limit keeps y within limits, if there are any. NaN stays NaN.
func (t transform) limit(unlimited string, y []reg.VecPhysical) {
	low, high := t.V(7), t.V(8)
	Load(Param("limits"), tmp)
	TESTQ(tmp, tmp)
	JZ(LabelRef(unlimited))
	VBROADCASTSS(Mem{Base: tmp}, low)
	VBROADCASTSS(Mem{Base: tmp, Disp: 4}, high)
	for _, y := range y {
		VMAXPS(y, low, y)
		VMINPS(y, high, y)
	}
	Label(unlimited)
}
