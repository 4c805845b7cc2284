package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

// maxTile is the largest number of output pixels of a row kept in registers.
const maxTile = 8

// loops lists the rows of taps there is code for, the most frequent first.
// Those of stride 2 are there where two passes of stride 1 cost much more.
var loops = []loop{{3, 1}, {3, 2}, {5, 1}, {7, 1}, {2, 1}, {1, 1}, {4, 1}, {9, 1}, {11, 1}, {13, 1}, {6, 1}}

// loop is the code for a row of taps.
type loop struct{ taps, stride int }

// code is the value of kernel.dwPass.code.
func (l loop) code() uint8 { return uint8(l.taps + 16*(l.stride-1)) }

func (l loop) label(suffix string) string {
	return fmt.Sprintf("taps%ds%d%s", l.taps, l.stride, suffix)
}

func (l loop) pixel(p int) string { return l.label(fmt.Sprintf("_%d", p)) }

// tapBytes is the distance between neighbouring taps of a packed filter.
const tapBytes = 64

// General registers. x1 to x7 are 1, 3, 5 and 7 times the distance between
// pixels of the source.
var (
	lo, hi, count  = reg.RAX, reg.RBX, reg.RCX
	wp, xp, row    = reg.RDX, reg.RSI, reg.RDI
	x1, x3, x5, x7 = reg.R8, reg.R9, reg.R10, reg.R11
	wRow, xRow     = reg.R12, reg.R13
	tapStep, tmp   = reg.R14, reg.R15
)

// words lays out words of 8 bytes.
type words []string

func (w words) mem(base reg.Register, name string) Mem {
	for i, f := range w {
		if f == name {
			return Mem{Base: base, Disp: 8 * i}
		}
	}
	panic(name)
}

func (w words) bytes() int { return 8 * len(w) }

// The layouts of kernel.dwArgs, dwRow and dwPass.
var (
	argWords = words{
		"rowCount", "tiles", "lanes", "act", "srcPix", "dstPix",
		"srcRow", "wRow", "tapStep", "passes", "pass",
	}
	rowWords  = words{"dst", "src", "w", "taps"}
	passWords = words{"src", "w", "code", "step", "before", "width", "lo", "hi", "at", "wAt"}
)

// pixel returns the operand of pixel p, where base points at pixel 0 and
// base8 at pixel 8.
func pixel(base, base8 reg.GPPhysical, p int) Mem {
	if p >= 8 {
		base, p = base8, p-8
	}
	switch p {
	case 0:
		return Mem{Base: base}
	case 1, 2, 4, 8:
		return Mem{Base: base, Index: x1, Scale: uint8(p)}
	case 3, 6, 12:
		return Mem{Base: base, Index: x3, Scale: uint8(p / 3)}
	case 5, 10:
		return Mem{Base: base, Index: x5, Scale: uint8(p / 5)}
	case 7:
		return Mem{Base: base, Index: x7, Scale: 1}
	}
	panic(fmt.Sprint("pixel ", p))
}

// forward generates one function of the forward convolution.
type forward struct {
	*simd.ISA
	tile  int
	mask  simd.Mask
	stack Mem // room for spilled registers
}

func (k *forward) acc(t int) reg.VecPhysical { return k.V(t) }

// x is the register of the current input pixel.
func (k *forward) x() reg.VecPhysical { return k.V(k.Regs - 2) }

