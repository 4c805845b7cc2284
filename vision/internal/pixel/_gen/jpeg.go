package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The factors of libjpeg's accurate integer DCT, 13 bits.
const (
	constBits = 13
	passBits  = 2
)

// factors makes the constants that idct multiplies by.
type factors map[int]Mem

func (f factors) of(v int) Mem {
	if m, ok := f[v]; ok {
		return m
	}
	name := fmt.Sprintf("fix%d", v)
	if v < 0 {
		name = fmt.Sprintf("fixMinus%d", -v)
	}
	f[v] = dwords(name, uint32(int32(v)))
	return f[v]
}

// idct generates the inverse DCT of a block. Eight numbers of 32 bits in a
// vector are a row of the block in the first pass, and a column in the second.
func idct() {
	f := factors{}
	for _, v := range []int{4433, 6270, -15137, 9633, 2446, 16819, 25172, 12299, -7373, -20995, -16069, -3196} {
		f.of(v)
	}
	round1 := dwords("round1", 1<<(constBits-passBits-1))
	const shift2 = constBits + passBits + 3
	round2 := dwords("round2", 1<<(shift2-1)+128<<shift2)

	text("idctAVX2", "func(dst *uint8, stride int, block *int16)",
		"writes the 8×8 samples of a block of dequantised coefficients.")
	dst, stride, block := Load(Param("dst"), GP64()), Load(Param("stride"), GP64()), Load(Param("block"), GP64())
	row := reg.Y0 // rows are in Y0 to Y7, the rest is for work
	_ = row
	v := []reg.VecPhysical{reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7}
	work := []reg.VecPhysical{reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15}
	for i := range v {
		VPMOVSXWD(Mem{Base: block, Disp: 16 * i}, v[i])
	}
	v = pass(f, v, work, round1, constBits-passBits)
	v, work = transpose(v, work)
	v = pass(f, v, work, round2, shift2)
	store(dst, stride, v)
	VZEROUPPER()
	RET()
}

// pass transforms eight vectors; the result is in registers of v and work.
func pass(f factors, v, work []reg.VecPhysical, round Mem, shift int) []reg.VecPhysical {
	w := work
	mul := func(x reg.VecPhysical, factor int, to reg.VecPhysical) { VPMULLD(f.of(factor), x, to) }

	// Odd frequencies: 1, 3, 5 and 7 become the four odd sums.
	c1, c3, c5, c7 := v[1], v[3], v[5], v[7]
	VPADDD(c7, c3, w[0]) // z3
	VPADDD(c5, c1, w[1]) // z4
	VPADDD(w[0], w[1], w[2])
	mul(w[2], 9633, w[2]) // z5
	mul(w[0], -16069, w[0])
	mul(w[1], -3196, w[1])
	VPADDD(w[2], w[0], w[0])
	VPADDD(w[2], w[1], w[1])
	VPADDD(c7, c1, w[2])
	mul(w[2], -7373, w[2]) // z1
	VPADDD(c5, c3, w[3])
	mul(w[3], -20995, w[3]) // z2
	mul(c7, 2446, c7)
	VPADDD(w[2], c7, c7)
	VPADDD(w[0], c7, c7) // o3
	mul(c5, 16819, c5)
	VPADDD(w[3], c5, c5)
	VPADDD(w[1], c5, c5) // o2
	mul(c3, 25172, c3)
	VPADDD(w[3], c3, c3)
	VPADDD(w[0], c3, c3) // o1
	mul(c1, 12299, c1)
	VPADDD(w[2], c1, c1)
	VPADDD(w[1], c1, c1) // o0

	// Even frequencies: 0, 2, 4 and 6 become the four even sums, rounded.
	c0, c2, c4, c6 := v[0], v[2], v[4], v[6]
	VPADDD(c6, c2, w[0])
	mul(w[0], 4433, w[0])
	mul(c6, -15137, w[1])
	VPADDD(w[0], w[1], w[1]) // t2
	mul(c2, 6270, w[2])
	VPADDD(w[0], w[2], w[2]) // t3
	VPADDD(c4, c0, w[3])
	VPSLLD(Imm(constBits), w[3], w[3])
	VPADDD(round, w[3], w[3]) // t0
	VPSUBD(c4, c0, w[4])
	VPSLLD(Imm(constBits), w[4], w[4])
	VPADDD(round, w[4], w[4]) // t1
	e := []reg.VecPhysical{c0, c2, c4, c6}
	VPADDD(w[2], w[3], e[0])
	VPADDD(w[1], w[4], e[1])
	VPSUBD(w[1], w[4], e[2])
	VPSUBD(w[2], w[3], e[3])

	o := []reg.VecPhysical{c1, c3, c5, c7}
	out := make([]reg.VecPhysical, 8)
	for i := range 4 {
		out[i], out[7-i] = w[i], o[i]
		VPADDD(o[i], e[i], out[i])
		VPSUBD(o[i], e[i], out[7-i])
	}
	for _, r := range out {
		VPSRAD(Imm(uint64(shift)), r, r)
	}
	return out
}

