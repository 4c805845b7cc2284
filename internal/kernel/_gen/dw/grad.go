package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

// gradLoops lists the parts of a row of taps that the weight gradient has code
// for.
var gradLoops = []loop{{1, 1}, {2, 1}, {3, 1}, {3, 2}, {4, 1}, {5, 1}, {6, 1}, {7, 1}}

// The layouts of kernel.dwGradArgs and dwGradRows.
var (
	gradWords = words{
		"lanes", "kernel", "h", "yStep", "tapY", "xPix", "dyPix", "xLine", "dyLine",
		"xTap", "wRow", "tapStep", "groups", "at", "tile", "large", "small", "before", "width",
	}
	gradRowWords = words{"rows", "y", "x", "dy"}
)

// grad generates one function of the weight gradient. Its sums stay in
// registers, those of a few rows of taps.
type grad struct {
	*simd.ISA
	loop
	rows int // of taps
	mask simd.Mask
	row  gradRow
}

// gradRow is where the state of the loop over rows lies.
type gradRow struct {
	h, yStep, tapY, xLine, dyLine, xTap Mem
}

// tapRows returns how many rows of taps to sum at once: enough to hide the
// latency of the additions, and few enough for a tile of dy.
func tapRows(s *simd.ISA, taps int) int {
	if s.Wide() {
		return []int{1: 1, 2: 5, 3: 3, 4: 3, 5: 3, 6: 2, 7: 2}[taps]
	}
	return []int{1: 1, 2: 5, 3: 3, 4: 2, 5: 2, 6: 1, 7: 1}[taps]
}

// tile returns the largest tile of dy: it fits the registers and gives work
// for 20 cycles or more.
func (k *grad) tile() int {
	sums := k.rows * k.taps
	return min(7, k.Regs-2-sums, (42+sums-1)/sums)
}

func (k *grad) acc(row, tap int) reg.VecPhysical     { return k.V(row*k.taps + tap) }
func (k *grad) dy(t int) reg.VecPhysical             { return k.V(k.rows*k.taps + t) }
func (k *grad) x() reg.VecPhysical                   { return k.V(k.Regs - 2) }
func (k *grad) ref(format string, a ...any) LabelRef { return LabelRef(fmt.Sprintf(format, a...)) }

var (
	gLo, gHi, gCount  = reg.RAX, reg.RBX, reg.RCX
	dyAt, xAt, xRowAt = reg.RDX, reg.R12, reg.RSI
	yAt, tapYAt       = reg.R13, reg.RDI
	dyPix             = reg.R14
)