// forwardFunc writes the function that computes output rows in tiles of the
// given number of pixels.
func forwardFunc(s *simd.ISA, tile int) {
	k := &forward{ISA: s, tile: tile}
	name := fmt.Sprintf("dwTile%d%s", tile, s.Name)
	TEXT(name, attr.NOSPLIT, "func(dst, src, w, bias, sums *float32, rows, a *int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s computes rows of tiles of %d output pixels.", name, tile))

	local := func() Mem { return AllocLocal(8) }
	rowEnd, dstPix, act := local(), local(), local()
	pass, passFirst, passEnd := local(), local(), local()
	col, tiles := local(), local()
	half, lanes, special := local(), local(), local()
	bias, dst := local(), local()
	if n := s.SwishSpill(tile, s.Regs-1-tile); n > 0 {
		k.stack = AllocLocal(n * s.Bytes())
	}

	a := reg.RDI
	Load(Param("a"), a)
	arg := func(name string) Mem { return argWords.mem(a, name) }
	MOVQ(arg("srcPix"), x1)
	LEAQ(Mem{Base: x1, Index: x1, Scale: 2}, x3)
	LEAQ(Mem{Base: x1, Index: x1, Scale: 4}, x5)
	LEAQ(Mem{Base: x3, Index: x1, Scale: 4}, x7)
	MOVQ(arg("wRow"), wRow)
	MOVQ(arg("srcRow"), xRow)
	MOVQ(arg("tapStep"), tapStep)

	set := func(r reg.GPPhysical, m Mem) { MOVQ(r, m) }
	MOVQ(arg("dstPix"), tmp)
	set(tmp, dstPix)
	MOVQ(arg("act"), tmp)
	set(tmp, act)
	LEAQ(arg("pass"), tmp)
	set(tmp, passFirst)
	IMUL3Q(U8(uint8(passWords.bytes())), arg("passes"), lo)
	ADDQ(lo, tmp)
	set(tmp, passEnd)
	MOVQ(arg("rowCount"), tmp)
	SHLQ(U8(5), tmp)
	Load(Param("rows"), lo)
	ADDQ(lo, tmp)
	set(tmp, rowEnd)
	MOVQ(arg("tiles"), tmp)
	set(tmp, tiles)
	MOVQ(U32(0), col)

	Label("tile")
	Load(Param("a"), a)
	MOVQ(U32(0), half)
	MOVQ(arg("lanes"), lo)

	Label("vector")
	MOVQ(lo, lanes)
	// special is not zero if the tile has to do more than to be stored.
	Load(Param("sums"), count)
	ORQ(act, count)
	MOVQ(U32(uint32(s.Lanes)), hi)
	CMPQ(lo, hi)
	JGE(LabelRef("full"))
	MOVQ(lo, hi)
	ORQ(lo, count)
	Label("full")
	set(count, special)
	k.mask = s.TailMask(hi, tmp, s.V(s.Regs-1), reg.K1)

	MOVQ(half, count)
	Load(Param("bias"), tmp)
	ADDQ(count, tmp)
	set(tmp, bias)
	MOVQ(dstPix, tmp)
	IMULQ(col, tmp)
	ADDQ(count, tmp)
	Load(Param("dst"), lo)
	ADDQ(lo, tmp)
	set(tmp, dst)

	// Where each pass starts, and which of the tile's pixels lie in the image.
	MOVQ(passFirst, wp)
	Label("setup")
	MOVQ(col, tmp)
	IMULQ(passWords.mem(wp, "step"), tmp)
	MOVQ(passWords.mem(wp, "before"), lo)
	SUBQ(tmp, lo)
	IMULQ(x1, tmp)
	MOVQ(tmp, xp)
	MOVQ(passWords.mem(wp, "width"), hi)
	ADDQ(lo, hi)
	XORL(tmp.As32(), tmp.As32())
	TESTQ(lo, lo)
	CMOVQLT(tmp, lo)
	set(lo, passWords.mem(wp, "lo"))
	set(hi, passWords.mem(wp, "hi"))
	ADDQ(passWords.mem(wp, "src"), xp)
	ADDQ(count, xp)
	Load(Param("src"), tmp)
	ADDQ(tmp, xp)
	set(xp, passWords.mem(wp, "at"))
	Load(Param("w"), tmp)
	ADDQ(count, tmp)
	ADDQ(passWords.mem(wp, "w"), tmp)
	set(tmp, passWords.mem(wp, "wAt"))
	ADDQ(U8(uint8(passWords.bytes())), wp)
	CMPQ(wp, passEnd)
	JLT(LabelRef("setup"))
	Load(Param("rows"), row)

	Label("row")
	MOVQ(bias, tmp)
	VMOVUPS(Mem{Base: tmp}, k.acc(0))
	for t := 1; t < tile; t++ {
		VMOVAPS(k.acc(0), k.acc(t))
	}
	MOVQ(passFirst, wp)
	Label("pass")
	MOVQ(passWords.mem(wp, "lo"), lo)
	MOVQ(passWords.mem(wp, "hi"), hi)
	set(wp, pass)
	MOVQ(rowWords.mem(row, "taps"), count)
	CMPQ(lo, hi)
	JGE(LabelRef("passed"))
	TESTQ(count, count)
	JZ(LabelRef("passed"))
	MOVQ(passWords.mem(wp, "at"), xp)
	ADDQ(rowWords.mem(row, "src"), xp)
	MOVQ(passWords.mem(wp, "code"), tmp)
	MOVQ(passWords.mem(wp, "wAt"), wp)
	ADDQ(rowWords.mem(row, "w"), wp)
	for _, l := range loops[:len(loops)-1] {
		CMPQ(tmp, U8(l.code()))
		JEQ(LabelRef(l.label("")))
	}
	for i := range loops {
		k.taps(loops[len(loops)-1-i])
	}

	Label("passed")
	MOVQ(pass, wp)
	ADDQ(U8(uint8(passWords.bytes())), wp)
	CMPQ(wp, passEnd)
	JLT(LabelRef("pass"))

	MOVQ(dst, xp)
	ADDQ(rowWords.mem(row, "dst"), xp)
	MOVQ(dstPix, wp)
	CMPQ(special, U8(0))
	JNE(LabelRef("special"))
	for t := range tile {
		VMOVUPS(k.acc(t), Mem{Base: xp})
		if t < tile-1 {
			ADDQ(wp, xp)
		}
	}
	Label("next")
	ADDQ(U8(uint8(rowWords.bytes())), row)
	CMPQ(row, rowEnd)
	JLT(LabelRef("row"))

	if !s.Wide() {
		ADDQ(U8(uint8(s.Bytes())), half)
		MOVQ(lanes, lo)
		SUBQ(U8(uint8(s.Lanes)), lo)
		JGT(LabelRef("vector"))
	}
	ADDQ(U8(uint8(tile)), col)
	DECQ(tiles)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()

	Label("special")
	k.epilogue(act, lanes, half)
	JMP(LabelRef("next"))
}

