package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

// maxTile returns the largest number of output pixels of a row kept in
// registers. With AVX-512, there is room for 14 and a row of 13 taps.
func maxTile(s *simd.ISA) int {
	if s.Wide() {
		return 14
	}
	return 8
}

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
// pixels of the source, tap1 to tap5 multiples of that between taps.
var (
	lo, hi, count    = reg.RAX, reg.RBX, reg.RCX
	wp, xp, row      = reg.RDX, reg.RSI, reg.RDI
	x1, x3, x5, x7   = reg.R8, reg.R9, reg.R10, reg.R11
	tap1, tap3, tap5 = reg.R14, reg.R12, reg.R13
	tmp              = reg.R15
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
	tile       int
	vecs       int  // vectors of channels at a time
	sets       int  // of sums, over which the taps of a row are spread to hide the latency of the additions
	full       bool // whether pixels are read without a mask, which costs AVX-512 a multiply-add's place
	masks      []simd.Mask
	wRow, xRow Mem // distances between rows of taps, and between the rows they read
	stack      Mem // room for spilled registers
}

// sum is where pixel t is summed in one of the sets.
func (k *forward) sum(set, t, v int) reg.VecPhysical { return k.V((set*k.vecs+v)*k.tile + t) }

func (k *forward) acc(t, v int) reg.VecPhysical { return k.sum(0, t, v) }

// maskReg is the register of the mask of a vector.
func (k *forward) maskReg(v int) reg.VecPhysical { return k.V(k.Regs - 1 - v) }

// masked is the number of vector registers that masks occupy.
func (k *forward) masked() int {
	if k.Wide() {
		return 0
	}
	return k.vecs
}

// x is the register of the current input pixel.
func (k *forward) x() reg.VecPhysical { return k.V(k.Regs - 1 - k.masked()) }

// free lists the registers beside those of sums and masks.
func (k *forward) free() []reg.VecPhysical {
	var list []reg.VecPhysical
	for i := k.tile * k.vecs; i < k.Regs-k.masked(); i++ {
		list = append(list, k.V(i))
	}
	return list
}

// tapRegs lists those of them that are free while there are several sets.
func (k *forward) tapRegs() []reg.VecPhysical {
	list := k.free()[(k.sets-1)*k.tile*k.vecs:]
	return list[:len(list)-1] // the last is x
}

