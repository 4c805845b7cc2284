package simd

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// e^t for |t| up to ln(2)/2 is a polynomial of degree 5, with an error of
// 1e-7; the constants of the reduction to that range.
const (
	log2e      = 1.44269504088896341
	ln2        = 0.69314718055994531
	roundMagic = 12582912 // 1.5·2^23: adding it rounds to an integer
	expLimit   = 87.33    // beyond, e^x or e^-x is no normal number
)

var expTerms = []float32{1, 1, 0.4999923, 0.166671154, 0.0418903322, 0.0083125015}

// Group is the registers of one vector in a computation on several at once:
// processors look only so far ahead, and a chain of dependent operations
// leaves them waiting.
type Group struct{ X, A, B, C reg.VecPhysical }

// ExpNeg sets each A to e^-X, with X limited to ±87.33, and clobbers B and C.
// NaN stays NaN.
func (s *ISA) ExpNeg(groups ...Group) {
	each := func(f func(g Group)) {
		for _, g := range groups {
			f(g)
		}
	}
	// Of two operands with a NaN, the one written first here wins.
	each(func(g Group) { VMOVUPS(s.Float(expLimit), g.C) })
	each(func(g Group) { VMINPS(g.X, g.C, g.C) })
	each(func(g Group) { VMOVUPS(s.Float(-expLimit), g.B) })
	each(func(g Group) { VMAXPS(g.C, g.B, g.C) })
	each(func(g Group) { VMOVUPS(s.Float(-log2e), g.B) })
	each(func(g Group) { VFMADD213PS(s.Float(roundMagic), g.C, g.B) }) // the exponent in the lowest bits
	each(func(g Group) { VSUBPS(s.Float(roundMagic), g.B, g.A) })
	each(func(g Group) { VFNMSUB231PS(s.Float(ln2), g.A, g.C) })
	last := len(expTerms) - 1
	each(func(g Group) { VMOVUPS(s.Float(expTerms[last]), g.A) })
	for i := last - 1; i >= 0; i-- {
		each(func(g Group) { VFMADD213PS(s.Float(expTerms[i]), g.C, g.A) })
	}
	each(func(g Group) { VPSLLD(U8(23), g.B, g.B) })
	each(func(g Group) { VPADDD(g.B, g.A, g.A) })
}

// Swish applies the activation to each of many registers, and clobbers base.
// free holds others, at least 4, and stack has SwishStack bytes: registers that
// are put there meanwhile make room to work on several vectors at a time.
//
// With AVX2 it is ExpNeg with each constant loaded once for these vectors. A processor
// can look neither far enough ahead to overlap one vector's chain of
// dependent operations with many others', nor read a constant for each of them
// without waiting.
func (s *ISA) Swish(x, free []reg.VecPhysical, stack Mem, base reg.GPPhysical) {
	spilled := s.swishSpill(len(x), len(free))
	slot := func(i int) Mem { return Mem{Base: base, Disp: i * s.Bytes()} }
	if spilled > 0 {
		// What crosses a cache line is slow to read back after it was written.
		LEAQ(stack.Offset(s.Bytes()-1), base)
		ANDQ(I32(int32(-s.Bytes())), base)
	}
	for i, r := range x[:spilled] {
		VMOVUPS(r, slot(i))
	}
	regs := append(append([]reg.VecPhysical{}, free...), x[:spilled]...)
	together := s.swishTogether(len(regs))
	var group []swishVector
	flush := func() {
		s.swish(group, regs[3*len(group):])
		group = group[:0]
	}
	add := func(x Op) {
		r := regs[3*len(group):]
		if group = append(group, swishVector{x, r[0], r[1], r[2]}); len(group) == together {
			flush()
		}
	}
	for _, r := range x[spilled:] {
		add(r)
	}
	for i := range spilled {
		add(slot(i))
	}
	if len(group) > 0 {
		flush()
	}
	for i, r := range x[:spilled] {
		VMOVUPS(slot(i), r)
	}
}

// swishTogether returns how many vectors are worked on at a time with a number
// of registers besides theirs: three for each and those that they share.
func (s *ISA) swishTogether(regs int) int { return min((regs-s.swishShared())/3, s.swishWanted()) }

// swishShared returns how many registers are for constants and the like.
func (s *ISA) swishShared() int {
	if s.Wide() {
		return pieceShared
	}
	return 2
}

func (s *ISA) swishWanted() int {
	if s.Wide() {
		return 3 // more would need more stack than a function may use unasked
	}
	return 4
}

// SwishStack returns the bytes of stack that Swish needs for n registers, if
// there are others free.
func (s *ISA) SwishStack(n, free int) int {
	if spilled := s.swishSpill(n, free); spilled > 0 {
		return (spilled + 1) * s.Bytes()
	}
	return 0
}

// swishSpill returns how many of n registers are put on the stack.
func (s *ISA) swishSpill(n, free int) int {
	return min(n, max(0, 3*min(n, s.swishWanted())+s.swishShared()-free))
}