// taps accumulates count rows of taps. Every input pixel is loaded once a row
// and multiplied with each tap through which an output pixel of the tile reads
// it. Only the pixels lo to hi are read.
func (k *forward) taps(l loop) {
	start, next, enter := l.label(""), l.label("_next"), l.label("_enter")
	pixels := l.stride*(k.tile-1) + l.taps

	Label(start)
	w := k.loadTaps(l.taps)
	if pixels > 8 {
		LEAQ(Mem{Base: xp, Index: x1, Scale: 8}, tmp)
	}
	TESTQ(lo, lo)
	JNZ(LabelRef(enter))
	for p := range pixels {
		// No output pixel lies right of all the pixels it reads.
		if p > l.stride*(k.tile-1) {
			CMPQ(hi, U8(uint8(p)))
			JEQ(LabelRef(next))
		}
		if p > 0 && p < l.taps {
			Label(l.pixel(p))
		}
		q := p
		if p >= 16 {
			if p == 16 {
				LEAQ(Mem{Base: tmp, Index: x1, Scale: 8}, tmp)
			}
			q -= 8
		}
		k.Load(pixel(xp, tmp, q), k.mask, k.x())
		for t := range k.tile {
			if j := p - l.stride*t; j >= 0 && j < l.taps {
				VFMADD231PS(w[j], k.x(), k.acc(t))
			}
		}
	}
	Label(next)
	ADDQ(wRow, wp)
	ADDQ(xRow, xp)
	DECQ(count)
	JNZ(LabelRef(start))
	JMP(LabelRef("passed"))

	// Enter behind the pixels that lie left of the image.
	Label(enter)
	for _, p := range entries(l.taps) {
		CMPQ(lo, U8(uint8(p)))
		JEQ(LabelRef(l.pixel(p)))
	}
	JMP(LabelRef(next))
}

// entries lists the numbers of pixels left of the image, the usual padding
// first.
func entries(n int) []int {
	var list []int
	for p := n / 2; p > 0; p-- {
		list = append(list, p)
	}
	for p := n/2 + 1; p < n; p++ {
		list = append(list, p)
	}
	return list
}

