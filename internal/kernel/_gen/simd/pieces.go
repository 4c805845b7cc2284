package simd

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// AVX-512's swish is max(x, 0) - r(|x|), where r(a) = a/(1+e^a) is a polynomial
// on each of 32 pieces, whose coefficients two registers hold; see command
// swish. r counts as 0 from pieceLimit on.
const (
	pieceOffset = 2
	pieceShift  = 20
	pieceDegree = 4
	pieceLimit  = 18
)

// pieceShared is how many registers swishPieces needs besides three for each
// vector.
const pieceShared = 3

// smallerMagnitude makes VRANGEPS take the operand of smaller magnitude without
// its sign, or the other one if one is NaN.
const smallerMagnitude = 0b1010

// pieceTable returns half of the coefficients of a power.
func pieceTable(power, half int) Mem {
	return NewDataAddr(Symbol{Name: "·swishPieces"}, (2*power+half)*64)
}

// swishPieces applies swish to several vectors, and clobbers their other
// registers and pieceShared of regs. NaN stays NaN, and the sign of 0 is kept.
func (s *ISA) swishPieces(vectors []swishVector, regs []reg.VecPhysical) {
	lo, hi, t := regs[0], regs[1], regs[2]
	each := func(f func(v swishVector)) {
		for _, v := range vectors {
			f(v)
		}
	}
	VMOVUPS(s.Float(pieceLimit), lo)
	each(func(v swishVector) {
		x, inRegister := v.x.(reg.VecPhysical)
		if !inRegister {
			x = v.a
			VMOVUPS(v.x, x)
		}
		VRANGEPS(U8(smallerMagnitude), lo, x, v.a)
	})
	VMOVUPS(s.Float(pieceOffset), lo)
	each(func(v swishVector) { VADDPS(lo, v.a, v.b) })
	each(func(v swishVector) { VPSRLD(U8(pieceShift), v.b, v.b) })
	for power := pieceDegree; power >= 0; power-- {
		VMOVUPS(pieceTable(power, 0), lo)
		VMOVUPS(pieceTable(power, 1), hi)
		each(func(v swishVector) {
			c := t
			switch power {
			case pieceDegree:
				c = v.c
			case 0:
				c = v.b // which piece is no longer needed
			}
			if power > 0 {
				VMOVAPS(v.b, c)
			}
			VPERMI2PS(hi, lo, c)
			if power < pieceDegree {
				VFMADD213PS(c, v.a, v.c)
			}
		})
	}
	s.Zero(t)
	each(func(v swishVector) {
		x, inRegister := v.x.(reg.VecPhysical)
		if !inRegister {
			x = v.a
		}
		VMAXPS(v.x, t, x) // of a NaN and 0, or of two zeros, the one written first
		VSUBPS(v.c, x, x)
		if !inRegister {
			VMOVUPS(x, v.x)
		}
	})
}