// transpose swaps rows and columns of eight vectors, and returns the registers
// that hold the result and those that are free.
func transpose(v, work []reg.VecPhysical) (out, free []reg.VecPhysical) {
	used := map[reg.Register]bool{}
	for _, r := range v {
		used[r] = true
	}
	for _, r := range []reg.VecPhysical{
		reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7,
		reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
	} {
		if !used[r] {
			free = append(free, r)
		}
	}
	t := free
	for i := 0; i < 8; i += 2 {
		VPUNPCKLDQ(v[i+1], v[i], t[i])
		VPUNPCKHDQ(v[i+1], v[i], t[i+1])
	}
	for i := 0; i < 8; i += 4 {
		VPUNPCKLQDQ(t[i+2], t[i], v[i])
		VPUNPCKHQDQ(t[i+2], t[i], v[i+1])
		VPUNPCKLQDQ(t[i+3], t[i+1], v[i+2])
		VPUNPCKHQDQ(t[i+3], t[i+1], v[i+3])
	}
	for i := range 4 {
		VPERM2I128(Imm(0x20), v[i+4], v[i], t[i])
		VPERM2I128(Imm(0x31), v[i+4], v[i], t[i+4])
	}
	return t, v
}

// store writes eight columns as bytes, row by row.
func store(dst, stride reg.Register, v []reg.VecPhysical) {
	// Lanes hold rows 0-3 and 4-7. Words of columns 0 and 4, and so on, then
	// bytes, so that unpacking puts the columns in order.
	VPACKSSDW(v[4], v[0], v[0]) // 0 0 0 0 4 4 4 4
	VPACKSSDW(v[5], v[1], v[1])
	VPACKSSDW(v[6], v[2], v[2])
	VPACKSSDW(v[7], v[3], v[3])
	VPACKUSWB(v[2], v[0], v[0])  // 0×4 4×4 2×4 6×4
	VPACKUSWB(v[3], v[1], v[1])  // 1×4 5×4 3×4 7×4
	VPUNPCKLBW(v[1], v[0], v[4]) // 01×4 45×4
	VPUNPCKHBW(v[1], v[0], v[5]) // 23×4 67×4
	VPUNPCKLWD(v[5], v[4], v[0]) // 0123×4
	VPUNPCKHWD(v[5], v[4], v[1]) // 4567×4
	VPUNPCKLDQ(v[1], v[0], v[2]) // rows 0, 1 and 4, 5
	VPUNPCKHDQ(v[1], v[0], v[3]) // rows 2, 3 and 6, 7
	stride3 := GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	for lane := range 2 {
		for i, r := range []reg.VecPhysical{v[2], v[3]} {
			x := r.AsX()
			at, up := Mem{Base: dst}, Mem{Base: dst, Index: stride, Scale: 1}
			if i == 1 {
				at, up = Mem{Base: dst, Index: stride, Scale: 2}, Mem{Base: dst, Index: stride3, Scale: 1}
			}
			if lane == 1 {
				VEXTRACTI128(Imm(1), r, x)
			}
			VMOVQ(x, at)
			VPEXTRQ(Imm(1), x, up)
		}
		if lane == 0 {
			LEAQ(Mem{Base: dst, Index: stride, Scale: 4}, dst)
		}
	}
}

