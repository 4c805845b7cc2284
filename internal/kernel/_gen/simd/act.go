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

// divide sets q = a/b and clobbers b and t.
func (s *ISA) divide(a, b, t, q reg.VecPhysical) {
	VDIVPS(b, a, q)
}