// forwardFunc writes the function that computes output rows in tiles of the
// given number of pixels. If full, it reads whole vectors of channels, even
// where fewer are to be computed.
func forwardFunc(s *simd.ISA, tile int, full bool) {
	k := &forward{ISA: s, tile: tile, vecs: 1, sets: 1, full: full}
	// The latency of the additions takes eight sums to hide.
	switch {
	case s.Wide():
		k.sets = min(4, maxTile(s)/tile)
	case tile <= maxTile(s)/2:
		k.vecs = 2
	}
	name := fmt.Sprintf("dwTile%d%s", tile, s.Name)
	doc := fmt.Sprintf("%s computes rows of tiles of %d output pixels", name, tile)
	if full {
		name = fmt.Sprintf("dwFull%d%s", tile, s.Name)
		doc = fmt.Sprintf("%s is dwTile%d%s that reads 16 channels of every pixel", name, tile, s.Name)
	}
	TEXT(name, attr.NOSPLIT, "func(dst, src, w, bias, sums *float32, rows, a *int)")
	Pragma("noescape")
	Doc(doc + ".")

	local := func() Mem { return AllocLocal(8) }
	rowEnd, dstPix, act := local(), local(), local()
	pass, passFirst, passEnd := local(), local(), local()
	col, tiles := local(), local()
	half, lanes, special := local(), local(), local()
	bias, dst := local(), local()
	if n := s.SwishStack(tile*k.vecs, len(k.free())); n > 0 {
		k.stack = AllocLocal(n)
	}

	a := reg.RDI
	Load(Param("a"), a)
	arg := func(name string) Mem { return argWords.mem(a, name) }
	MOVQ(arg("srcPix"), x1)
	LEAQ(Mem{Base: x1, Index: x1, Scale: 2}, x3)
	LEAQ(Mem{Base: x1, Index: x1, Scale: 4}, x5)
	LEAQ(Mem{Base: x3, Index: x1, Scale: 4}, x7)
	MOVQ(arg("tapStep"), tap1)
	LEAQ(Mem{Base: tap1, Index: tap1, Scale: 2}, tap3)
	LEAQ(Mem{Base: tap1, Index: tap1, Scale: 4}, tap5)

	set := func(r reg.GPPhysical, m Mem) { MOVQ(r, m) }
	k.wRow, k.xRow = local(), local()
	MOVQ(arg("wRow"), tmp)
	set(tmp, k.wRow)
	MOVQ(arg("srcRow"), tmp)
	set(tmp, k.xRow)
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
	Load(Param("sums"), tmp)
	ORQ(act, tmp)
	CMPQ(lo, U8(uint8(s.Lanes*k.vecs)))
	JGE(LabelRef("full"))
	ORQ(lo, tmp)
	Label("full")
	set(tmp, special)
	for v := range k.vecs {
		k.masks = append(k.masks, k.tailMask(lo, v))
	}

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
	for v := range k.vecs {
		VMOVUPS(Mem{Base: tmp, Disp: v * s.Bytes()}, k.acc(0, v))
	}
	for v := range k.vecs {
		for t := 1; t < tile; t++ {
			VMOVAPS(k.acc(0, v), k.acc(t, v))
		}
		for set := 1; set < k.sets; set++ {
			for t := range tile {
				s.Zero(k.sum(set, t, v))
			}
		}
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

	k.addSets()
	MOVQ(dst, xp)
	ADDQ(rowWords.mem(row, "dst"), xp)
	MOVQ(dstPix, wp)
	CMPQ(special, U8(0))
	JNE(LabelRef("special"))
	k.store()
	Label("next")
	ADDQ(U8(uint8(rowWords.bytes())), row)
	CMPQ(row, rowEnd)
	JLT(LabelRef("row"))

	if s.Lanes*k.vecs < 16 {
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
			if p%8 == 0 {
				LEAQ(Mem{Base: tmp, Index: x1, Scale: 8}, tmp)
			}
			q = 8 + p%8
		}
		for v := range k.vecs {
			if m := pixel(xp, tmp, q).Offset(v * k.Bytes()); k.full {
				VMOVUPS(m, k.x())
			} else {
				k.Load(m, k.masks[v], k.x())
			}
			for t := range k.tile {
				if j := p - l.stride*t; j >= 0 && j < l.taps {
					VFMADD231PS(w[v][j], k.x(), k.sum(j%k.sets, t, v))
				}
			}
		}
	}
	Label(next)
	ADDQ(k.wRow, wp)
	ADDQ(k.xRow, xp)
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
// the operand of each for each vector.
func (k *forward) loadTaps(n int) (w [2][]Op) {
	free := k.tapRegs()
	for j := range n {
		for v := range k.vecs {
			m := tap(n, j).Offset(v * k.Bytes())
			if len(free) == 0 {
				w[v] = append(w[v], m)
				continue
			}
			VMOVUPS(m, free[0])
			w[v] = append(w[v], free[0])
			free = free[1:]
		}
	}
	return w
}

// addSets adds the sets of sums to the first.
func (k *forward) addSets() {
	for n := k.sets; n > 1; n = (n + 1) / 2 {
		for set := range n / 2 {
			for v := range k.vecs {
				for t := range k.tile {
					VADDPS(k.sum(set+(n+1)/2, t, v), k.sum(set, t, v), k.sum(set, t, v))
				}
			}
		}
	}
}

// tap returns the operand of tap j of n.
func tap(n, j int) Mem {
	if n > 7 { // a convolution of stride 1
		return Mem{Base: wp, Disp: tapBytes * j}
	}
	switch j {
	case 0:
		return Mem{Base: wp}
	case 3, 6:
		return Mem{Base: wp, Index: tap3, Scale: uint8(j / 3)}
	case 5:
		return Mem{Base: wp, Index: tap5, Scale: 1}
	}
	return Mem{Base: wp, Index: tap1, Scale: uint8(j)}
}

// tailMask makes the mask of vector v of the given lanes.
func (k *forward) tailMask(lanes reg.GPPhysical, v int) simd.Mask {
	// Between 0 and all lanes of the vector.
	LEAQ(Mem{Base: lanes, Disp: -v * k.Lanes}, hi)
	if v > 0 {
		XORL(tmp.As32(), tmp.As32())
		TESTQ(hi, hi)
		CMOVQLT(tmp, hi)
	}
	MOVQ(U32(uint32(k.Lanes)), tmp)
	CMPQ(hi, tmp)
	CMOVQGT(tmp, hi)
	return k.TailMask(hi, tmp, k.maskReg(v), reg.K1)
}

// store writes the tile to xp, pixels wp apart.
func (k *forward) store() {
	for t := range k.tile {
		for v := range k.vecs {
			VMOVUPS(k.acc(t, v), Mem{Base: xp, Disp: v * k.Bytes()})
		}
		if t < k.tile-1 {
			ADDQ(wp, xp)
		}
	}
}

// epilogue applies the activation, adds the tile's pixels to the sums and
// stores them.
func (k *forward) epilogue(act, lanes, half Mem) {
	acts := []int{simd.ReLU, simd.ReLU6, simd.Swish, simd.HardSwish}
	MOVQ(act, tmp)
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
	sum := k.free()[0]
	for v := range k.vecs {
		m := Mem{Base: tmp, Disp: v * k.Bytes()}
		VMOVUPS(m, sum)
		for t := range k.tile {
			VADDPS(k.acc(t, v), sum, sum)
		}
		VMOVUPS(sum, m)
	}
	Label("summed")

	MOVQ(lanes, count)
	CMPQ(count, U8(uint8(k.Lanes*k.vecs)))
	JLT(LabelRef("tail"))
	k.store()
	JMP(LabelRef("next"))
	Label("tail")
	if k.Wide() {
		for t := range k.tile {
			k.StoreTail(k.acc(t, 0), count, k.masks[0], xp, "")
			if t < k.tile-1 {
				ADDQ(wp, xp)
			}
		}
		return
	}
	for v := range k.vecs {
		k.storeTail(v)
	}
}

// storeTail writes vector v of the tile, of which some lanes may be missing.
func (k *forward) storeTail(v int) {
	label := func(s string) string { return fmt.Sprintf("tail%d_%s", v, s) }
	last := v == k.vecs-1
	MOVQ(xp, hi)
	if !last {
		CMPQ(count, U8(uint8(k.Lanes)))
		JLT(LabelRef(label("some")))
		for t := range k.tile {
			VMOVUPS(k.acc(t, v), Mem{Base: hi})
			if t < k.tile-1 {
				ADDQ(wp, hi)
			}
		}
		ADDQ(U8(uint8(k.Bytes())), xp)
		SUBQ(U8(uint8(k.Lanes)), count)
		JMP(LabelRef(label("done")))
		Label(label("some"))
	}
	CMPQ(count, U8(4))
	JNE(LabelRef(label("any")))
	for t := range k.tile {
		VMOVUPS(k.acc(t, v).AsX(), Mem{Base: hi})
		if t < k.tile-1 {
			ADDQ(wp, hi)
		}
	}
	JMP(LabelRef("next"))
	Label(label("any"))
	for t := range k.tile {
		MOVQ(hi, tmp)
		k.StoreTail(k.acc(t, v), count, k.masks[v], tmp, label(fmt.Sprint(t)))
		if t < k.tile-1 {
			ADDQ(wp, hi)
		}
	}
	if !last {
		JMP(LabelRef("next"))
		Label(label("done"))
	}
}

// activate applies an activation to the tile, to as many vectors at a time as
// there are registers for.
func (k *forward) activate(act int) {
	free := k.free()
	if act == simd.Swish {
		var x []reg.VecPhysical
		for i := range k.tile * k.vecs {
			x = append(x, k.V(i))
		}
		k.Swish(x, free, k.stack, lo)
		return
	}
	var groups []simd.Group
	for i := range k.tile * k.vecs {
		f := free[3*len(groups):]
		groups = append(groups, simd.Group{X: k.V(i), A: f[0], B: f[1], C: f[2]})
		if len(free) < 3*len(groups)+3 {
			k.Activate(act, groups...)
			groups = groups[:0]
		}
	}
	if len(groups) > 0 {
		k.Activate(act, groups...)
	}
}
