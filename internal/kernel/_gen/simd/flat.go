package simd

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Flat emits a loop over vectors of equal length. The function has a parameter
// for each vector and "n", the length.
type Flat struct {
	*ISA
	Vecs   []string // parameters of the vectors, at most 5
	Unroll int

	Setup func()           // loads what stays in registers
	Step  func(e []*Elems) // does some vectors of each
	// Variants, if any, are alternatives to Step by the value of the
	// parameter "variant"; the last is taken for any other value.
	Variants []func(e []*Elems)
}

// Elems is one vector of elements.
type Elems struct {
	*ISA
	disp   int
	name   string
	masked bool
	mask   Mask
	serial int
}

// General-purpose registers of Flat.
var (
	flatBase = [5]reg.GPPhysical{reg.RAX, reg.RBX, reg.RCX, reg.RDX, reg.RSI}
	flatOff  = reg.RDI
	flatLeft = reg.R8
)

// Emit writes the body of the function.
func (f *Flat) Emit() {
	for i, v := range f.Vecs {
		Load(Param(v), flatBase[i])
	}
	Load(Param("n"), flatLeft)
	XORQ(flatOff, flatOff)
	if f.Setup != nil {
		f.Setup()
	}
	if len(f.Variants) == 0 {
		f.loop("only", f.Step)
		return
	}
	Load(Param("variant"), tmp0)
	for i, step := range f.Variants {
		name := fmt.Sprintf("v%d", i)
		if i < len(f.Variants)-1 {
			CMPQ(tmp0, U32(uint32(i)))
			JNE(LabelRef(name + "_next"))
		}
		f.loop(name, step)
		Label(name + "_next")
	}
}

func (f *Flat) loop(name string, step func(e []*Elems)) {
	for _, n := range []int{f.Unroll, 1} {
		label := fmt.Sprintf("%s_u%d", name, n)
		SUBQ(U32(uint32(n*f.Lanes)), flatLeft)
		JLT(LabelRef(label + "_end"))
		Label(label)
		var elems []*Elems
		for u := range n {
			elems = append(elems, &Elems{ISA: f.ISA, disp: u * f.Bytes()})
		}
		step(elems)
		ADDQ(U32(uint32(n*f.Bytes())), flatOff)
		SUBQ(U32(uint32(n*f.Lanes)), flatLeft)
		JGE(LabelRef(label))
		Label(label + "_end")
		ADDQ(U32(uint32(n*f.Lanes)), flatLeft)
	}
	JZ(LabelRef(name + "_done"))
	MOVQ(flatLeft, tmp0)
	e := &Elems{ISA: f.ISA, name: name, masked: true}
	e.mask = f.TailMask(tmp0, tmp1, f.V(f.Regs-1), reg.K1)
	step([]*Elems{e})
	Label(name + "_done")
	VZEROUPPER()
	RET()
}

// Load reads a vector of operand i.
func (e *Elems) Load(i int, dst reg.VecPhysical) {
	if e.masked {
		e.ISA.Load(e.at(i), e.mask, dst)
	} else {
		VMOVUPS(e.at(i), dst)
	}
}

// Store writes a vector of operand i. In the tail, AVX2 clobbers src.
func (e *Elems) Store(src reg.VecPhysical, i int) {
	if !e.masked {
		VMOVUPS(src, e.at(i))
		return
	}
	LEAQ(e.at(i), tmp0)
	e.serial++
	e.StoreTail(src, flatLeft, e.mask, tmp0, fmt.Sprintf("%s_s%d", e.name, e.serial))
}

func (e *Elems) at(i int) Mem {
	return Mem{Base: flatBase[i], Index: flatOff, Scale: 1, Disp: e.disp}
}
