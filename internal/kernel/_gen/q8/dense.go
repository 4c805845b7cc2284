package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

// dense emits the linear layer in floats: a panel of 16 outputs after the
// other, or four at a time, which hides the latency of a sum.
func dense(s *simd.ISA) {
	TEXT("dense"+s.Name, attr.NOSPLIT, "func(dst *float32, x *float32, w *float32, bias *float32, k int, panels int)")
	Pragma("noescape")
	Doc("dense" + s.Name + " computes panels of 16 outputs, each from left to right and without fused operations.")
	dst, x, w, bias := reg.RDI, reg.RSI, reg.RDX, reg.RBX
	k, panels, panel, panel3 := reg.RCX, reg.R8, reg.R9, reg.R10
	xAt, wAt := reg.R11, reg.R12
	Load(Param("dst"), dst)
	Load(Param("w"), w)
	Load(Param("bias"), bias)
	Load(Param("panels"), panels)
	Load(Param("k"), panel)
	SHLQ(U8(6), panel)
	LEAQ(Mem{Base: panel, Index: panel, Scale: 2}, panel3)
	Load(Param("x"), x)
	per := 64 / s.Bytes() // vectors of a panel
	for _, n := range []int{4, 1} {
		label := fmt.Sprintf("panels%d", n)
		Label(label)
		SUBQ(U8(uint8(n)), panels)
		JLT(LabelRef(label + "_end"))
		for i := range n * per {
			VMOVUPS(Mem{Base: bias, Disp: i * s.Bytes()}, s.V(i))
		}
		MOVQ(x, xAt)
		MOVQ(w, wAt)
		Load(Param("k"), k)
		Label(label + "_k")
		VBROADCASTSS(Mem{Base: xAt}, s.V(n*per))
		for i := range n * per {
			m := Mem{Base: wAt, Disp: i % per * s.Bytes()}
			switch p := i / per; p {
			case 1, 2:
				m.Index, m.Scale = panel, uint8(p)
			case 3:
				m.Index, m.Scale = panel3, 1
			}
			t := s.V(n*per + 1 + i%2)
			VMULPS(m, s.V(n*per), t)
			VADDPS(t, s.V(i), s.V(i))
		}
		ADDQ(U8(4), xAt)
		ADDQ(U8(64), wAt)
		DECQ(k)
		JNZ(LabelRef(label + "_k"))
		for i := range n * per {
			VMOVUPS(s.V(i), Mem{Base: dst, Disp: i * s.Bytes()})
		}
		ADDQ(U32(uint32(64*n)), dst)
		ADDQ(U32(uint32(64*n)), bias)
		for range n {
			ADDQ(panel, w)
		}
		JMP(LabelRef(label))
		Label(label + "_end")
		ADDQ(U8(uint8(n)), panels)
	}
	VZEROUPPER()
	RET()
}

// sigmoidTerms are the coefficients of e^r, from that of r^6 on.
var sigmoidTerms = []float32{1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1, 1}

// sigmoid emits the sigmoid of a number of vectors, or swish: the steps of the
// twin in Go, one by one.
func sigmoid(s *simd.ISA) {
	TEXT("sigmoid"+s.Name, attr.NOSPLIT, "func(x *float32, vectors int, swish int)")
	Pragma("noescape")
	Doc("sigmoid" + s.Name + " applies the sigmoid, or swish, to vectors of 16, without fused operations.")
	x, left, swish := reg.RDI, reg.RCX, reg.RDX
	Load(Param("x"), x)
	Load(Param("vectors"), left)
	Load(Param("swish"), swish)
	Label("loop")
	for i := range 64 / s.Bytes() {
		m := Mem{Base: x, Disp: i * s.Bytes()}
		v, t, n, r, p := s.V(0), s.V(1), s.V(2), s.V(3), s.V(4)
		VMOVUPS(m, v)
		VMAXPS(s.Float(-87), v, t)
		VMINPS(s.Float(87), t, t)
		VXORPS(s.Int(1<<31), t, t)
		VMULPS(s.Float(math.Log2E), t, n)
		if s.Wide() {
			VRNDSCALEPS(U8(0), n, n)
		} else {
			VROUNDPS(U8(0), n, n)
		}
		VMULPS(s.Float(0.693359375), n, r)
		VSUBPS(r, t, t)
		VMULPS(s.Float(-2.12194440e-4), n, r)
		VSUBPS(r, t, r)
		VMOVUPS(s.Float(sigmoidTerms[0]), p)
		for _, c := range sigmoidTerms[1:] {
			VMULPS(r, p, p)
			VADDPS(s.Float(c), p, p)
		}
		VCVTPS2DQ(n, n)
		VPADDD(s.Int(127), n, n)
		VPSLLD(U8(23), n, n)
		VMULPS(n, p, p)
		VADDPS(s.Float(1), p, p)
		VMOVUPS(s.Float(1), t)
		VDIVPS(p, t, t)
		TESTQ(swish, swish)
		JZ(LabelRef(fmt.Sprintf("store%d", i)))
		VMULPS(t, v, t)
		Label(fmt.Sprintf("store%d", i))
		VMOVUPS(t, m)
	}
	ADDQ(U8(64), x)
	DECQ(left)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