// loadTaps loads a row of n taps as far as there are registers, and returns
// the operand of each.
func (k *forward) loadTaps(n int) []Op {
	free := k.Regs - 2 - k.tile
	w := make([]Op, n)
	for j := range w {
		var m Mem
		switch {
		case n > 7: // convolutions of stride 1 alone
			m = Mem{Base: wp, Disp: tapBytes * j}
		case j == 0:
			m = Mem{Base: wp}
		case j == 1 || j == 2 || j == 4:
			m = Mem{Base: wp, Index: tapStep, Scale: uint8(j)}
		case j == 3 || j == 5:
			LEAQ(Mem{Base: wp, Index: tapStep, Scale: uint8(j - 1)}, tmp)
			m = Mem{Base: tmp, Index: tapStep, Scale: 1}
		default:
			m = Mem{Base: tmp, Index: tapStep, Scale: 2}
		}
		// One tap of seven stays in memory where a register is missing; its
		// address must not depend on tmp.
		inMemory := j >= free
		if n == 7 && free < n {
			inMemory = j == 4
		}
		if inMemory {
			w[j] = m
			continue
		}
		r := j
		if n == 7 && free < n && j > 4 {
			r--
		}
		w[j] = k.V(k.tile + r)
		VMOVUPS(m, k.V(k.tile+r))
	}
	return w
}

// epilogue applies the activation, adds the tile's pixels to the sums and
// stores them.
func (k *forward) epilogue(actCode, lanes, half Mem) {
	s := k.ISA
	t0 := s.V(k.tile)
	acts := []int{simd.ReLU, simd.ReLU6, simd.Swish, simd.HardSwish}
	MOVQ(actCode, tmp)
	TESTQ(tmp, tmp)
	JZ(LabelRef("activated"))
	for _, act := range acts[1:] {
		CMPQ(tmp, U8(uint8(act)))
		JEQ(LabelRef(fmt.Sprintf("act%d", act)))
	}
	for i, act := range acts {
		if i > 0 {
			Label(fmt.Sprintf("act%d", act))
		}
		k.activate(act)
		if i < len(acts)-1 {
			JMP(LabelRef("activated"))
		}
	}
	Label("activated")

	Load(Param("sums"), tmp)
	TESTQ(tmp, tmp)
	JZ(LabelRef("summed"))
	ADDQ(half, tmp)
	v := k.acc(0)
	for t := 1; t < k.tile; t++ {
		VADDPS(k.acc(t), v, t0)
		v = t0
	}
	VADDPS(Mem{Base: tmp}, v, t0)
	VMOVUPS(t0, Mem{Base: tmp})
	Label("summed")

	if s.Wide() {
		for t := range k.tile {
			s.StoreTail(k.acc(t), count, k.mask, xp, "")
			ADDQ(wp, xp)
		}
		return
	}
	MOVQ(lanes, count)
	CMPQ(count, U8(uint8(s.Lanes)))
	JLT(LabelRef("tail"))
	for t := range k.tile {
		VMOVUPS(k.acc(t), Mem{Base: xp})
		ADDQ(wp, xp)
	}
	JMP(LabelRef("next"))
	Label("tail")
	for t := range k.tile {
		MOVQ(xp, tmp)
		s.StoreTail(k.acc(t), count, k.mask, tmp, fmt.Sprintf("tail%d", t))
		ADDQ(wp, xp)
	}
}

// activate applies an activation to the tile, to as many vectors at a time as
// there are registers for.
func (k *forward) activate(act int) {
	if act == simd.Swish {
		var x, free []reg.VecPhysical
		for i := range k.Regs - 1 {
			if i < k.tile {
				x = append(x, k.V(i))
			} else {
				free = append(free, k.V(i))
			}
		}
		k.Swish(x, free, k.stack)
		return
	}
	together := (k.Regs - 1 - k.tile) / 3
	for t0 := 0; t0 < k.tile; t0 += together {
		var groups []simd.Group
		for t := t0; t < min(t0+together, k.tile); t++ {
			r := k.tile + 3*len(groups)
			groups = append(groups, simd.Group{X: k.acc(t), A: k.V(r), B: k.V(r + 1), C: k.V(r + 2)})
		}
		k.Activate(act, groups...)
	}
}
