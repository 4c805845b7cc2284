// Package simd lets one generator emit a kernel for several vector widths.
package simd

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// ISA is a vector instruction set.
type ISA struct {
	Name  string
	Lanes int // float32 lanes of a vector
	Regs  int // vector registers
}

// The instruction sets.
var (
	AVX2   = &ISA{Name: "AVX2", Lanes: 8, Regs: 16}
	AVX512 = &ISA{Name: "AVX512", Lanes: 16, Regs: 32}
)

// Wide tells whether vectors are 512 bits, with mask registers.
func (s *ISA) Wide() bool { return s.Lanes == 16 }

// Bytes is the size of a vector.
func (s *ISA) Bytes() int { return 4 * s.Lanes }

var (
	ys = []reg.VecPhysical{
		reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7,
		reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
	}
	zs = []reg.VecPhysical{
		reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
		reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
		reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
		reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
	}
)

// V returns vector register i.
func (s *ISA) V(i int) reg.VecPhysical {
	if s.Wide() {
		return zs[i]
	}
	return ys[i]
}

// Zero clears v.
func (s *ISA) Zero(v reg.VecPhysical) {
	if s.Wide() {
		VPXORD(v, v, v)
	} else {
		VXORPS(v, v, v)
	}
}

// Float returns a vector-sized read-only constant with x in each lane.
func (s *ISA) Float(x float32) Mem { return s.constant(math.Float32bits(x)) }

// Int returns a vector-sized read-only constant with x in each lane.
func (s *ISA) Int(x uint32) Mem { return s.constant(x) }

var constants = map[string]Mem{}

func (s *ISA) constant(bits uint32) Mem {
	name := fmt.Sprintf("const%d_%08x", s.Bytes(), bits)
	if m, ok := constants[name]; ok {
		return m
	}
	m := GLOBL(name, rodata)
	for i := range s.Lanes {
		DATA(4*i, U32(bits))
	}
	constants[name] = m
	return m
}

const rodata = attr.RODATA | attr.NOPTR

// Mask selects the first lanes of a vector: a K register with AVX-512, a
// vector register with AVX2.
type Mask struct{ op Op }

// TailMask returns the mask of the first n lanes, for n from 0 to Lanes. It
// clobbers n and tmp, and occupies vec with AVX2, k with AVX-512.
func (s *ISA) TailMask(n, tmp reg.GPPhysical, vec reg.VecPhysical, k reg.OpmaskPhysical) Mask {
	if s.Wide() {
		MOVL(U32(0xffffffff), tmp.As32())
		BZHIL(n.As32(), tmp.As32(), tmp.As32())
		KMOVW(tmp.As32(), k)
		return Mask{k}
	}
	table, ok := constants["tailmask"]
	if !ok {
		table = GLOBL("tailmask", rodata)
		for i := range 2 * s.Lanes {
			v := uint32(0)
			if i < s.Lanes {
				v = 0xffffffff
			}
			DATA(4*i, U32(v))
		}
		constants["tailmask"] = table
	}
	NEGQ(n)
	LEAQ(table.Offset(4*s.Lanes), tmp)
	VMOVUPS(Mem{Base: tmp, Index: n, Scale: 4}, vec)
	return Mask{vec}
}

// KMask returns the mask held by an AVX-512 mask register.
func KMask(k reg.OpmaskPhysical) Mask { return Mask{k} }

// VMask returns the mask held by an AVX2 vector register.
func VMask(v reg.VecPhysical) Mask { return Mask{v} }

// Load reads the lanes of mask, and zeros into the others.
func (s *ISA) Load(src Mem, mask Mask, dst reg.VecPhysical) {
	if s.Wide() {
		VMOVUPS_Z(src, mask.op, dst)
	} else {
		VMASKMOVPS(src, mask.op, dst)
	}
}

// StoreTail writes the first n lanes of src, for n from 1 to Lanes-1 with
// AVX2, where it clobbers src and dst; with AVX-512, those of mask. (AVX2's
// masked store takes tens of cycles on AMD's processors.)
func (s *ISA) StoreTail(src reg.VecPhysical, n reg.GPPhysical, mask Mask, dst reg.GPPhysical, label string) {
	if s.Wide() {
		VMOVUPS(src, mask.op, Mem{Base: dst})
		return
	}
	x := src.AsX()
	TESTQ(U32(4), n)
	JZ(LabelRef(label + "_2"))
	VMOVUPS(x, Mem{Base: dst})
	VEXTRACTF128(U8(1), src, x)
	ADDQ(U8(16), dst)
	Label(label + "_2")
	TESTQ(U32(2), n)
	JZ(LabelRef(label + "_1"))
	VMOVLPS(x, Mem{Base: dst})
	VPERMILPS(U8(0b1110), x, x)
	ADDQ(U8(8), dst)
	Label(label + "_1")
	TESTQ(U32(1), n)
	JZ(LabelRef(label + "_0"))
	VMOVSS(x, Mem{Base: dst})
	Label(label + "_0")
}