// ycc generates the conversion of YCbCr to RGB, eight pixels at a time.
func ycc() {
	bias := dwords("bias", 128)
	half := dwords("half", 1<<15)
	red, green1, green2, blue := dwords("red", 91881), dwords("green1", uint32(0x100000000-22554)), dwords("green2", uint32(0x100000000-46802)), dwords("blue", 116130)
	zero := dwords("zeros", 0)
	most := dwords("most", 255)
	squeeze := []byte{}
	for range 2 {
		for i := range 4 {
			squeeze = append(squeeze, byte(4*i), byte(4*i+1), byte(4*i+2))
		}
		squeeze = append(squeeze, 0x80, 0x80, 0x80, 0x80)
	}
	join := bytes("join", squeeze)

	text("yccAVX2", "func(dst, y, cb, cr *uint8, n int)",
		"converts n pixels to RGB, n a multiple of 8, and writes 4 bytes beyond the last.")
	dst, n := Load(Param("dst"), GP64()), Load(Param("n"), GP64())
	ys, cbs, crs := Load(Param("y"), GP64()), Load(Param("cb"), GP64()), Load(Param("cr"), GP64())
	kBias, kHalf, kZero, kMost, kJoin := YMM(), YMM(), YMM(), YMM(), YMM()
	for _, c := range []struct {
		m Mem
		r reg.VecVirtual
	}{{bias, kBias}, {half, kHalf}, {zero, kZero}, {most, kMost}, {join, kJoin}} {
		VMOVDQU(c.m, c.r)
	}
	Label("pixels")
	y, cb, cr := YMM(), YMM(), YMM()
	VPMOVZXBD(Mem{Base: ys}, y)
	VPMOVZXBD(Mem{Base: cbs}, cb)
	VPMOVZXBD(Mem{Base: crs}, cr)
	VPSUBD(kBias, cb, cb)
	VPSUBD(kBias, cr, cr)
	channel := func(v reg.VecVirtual) {
		VPADDD(kHalf, v, v)
		VPSRAD(Imm(16), v, v)
		VPADDD(y, v, v)
		VPMAXSD(kZero, v, v)
		VPMINSD(kMost, v, v)
	}
	r, g, b, t := YMM(), YMM(), YMM(), YMM()
	VPMULLD(red, cr, r)
	channel(r)
	VPMULLD(green1, cb, g)
	VPMULLD(green2, cr, t)
	VPADDD(t, g, g)
	channel(g)
	VPMULLD(blue, cb, b)
	channel(b)
	VPSLLD(Imm(8), g, g)
	VPSLLD(Imm(16), b, b)
	VPOR(g, r, r)
	VPOR(b, r, r)
	VPSHUFB(kJoin, r, r)
	VMOVDQU(r.AsX(), Mem{Base: dst})
	VEXTRACTI128(Imm(1), r, t.AsX())
	VMOVDQU(t.AsX(), Mem{Base: dst, Disp: 12})
	ADDQ(Imm(24), dst)
	for _, p := range []reg.Register{ys, cbs, crs} {
		ADDQ(Imm(8), p)
	}
	SUBQ(Imm(8), n)
	JNZ(LabelRef("pixels"))
	VZEROUPPER()
	RET()
}

// chroma generates the filters that double chroma's resolution.
func chroma() {
	text("sumRowsAVX2", "func(dst *uint16, near, far *uint8, n int)",
		"sets dst to 3·near + far, n a multiple of 16.")
	dst, near, far, n := Load(Param("dst"), GP64()), Load(Param("near"), GP64()), Load(Param("far"), GP64()), Load(Param("n"), GP64())
	i := GP64()
	XORQ(i, i)
	Label("sum")
	a, b, t := YMM(), YMM(), YMM()
	VPMOVZXBW(Mem{Base: near, Index: i, Scale: 1}, a)
	VPMOVZXBW(Mem{Base: far, Index: i, Scale: 1}, b)
	VPADDW(a, a, t)
	VPADDW(t, a, a)
	VPADDW(a, b, b)
	VMOVDQU(b, Mem{Base: dst, Index: i, Scale: 2})
	ADDQ(Imm(16), i)
	CMPQ(i, n)
	JL(LabelRef("sum"))
	VZEROUPPER()
	RET()

	text("widenAVX2", "func(dst *uint8, s *uint16, n int, even, odd uint16, shift int)",
		"doubles n samples, n a multiple of 16, that begin at s[1]: each becomes",
		"(3·s[i]+s[i-1]+even)>>shift and (3·s[i]+s[i+1]+odd)>>shift.")
	out, s, count := Load(Param("dst"), GP64()), Load(Param("s"), GP64()), Load(Param("n"), GP64())
	e, o, amount := YMM(), YMM(), XMM()
	evenAddr, err := Param("even").Resolve()
	must(err)
	oddAddr, err := Param("odd").Resolve()
	must(err)
	shiftAddr, err := Param("shift").Resolve()
	must(err)
	VPBROADCASTW(evenAddr.Addr, e)
	VPBROADCASTW(oddAddr.Addr, o)
	VMOVQ(shiftAddr.Addr, amount)
	Label("widen")
	left, mid, right := YMM(), YMM(), YMM()
	VMOVDQU(Mem{Base: s, Disp: 2}, mid)
	VPADDW(mid, mid, left)
	VPADDW(left, mid, mid)
	VPADDW(Mem{Base: s}, mid, left)
	VPADDW(Mem{Base: s, Disp: 4}, mid, right)
	VPADDW(e, left, left)
	VPADDW(o, right, right)
	VPSRLW(amount, left, left)
	VPSRLW(amount, right, right)
	VPSLLW(Imm(8), right, right)
	VPOR(right, left, left)
	VMOVDQU(left, Mem{Base: out})
	ADDQ(Imm(32), s)
	ADDQ(Imm(32), out)
	SUBQ(Imm(16), count)
	JNZ(LabelRef("widen"))
	VZEROUPPER()
	RET()
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