// gradFunc writes the function that adds to rows of taps their gradient over
// rows of output.
func gradFunc(s *simd.ISA, l loop) {
	k := &grad{ISA: s, loop: l, rows: tapRows(s, l.taps)}
	name := fmt.Sprintf("dwGrad%dx%d%s", l.taps, l.stride, s.Name)
	TEXT(name, attr.NOSPLIT, "func(dw, x, dy *float32, groups, a *int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s adds to parts of %d taps of each row of a filter their gradient", name, l.taps),
		fmt.Sprintf("at stride %d, %d rows at a time, in tiles of up to %d pixels.", l.stride, k.rows, k.tile()))

	a := reg.RDI
	Load(Param("a"), a)
	arg := func(name string) Mem { return gradWords.mem(a, name) }
	local := func() Mem { return AllocLocal(8) }
	set := func(m Mem, r reg.GPPhysical) { MOVQ(r, m) }
	copied := func(name string) Mem {
		m := local()
		MOVQ(arg(name), tmp)
		set(m, tmp)
		return m
	}
	MOVQ(arg("xPix"), x1)
	LEAQ(Mem{Base: x1, Index: x1, Scale: 2}, x3)
	LEAQ(Mem{Base: x1, Index: x1, Scale: 4}, x5)
	LEAQ(Mem{Base: x3, Index: x1, Scale: 4}, x7)
	MOVQ(arg("dyPix"), dyPix)
	k.row = gradRow{copied("h"), copied("yStep"), copied("tapY"), copied("xLine"), copied("dyLine"), copied("xTap")}
	width, left := copied("width"), copied("groups")
	half, lanes, group, sums, taps := local(), local(), local(), local(), copied("kernel")
	col, tile, tiles, smaller, before := local(), local(), local(), local(), local()
	first, firstDY := local(), local()
	Load(Param("dw"), tmp)
	set(sums, tmp)
	Load(Param("groups"), tmp)
	set(group, tmp)

	Label("group")
	MOVQ(U32(0), half)
	Load(Param("a"), a)
	MOVQ(arg("lanes"), gLo)

	Label("vector")
	set(lanes, gLo)
	MOVQ(U32(uint32(s.Lanes)), gHi)
	CMPQ(gLo, gHi)
	CMOVQGT(gHi, gLo)
	k.mask = s.TailMask(gLo, tmp, s.V(s.Regs-1), reg.K1)
	Load(Param("a"), a)
	k.sums(sums, half, taps, func(m Mem, v reg.VecPhysical) { VMOVUPS(m, v) }, "load")

	// Where the rows of x and dy start.
	MOVQ(group, gHi)
	Load(Param("x"), tmp)
	ADDQ(half, tmp)
	ADDQ(arg("at"), tmp)
	ADDQ(gradRowWords.mem(gHi, "x"), tmp)
	set(first, tmp)
	Load(Param("dy"), tmp)
	ADDQ(half, tmp)
	ADDQ(gradRowWords.mem(gHi, "dy"), tmp)
	set(firstDY, tmp)
	MOVQ(arg("tile"), tmp)
	set(tile, tmp)
	MOVQ(arg("small"), tmp)
	set(smaller, tmp)
	MOVQ(arg("before"), tmp)
	set(before, tmp)
	MOVQ(U32(0), col)
	MOVQ(arg("large"), tmp)
	set(tiles, tmp)

	Label("tile")
	// Which of the tile's pixels lie in the image.
	XORL(tmp.As32(), tmp.As32())
	MOVQ(before, gLo)
	MOVQ(gLo, gHi)
	ADDQ(width, gHi)
	TESTQ(gLo, gLo)
	CMOVQLT(tmp, gLo)
	CMPQ(gLo, gHi)
	JGE(LabelRef("next"))
	MOVQ(col, dyAt)
	MOVQ(dyAt, xAt)
	IMULQ(dyPix, dyAt)
	IMULQ(x1, xAt)
	if l.stride > 1 {
		SHLQ(U8(1), xAt)
	}
	ADDQ(firstDY, dyAt)
	ADDQ(first, xAt)
	MOVQ(group, tmp)
	MOVQ(gradRowWords.mem(tmp, "rows"), gCount)
	MOVQ(gradRowWords.mem(tmp, "y"), yAt)
	TESTQ(gCount, gCount)
	JZ(LabelRef("next"))
	MOVQ(tile, tmp)
	for t := k.tile(); t > 1; t-- {
		CMPQ(tmp, U8(uint8(t)))
		JEQ(k.ref("tile%d", t))
	}
	for t := 1; t <= k.tile(); t++ {
		k.tileRows(t)
	}
	Label("next")
	MOVQ(tile, tmp)
	ADDQ(tmp, col)
	if l.stride > 1 {
		SHLQ(U8(1), tmp)
	}
	SUBQ(tmp, before)
	DECQ(tiles)
	JNZ(LabelRef("tile"))
	DECQ(tile)
	MOVQ(smaller, tmp)
	set(tiles, tmp)
	MOVQ(U32(0), smaller)
	TESTQ(tmp, tmp)
	JNZ(LabelRef("tile"))

	Load(Param("a"), a)
	k.sums(sums, half, taps, func(m Mem, v reg.VecPhysical) { VMOVUPS(v, m) }, "store")
	if !s.Wide() {
		ADDQ(U8(uint8(s.Bytes())), half)
		MOVQ(lanes, gLo)
		SUBQ(U8(uint8(s.Lanes)), gLo)
		JGT(LabelRef("vector"))
	}
	IMUL3Q(U8(uint8(k.rows)), arg("wRow"), tmp)
	ADDQ(tmp, sums)
	SUBQ(U8(uint8(k.rows)), taps)
	ADDQ(U8(uint8(gradRowWords.bytes())), group)
	DECQ(left)
	JNZ(LabelRef("group"))
	VZEROUPPER()
	RET()
}

