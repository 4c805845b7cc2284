package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// precision is pixel.Precision.
const precision = 22

// packedBits is pixel.packedBits.
const packedBits = 12

func text(name, signature string, doc ...string) {
	TEXT(name, attr.NOSPLIT, signature)
	Pragma("noescape")
	Doc(append([]string{name + " " + doc[0]}, doc[1:]...)...)
}

// dwords is a constant of eight equal 32-bit numbers.
func dwords(name string, v uint32) Mem {
	m := GLOBL(name, attr.RODATA|attr.NOPTR)
	for i := range 8 {
		DATA(4*i, U32(v))
	}
	return m
}

// bytes is a constant of bytes.
func bytes(name string, b []byte) Mem {
	m := GLOBL(name, attr.RODATA|attr.NOPTR)
	for i := 0; i < len(b); i += 8 {
		v := uint64(0)
		for j := range 8 {
			v |= uint64(b[i+j]) << (8 * j)
		}
		DATA(i, U64(v))
	}
	return m
}

// column generates the vertical pass of one row: blocks of 32 bytes, then of 8,
// the last of which overlaps the one before.
func column() {
	rounding := dwords("rounding", 1<<(precision-1))
	text("columnAVX2", "func(out, src *uint8, width, stride int, k *int32, taps int)",
		"writes the weighted sums of taps rows. width is 8 or more.")
	out, src := Load(Param("out"), GP64()), Load(Param("src"), GP64())
	width, stride := Load(Param("width"), GP64()), Load(Param("stride"), GP64())
	k, taps := Load(Param("k"), GP64()), Load(Param("taps"), GP64())
	x := GP64()
	XORQ(x, x)
	end := GP64()

	columnBlocks("wide", 4, rounding, out, src, width, stride, k, taps, x, end)
	columnBlocks("narrow", 1, rounding, out, src, width, stride, k, taps, x, end)
	// The rest, moved back to make a whole block.
	CMPQ(x, width)
	JGE(LabelRef("done"))
	MOVQ(width, x)
	SUBQ(Imm(8), x)
	columnBlock("rest", 1, rounding, out, src, stride, k, taps, x)
	Label("done")
	VZEROUPPER()
	RET()
}

// columnBlocks runs blocks of n·8 bytes from x on while there are whole ones.
func columnBlocks(name string, n int, rounding Mem, out, src, width, stride, k, taps, x, end reg.Register) {
	Label(name)
	LEAQ(Mem{Base: x, Disp: 8 * n}, end)
	CMPQ(end, width)
	JG(LabelRef(name + "End"))
	columnBlock(name, n, rounding, out, src, stride, k, taps, x)
	MOVQ(end, x)
	JMP(LabelRef(name))
	Label(name + "End")
}

// columnBlock makes n·8 bytes at x.
func columnBlock(name string, n int, rounding Mem, out, src, stride, k, taps, x reg.Register) {
	sums := make([]reg.VecVirtual, n)
	for i := range sums {
		sums[i] = YMM()
		VMOVDQU(rounding, sums[i])
	}
	from, weight, left := GP64(), GP64(), GP64()
	LEAQ(Mem{Base: src, Index: x, Scale: 1}, from)
	MOVQ(k, weight)
	MOVQ(taps, left)
	Label(name + "Tap")
	w := YMM()
	VPBROADCASTD(Mem{Base: weight}, w)
	for i := range sums {
		v := YMM()
		VPMOVZXBD(Mem{Base: from, Disp: 8 * i}, v)
		VPMULLD(w, v, v)
		VPADDD(v, sums[i], sums[i])
	}
	ADDQ(stride, from)
	ADDQ(Imm(4), weight)
	DECQ(left)
	JNZ(LabelRef(name + "Tap"))
	for i, s := range sums {
		VPSRAD(Imm(precision), s, s)
		high := XMM()
		VEXTRACTI128(Imm(1), s, high)
		VPACKSSDW(high, s.AsX(), s.AsX())
		VPACKUSWB(s.AsX(), s.AsX(), s.AsX())
		VMOVQ(s.AsX(), Mem{Base: out, Index: x, Scale: 1, Disp: 8 * i})
	}
}

// rowRGB generates the horizontal pass. Four pixels at a time become words,
// red, green and blue of a pair next to each other, which VPMADDWD multiplies by
// the low and by the high part of their weights.
func rowRGB() {
	rounding := dwords("roundingRow", 1<<(precision-1))
	const none = 0x80
	pair := func(i int) (b []byte) {
		for c := range 3 {
			b = append(b, byte(3*i+c), none, byte(3*i+3+c), none)
		}
		return append(b, none, none, none, none)
	}
	pixels := bytes("pixels", append(pair(0), pair(2)...))
	spread := []byte{}
	for lane := range 2 {
		for range 4 {
			for i := range 4 {
				spread = append(spread, byte(4*lane+i))
			}
		}
	}
	weights := bytes("weights", spread)

	text("rowRGBAVX2", "func(dst, src *uint8, first *int32, packed *int16, n, groups int)",
		"writes n pixels of groups·4 taps each. It reads 4 bytes beyond the last tap's",
		"pixel and writes one byte beyond the last pixel.")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	first, packed := Load(Param("first"), GP64()), Load(Param("packed"), GP64())
	n, groups := Load(Param("n"), GP64()), Load(Param("groups"), GP64())
	pick, share, round := YMM(), YMM(), XMM()
	VMOVDQU(pixels, pick)
	VMOVDQU(weights, share)
	VMOVDQU(rounding, round)
	origin := GP64()
	MOVLQSX(Mem{Base: first}, origin)

	Label("pixel")
	at := GP64()
	MOVLQSX(Mem{Base: first}, at)
	SUBQ(origin, at)
	LEAQ(Mem{Base: at, Index: at, Scale: 2}, at)
	ADDQ(src, at)
	low, high := YMM(), YMM()
	VPXOR(low, low, low)
	VPXOR(high, high, high)
	left := GP64()
	MOVQ(groups, left)
	Label("group")
	p, wl, wh := YMM(), YMM(), YMM()
	VBROADCASTI128(Mem{Base: at}, p)
	VPSHUFB(pick, p, p)
	VPBROADCASTQ(Mem{Base: packed}, wl)
	VPSHUFB(share, wl, wl)
	VPMADDWD(p, wl, wl)
	VPADDD(wl, low, low)
	VPBROADCASTQ(Mem{Base: packed, Disp: 8}, wh)
	VPSHUFB(share, wh, wh)
	VPMADDWD(p, wh, wh)
	VPADDD(wh, high, high)
	ADDQ(Imm(12), at)
	ADDQ(Imm(16), packed)
	DECQ(left)
	JNZ(LabelRef("group"))

	VPSLLD(Imm(packedBits), high, high)
	VPADDD(high, low, low)
	other := XMM()
	VEXTRACTI128(Imm(1), low, other)
	sum := low.AsX()
	VPADDD(other, sum, sum)
	VPADDD(round, sum, sum)
	VPSRAD(Imm(precision), sum, sum)
	VPACKSSDW(sum, sum, sum)
	VPACKUSWB(sum, sum, sum)
	VMOVD(sum, Mem{Base: dst})
	ADDQ(Imm(3), dst)
	ADDQ(Imm(4), first)
	DECQ(n)
	JNZ(LabelRef("pixel"))
	VZEROUPPER()
	RET()
}
