package simd

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// e^-t for |t| up to ln(2)/2 is a polynomial of degree 6; the constants of the
// reduction to that range. ln 2 is split so that the product of its upper part
// with any exponent is exact.
const (
	log2e      = 1.44269504088896341
	ln2Upper   = 0.693359375
	ln2Lower   = -2.12194440e-4
	roundMagic = 12582912 // 1.5·2^23: adding it rounds to an integer
	expLimit   = 87.33    // beyond, e^x or e^-x is no normal number
)

var expTerms = []float32{1, -1, 0.49999993, -0.1666652, 0.041668388, -0.008368717, 0.00138145987}

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
	each(func(g Group) { VFMADD231PS(s.Float(ln2Upper), g.A, g.C) })
	each(func(g Group) { VFMADD231PS(s.Float(ln2Lower), g.A, g.C) })
	last := len(expTerms) - 1
	each(func(g Group) { VMOVUPS(s.Float(expTerms[last]), g.A) })
	for i := last - 1; i >= 0; i-- {
		each(func(g Group) { VFMADD213PS(s.Float(expTerms[i]), g.C, g.A) })
	}
	each(func(g Group) { VPSLLD(U8(23), g.B, g.B) })
	each(func(g Group) { VPADDD(g.B, g.A, g.A) })
}

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
// of the groups.
func (s *ISA) Activate(act int, groups ...Group) {
	switch act {
	case Swish, Sigmoid:
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