// sums loads or stores the sums of the rows of taps there are.
func (k *grad) sums(sums, half, taps Mem, move func(Mem, reg.VecPhysical), label string) {
	a := reg.RDI
	MOVQ(sums, tmp)
	ADDQ(half, tmp)
	MOVQ(taps, gCount)
	MOVQ(gradWords.mem(a, "tapStep"), gLo)
	MOVQ(gradWords.mem(a, "wRow"), gHi)
	for r := range k.rows {
		if r > 0 {
			CMPQ(gCount, U8(uint8(r)))
			JLE(LabelRef(label))
		}
		MOVQ(tmp, dyAt)
		for j := range k.taps {
			move(Mem{Base: dyAt}, k.acc(r, j))
			if j < k.taps-1 {
				ADDQ(gLo, dyAt)
			}
		}
		if r < k.rows-1 {
			ADDQ(gHi, tmp)
		}
	}
	if k.rows > 1 {
		Label(label)
	}
}

// tileRows sums over gCount rows of a tile of n pixels of dy.
func (k *grad) tileRows(n int) {
	pixels := k.stride*(n-1) + k.taps
	start := fmt.Sprintf("tile%d", n)
	Label(start)
	MOVQ(dyAt, tmp)
	for t := range n {
		k.Load(Mem{Base: tmp}, k.mask, k.dy(t))
		if t < n-1 {
			ADDQ(dyPix, tmp)
		}
	}
	MOVQ(xAt, xRowAt)
	MOVQ(yAt, tapYAt)
	for r := range k.rows {
		label := func(s string) string { return fmt.Sprintf("tile%d_%d_%s", n, r, s) }
		pixelLabel := func(p int) string { return label(fmt.Sprint(p)) }
		CMPQ(tapYAt, k.row.h)
		JAE(LabelRef(label("done")))
		if pixels > 8 {
			LEAQ(Mem{Base: xRowAt, Index: x1, Scale: 8}, tmp)
		}
		TESTQ(gLo, gLo)
		JNZ(LabelRef(label("enter")))
		for p := range pixels {
			if p > 0 {
				CMPQ(gHi, U8(uint8(p)))
				JEQ(LabelRef(label("done")))
				if p < k.taps {
					Label(pixelLabel(p))
				}
			}
			k.Load(pixel(xRowAt, tmp, p), k.mask, k.x())
			for j := range k.taps {
				if t := p - j; t >= 0 && t%k.stride == 0 && t/k.stride < n {
					VFMADD231PS(k.dy(t/k.stride), k.x(), k.acc(r, j))
				}
			}
		}
		if k.taps > 1 {
			JMP(LabelRef(label("done")))
			Label(label("enter"))
			for _, p := range entries(k.taps) {
				CMPQ(gLo, U8(uint8(p)))
				JEQ(LabelRef(pixelLabel(p)))
			}
		} else {
			Label(label("enter"))
		}
		Label(label("done"))
		if r < k.rows-1 {
			ADDQ(k.row.tapY, tapYAt)
			ADDQ(k.row.xTap, xRowAt)
		}
	}
	ADDQ(k.row.yStep, yAt)
	ADDQ(k.row.xLine, xAt)
	ADDQ(k.row.dyLine, dyAt)
	DECQ(gCount)
	JNZ(LabelRef(start))
	if n < k.tile() {
		JMP(LabelRef("next"))
	}
}
