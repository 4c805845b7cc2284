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

// ExpNeg sets e to e^-x, with x limited to ±87.33, and clobbers n and t. NaN
// stays NaN.
func (s *ISA) ExpNeg(x, e, n, t reg.VecPhysical) {
	VMOVUPS(s.Float(expLimit), t)
	VMINPS(x, t, t) // of two operands with a NaN, the first written here wins
	VMOVUPS(s.Float(-expLimit), n)
	VMAXPS(t, n, t)
	VMOVUPS(s.Float(-log2e), n)
	VFMADD213PS(s.Float(roundMagic), t, n) // the exponent in the lowest bits
	VSUBPS(s.Float(roundMagic), n, e)
	VFMADD231PS(s.Float(ln2Upper), e, t)
	VFMADD231PS(s.Float(ln2Lower), e, t)
	last := len(expTerms) - 1
	VMOVUPS(s.Float(expTerms[last]), e)
	for i := last - 1; i >= 0; i-- {
		VFMADD213PS(s.Float(expTerms[i]), t, e)
	}
	VPSLLD(U8(23), n, n)
	VPADDD(n, e, e)
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

// Activate applies an activation to v, and clobbers t0, t1 and t2.
func (s *ISA) Activate(act int, v, t0, t1, t2 reg.VecPhysical) {
	switch act {
	case ReLU:
		s.Zero(t0)
		VMAXPS(v, t0, v)
	case ReLU6:
		s.relu6(v, t0)
	case Swish:
		s.ExpNeg(v, t0, t1, t2)
		VADDPS(s.Float(1), t0, t0)
		s.divide(v, t0, t1, v)
	case HardSwish:
		VADDPS(s.Float(3), v, t1)
		s.relu6(t1, t0)
		VMULPS(s.Float(1.0/6), t1, t1)
		VMULPS(t1, v, v)
	case Sigmoid:
		s.ExpNeg(v, t0, t1, t2)
		VADDPS(s.Float(1), t0, t0)
		VMOVUPS(s.Float(1), t2)
		s.divide(t2, t0, t1, v)
	case HardSigmoid:
		VADDPS(s.Float(3), v, v)
		s.relu6(v, t0)
		VMULPS(s.Float(1.0/6), v, v)
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
	s.ExpNeg(y, p, q, t)
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
