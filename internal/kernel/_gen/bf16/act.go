package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

// activate applies the activation to vectors with AVX-512.
func (f finisher) activate(x []reg.VecPhysical) {
	each := func(do func(v, a, t, p reg.VecPhysical)) {
		for i, v := range x {
			do(v, z(4+i), z(8+i), z(12+i))
		}
	}
	zero, six := z(zeroAt), z(sixAt)
	switch f.act {
	case simd.ReLU, simd.ReLU6:
		each(func(v, _, _, _ reg.VecPhysical) { VMAXPS(v, zero, v) })
		if f.act == simd.ReLU6 {
			each(func(v, _, _, _ reg.VecPhysical) { VMINPS(v, six, v) })
		}
	case simd.HardSwish:
		each(func(v, a, _, _ reg.VecPhysical) { VADDPS(z(threeAt), v, a) })
		each(func(_, a, _, _ reg.VecPhysical) { VMAXPS(a, zero, a) })
		each(func(_, a, _, _ reg.VecPhysical) { VMINPS(a, six, a) })
		each(func(_, a, _, _ reg.VecPhysical) { VMULPS(z(sixthAt), a, a) })
		each(func(v, a, _, _ reg.VecPhysical) { VMULPS(a, v, v) })
	case simd.Swish:
		limit, magic := z(limitAt), z(magicAt)
		each(func(v, a, _, _ reg.VecPhysical) { VRANGEPS(U8(smallerPositive), limit, v, a) })
		each(func(_, a, t, _ reg.VecPhysical) { VADDPS(magic, a, t) }) // the piece in the lowest bits
		each(func(_, _, t, p reg.VecPhysical) { VSUBPS(magic, t, p) })
		each(func(_, a, _, p reg.VecPhysical) { VSUBPS(p, a, a) })
		each(func(_, _, t, p reg.VecPhysical) { VMOVAPS(t, p) })
		each(func(_, _, _, p reg.VecPhysical) { VPERMI2PS(z(tableAt+5), z(tableAt+4), p) })
		for i := range x { // the registers for residuals are free
			c := z(addAt + i%2)
			_, a, t, p := x[i], z(4+i), z(8+i), z(12+i)
			VMOVAPS(t, c)
			VPERMI2PS(z(tableAt+3), z(tableAt+2), c)
			VFMADD213PS(c, a, p)
			VPERMI2PS(z(tableAt+1), z(tableAt), t)
		}
		each(func(_, a, t, p reg.VecPhysical) { VFMADD213PS(t, a, p) })
		each(func(v, _, _, _ reg.VecPhysical) { VMAXPS(v, zero, v) })
		each(func(v, _, _, p reg.VecPhysical) { VSUBPS(p, v, v) })
	}
}

// smallerPositive makes VRANGEPS take the smaller magnitude, without a sign.
const smallerPositive = 0b1010

// activate2 applies the activation to two vectors with AVX2.
func (f finisher) activate2(x []reg.VecPhysical) {
	zero := y(15)
	f.Zero(zero)
	for _, v := range x {
		a, t, p, c, mask := y(2), y(3), y(4), y(5), y(6)
		switch f.act {
		case simd.ReLU, simd.ReLU6:
			VMAXPS(v, zero, v)
			if f.act == simd.ReLU6 {
				VMOVUPS(f.Float(6), a)
				VMINPS(v, a, v)
			}
		case simd.HardSwish:
			VADDPS(f.Float(3), v, a)
			VMAXPS(a, zero, a)
			VMOVUPS(f.Float(6), t)
			VMINPS(a, t, a)
			VMULPS(f.Float(1.0/6), a, a)
			VMULPS(a, v, v)
		case simd.Swish:
			Load(Param("table"), finArgs) // put back below
			VANDPS(f.Int(0x7fffffff), v, a)
			VMINPS(f.Float(15.5), a, a) // of a NaN and the limit, the limit
			VADDPS(f.Float(3<<21), a, t)
			VSUBPS(f.Float(3<<21), t, p)
			VSUBPS(p, a, a)
			VPAND(f.Int(31), t, t)
			for i, to := range []reg.VecPhysical{p, c} {
				VPCMPEQD(mask, mask, mask)
				VGATHERDPS(mask, Mem{Base: finArgs, Index: t, Scale: 4, Disp: 128 * (2 - i)}, to)
			}
			VFMADD213PS(c, a, p)
			VPCMPEQD(mask, mask, mask)
			VGATHERDPS(mask, Mem{Base: finArgs, Index: t, Scale: 4}, c)
			VFMADD213PS(c, a, p)
			VMAXPS(v, zero, v)
			VSUBPS(p, v, v)
			Load(Param("a"), finArgs)
		}
	}
}