// swishVector is a vector x, in a register or on the stack, and registers to
// work with.
type swishVector struct {
	x       Op
	a, b, c reg.VecPhysical
}

// swish applies the activation to several vectors, with swishShared registers
// besides theirs.
func (s *ISA) swish(vectors []swishVector, regs []reg.VecPhysical) {
	if s.Wide() {
		s.swishPieces(vectors, regs)
		return
	}
	s.expNegPlusOne(vectors, regs)
	least := regs[0]
	VMOVUPS(s.Float(-expLimit), least)
	for _, v := range vectors {
		x, inRegister := v.x.(reg.VecPhysical)
		if !inRegister {
			x = v.c
		}
		VMAXPS(v.x, least, x) // -Inf is to give 0
		s.divide(x, v.a, v.b, x)
		if !inRegister {
			VMOVUPS(x, v.x)
		}
	}
}

// expNegPlusOne sets each a to 1+e^-x, with x limited as for ExpNeg, and
// clobbers b and c; c may be x.
func (s *ISA) expNegPlusOne(vectors []swishVector, regs []reg.VecPhysical) {
	next := 0
	load := func(x float32) reg.VecPhysical {
		r := regs[next%2]
		next++
		VMOVUPS(s.Float(x), r)
		return r
	}
	each := func(f func(v swishVector)) {
		for _, v := range vectors {
			f(v)
		}
	}
	k := load(expLimit)
	// Of two operands with a NaN, the one written first here wins.
	each(func(v swishVector) { VMINPS(v.x, k, v.c) })
	k = load(-expLimit)
	each(func(v swishVector) { VMAXPS(v.c, k, v.c) })
	magic := load(roundMagic)
	each(func(v swishVector) { VMOVAPS(magic, v.b) })
	k = load(-log2e)
	each(func(v swishVector) { VFMADD231PS(v.c, k, v.b) })
	n := func(v swishVector) reg.VecPhysical { return v.a }
	if s.Wide() {
		n = func(v swishVector) reg.VecPhysical { return v.b }
	}
	each(func(v swishVector) { VSUBPS(magic, v.b, n(v)) })
	k = load(ln2)
	each(func(v swishVector) { VFNMSUB231PS(k, n(v), v.c) })
	k = load(expTerms[5])
	each(func(v swishVector) { VMOVAPS(k, v.a) })
	for i := 4; i > 0; i-- {
		k = load(expTerms[i])
		each(func(v swishVector) { VFMADD213PS(k, v.c, v.a) })
	}
	each(func(v swishVector) { VFMADD213PS(k, v.c, v.a) }) // both last terms are 1
	if s.Wide() {
		each(func(v swishVector) { VSCALEFPS(v.b, v.a, v.a) })
	} else {
		each(func(v swishVector) { VPSLLD(U8(23), v.b, v.b) })
		each(func(v swishVector) { VPADDD(v.b, v.a, v.a) })
	}
	each(func(v swishVector) { VADDPS(k, v.a, v.a) })
}

// Together is the number of groups for which SigmoidInverse and what follows
// it are quickest, and Spare that of further registers it needs.
const (
	Together = 4
	Spare    = 2
)

// SigmoidInverse sets each A to 1+e^-C, the inverse of the sigmoid of C, which
// may be limited to ±87.33, and clobbers B and C. It is ExpNeg with each
// constant loaded once, into one of the spare registers.
func (s *ISA) SigmoidInverse(groups []Group, spare []reg.VecPhysical) {
	var vectors []swishVector
	for _, g := range groups {
		vectors = append(vectors, swishVector{g.C, g.A, g.B, g.C})
	}
	s.expNegPlusOne(vectors, spare)
}

// Divide sets q = a/b, for b from 1 to 2^126, and clobbers b and t.
func (s *ISA) Divide(a, b, t, q reg.VecPhysical) { s.divide(a, b, t, q) }

// Activations in the order of kernel.Act.
const (
	Identity = iota
	ReLU
	ReLU6
	Swish
	HardSwish
	Sigmoid
	HardSigmoid
)

// Activate applies an activation to each X, and clobbers the other registers
// of the groups. Swish clobbers AVX-512's last three registers as well.
func (s *ISA) Activate(act int, groups ...Group) {
	switch act {
	case Swish:
		if s.Wide() {
			var vectors []swishVector
			for _, g := range groups {
				vectors = append(vectors, swishVector{g.X, g.A, g.B, g.C})
			}
			s.swishPieces(vectors, zs[len(zs)-pieceShared:])
			return
		}
		for _, g := range groups {
			s.SwishLeast(g.X, g.A)
		}
		fallthrough
	case Sigmoid:
		s.ExpNeg(groups...)
		for _, g := range groups {
			VADDPS(s.Float(1), g.A, g.A)
		}
		for _, g := range groups {
			if act == Swish {
				s.divide(g.X, g.A, g.B, g.X)
				continue
			}
			VMOVUPS(s.Float(1), g.C)
			s.divide(g.C, g.A, g.B, g.X)
		}
		return
	}
	for _, g := range groups {
		switch act {
		case ReLU:
			s.Zero(g.A)
			VMAXPS(g.X, g.A, g.X)
		case ReLU6:
			s.relu6(g.X, g.A)
		case HardSwish:
			VADDPS(s.Float(3), g.X, g.B)
			s.relu6(g.B, g.A)
			VMULPS(s.Float(1.0/6), g.B, g.B)
			VMULPS(g.B, g.X, g.X)
		case HardSigmoid:
			VADDPS(s.Float(3), g.X, g.X)
			s.relu6(g.X, g.A)
			VMULPS(s.Float(1.0/6), g.X, g.X)
		}
	}
}

// SwishLeast raises x to where swish is 0, so that it is that at -Inf, too, and
// clobbers t.
func (s *ISA) SwishLeast(x, t reg.VecPhysical) {
	VMOVUPS(s.Float(-expLimit), t)
	VMAXPS(x, t, x)
}

func (s *ISA) relu6(v, t reg.VecPhysical) {
	s.Zero(t)
	VMAXPS(v, t, v)
	VMOVUPS(s.Float(6), t)
	VMINPS(v, t, v)
}

// divide sets q = a/b for b from 1 to 2^126, and clobbers b and t. With
// AVX-512, where a division takes longer than the rest of a sigmoid, it is a
// reciprocal of 14 bits and one Newton step.
func (s *ISA) divide(a, b, t, q reg.VecPhysical) {
	if !s.Wide() {
		VDIVPS(b, a, q)
		return
	}
	VRCP14PS(b, t)
	VFNMADD213PS(s.Float(1), t, b)
	VFMADD213PS(t, b, t)
	VMULPS(t, a, q)
}

// ActGrad multiplies g by the derivative of an activation at y, and clobbers
// t0, t1 and t2.
func (s *ISA) ActGrad(act int, y, g, t0, t1, t2 reg.VecPhysical) {
	switch act {
	case ReLU:
		s.keep(g, y, greater, 0, t0)
	case ReLU6:
		s.keep(g, y, greater, 0, t0)
		s.keep(g, y, less, 6, t0)
	case Swish: // σ·(1 + y·(1-σ))
		s.sigmoids(y, t0, t1, t2)
		VFMADD213PS(s.Float(1), y, t1)
		VMULPS(t0, g, g)
		VMULPS(t1, g, g)
	case HardSwish: // y/3 + 1/2 between -3 and 3
		VMOVUPS(s.Float(1.0/3), t1)
		VFMADD213PS(s.Float(0.5), y, t1)
		s.replace(t1, y, greater, 3, 1, t0)
		VMULPS(t1, g, g)
		s.keep(g, y, greaterEqual, -3, t0)
	case Sigmoid: // σ·(1-σ)
		s.sigmoids(y, t0, t1, t2)
		VMULPS(t0, g, g)
		VMULPS(t1, g, g)
	case HardSigmoid:
		s.keep(g, y, greater, -3, t0)
		s.keep(g, y, less, 3, t0)
		VMULPS(s.Float(1.0/6), g, g)
	}
}

// Half sets the lanes of v to 1/2 where x is all but zero, and clobbers t.
func (s *ISA) Half(v, x, t reg.VecPhysical) {
	if s.Wide() {
		VPANDD(s.Int(0x7fffffff), x, t)
	} else {
		VANDPS(s.Int(0x7fffffff), x, t)
	}
	s.replace(v, t, less, 1e-30, 0.5, t)
}

// sigmoids sets p to σ(y) and q to 1-σ(y), and clobbers t.
func (s *ISA) sigmoids(y, p, q, t reg.VecPhysical) {
	s.ExpNeg(Group{y, p, q, t})
	VADDPS(s.Float(1), p, p)
	VMOVUPS(s.Float(1), q)
	s.divide(q, p, t, p)
	VSUBPS(p, q, q)
}

// Ordered comparisons, false if a side is NaN.
const (
	less         = 0x11
	greaterEqual = 0x1d
	greater      = 0x1e
)

// keep zeroes the lanes of v where y does not compare with limit, and
// clobbers t.
func (s *ISA) keep(v, y reg.VecPhysical, comparison uint8, limit float32, t reg.VecPhysical) {
	if s.Wide() {
		VCMPPS(U8(comparison), s.Float(limit), y, reg.K2)
		VMOVAPS_Z(v, reg.K2, v)
		return
	}
	VCMPPS(U8(comparison), s.Float(limit), y, t)
	VANDPS(t, v, v)
}

// replace sets the lanes of v to x where y compares with limit, and clobbers t.
func (s *ISA) replace(v, y reg.VecPhysical, comparison uint8, limit, x float32, t reg.VecPhysical) {
	if s.Wide() {
		VCMPPS(U8(comparison), s.Float(limit), y, reg.K2)
		VMOVUPS(s.Float(x), reg.K2, v)
		return
	}
	VCMPPS(U8(comparison), s.Float(limit), y, t)
	VBLENDVPS(t, s.Float(x), v, v)
}
