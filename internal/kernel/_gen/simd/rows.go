package simd

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Rows emits a loop over the pixels of up to three matrices for each block of
// channels, with what belongs to the channels held in registers.
//
// The function has a parameter for each matrix, one for its stride in bytes,
// "rows", at least 1, and "c", the number of channels.
type Rows struct {
	*ISA
	Mats   []string // parameters of the matrices
	Blocks []int    // vectors of a block, falling to 1

	// Setup loads what stays in registers, Row does one pixel of a block, and
	// Finish writes what was gathered.
	Setup, Finish func(b *Block)
	Row           func(b *Block)
	// Variants, if any, are alternatives to Row by the value of the
	// parameter "variant"; the last is taken for any other value.
	Variants []func(b *Block)
}

// Block is a group of channels: Vecs vectors, or one with a mask.
type Block struct {
	*ISA
	Vecs   int
	name   string
	masked bool
	mask   Mask
	serial int
	rows   *Rows
}

// General-purpose registers of Rows.
var (
	matBase   = [3]reg.GPPhysical{reg.RAX, reg.RBX, reg.RCX}
	matRun    = [3]reg.GPPhysical{reg.RDX, reg.RSI, reg.RDI}
	matStride = [3]reg.GPPhysical{reg.R8, reg.R9, reg.R10}
	rowCount  = reg.R11
	chansLeft = reg.R12
	chanOff   = reg.R13 // bytes of channels done
	tmp0      = reg.R14
	tmp1      = reg.R15
)

// Emit writes the body of the function.
func (r *Rows) Emit() {
	for i, m := range r.Mats {
		Load(Param(m), matBase[i])
		Load(Param(m+"Stride"), matStride[i])
	}
	Load(Param("c"), chansLeft)
	XORQ(chanOff, chanOff)
	for _, n := range r.Blocks {
		b := &Block{ISA: r.ISA, Vecs: n, name: fmt.Sprintf("b%d", n), rows: r}
		Label(b.name)
		CMPQ(chansLeft, U32(uint32(n*r.Lanes)))
		JLT(LabelRef(b.name + "_end"))
		b.emit()
		ADDQ(U32(uint32(n*r.Bytes())), chanOff)
		for i := range r.Mats {
			ADDQ(U32(uint32(n*r.Bytes())), matBase[i])
		}
		SUBQ(U32(uint32(n*r.Lanes)), chansLeft)
		JMP(LabelRef(b.name))
		Label(b.name + "_end")
	}
	TESTQ(chansLeft, chansLeft)
	JZ(LabelRef("end"))
	b := &Block{ISA: r.ISA, Vecs: 1, name: "tail", masked: true, rows: r}
	MOVQ(chansLeft, tmp0)
	b.mask = r.TailMask(tmp0, tmp1, r.V(r.Regs-1), reg.K1)
	b.emit()
	Label("end")
	VZEROUPPER()
	RET()
}

func (b *Block) emit() {
	if b.rows.Setup != nil {
		b.rows.Setup(b)
	}
	for i := range b.rows.Mats {
		MOVQ(matBase[i], matRun[i])
	}
	Load(Param("rows"), rowCount)
	done := b.name + "_done"
	if len(b.rows.Variants) == 0 {
		b.loop(b.name+"_row", b.rows.Row)
	}
	for i, row := range b.rows.Variants {
		name := fmt.Sprintf("%s_v%d", b.name, i)
		if i == len(b.rows.Variants)-1 {
			b.loop(name, row)
			break
		}
		Load(Param("variant"), tmp0)
		CMPQ(tmp0, U32(uint32(i)))
		JNE(LabelRef(name + "_next"))
		b.loop(name, row)
		JMP(LabelRef(done))
		Label(name + "_next")
	}
	Label(done)
	if b.rows.Finish != nil {
		b.rows.Finish(b)
	}
}

func (b *Block) loop(label string, row func(b *Block)) {
	Label(label)
	row(b)
	for i := range b.rows.Mats {
		ADDQ(matStride[i], matRun[i])
	}
	DECQ(rowCount)
	JNZ(LabelRef(label))
}

// Load reads vector v of the current pixel of matrix i.
func (b *Block) Load(i, v int, dst reg.VecPhysical) { b.load(b.at(i, v), dst) }

// Store writes vector v of the current pixel of matrix i. With a mask, AVX2
// clobbers src.
func (b *Block) Store(src reg.VecPhysical, i, v int) {
	if !b.masked {
		VMOVUPS(src, b.at(i, v))
		return
	}
	MOVQ(matRun[i], tmp0)
	b.serial++
	b.StoreTail(src, chansLeft, b.mask, tmp0, fmt.Sprintf("%s_s%d", b.name, b.serial))
}

// Chan reads vector v of a parameter that has a value for each channel.
func (b *Block) Chan(param string, v int, dst reg.VecPhysical) {
	Load(Param(param), tmp0)
	b.load(Mem{Base: tmp0, Index: chanOff, Scale: 1, Disp: v * b.Bytes()}, dst)
}

// ChanAdd adds src to vector v of a parameter that has a value for each
// channel, and clobbers t and src.
func (b *Block) ChanAdd(src reg.VecPhysical, param string, v int, t reg.VecPhysical) {
	Load(Param(param), tmp0)
	m := Mem{Base: tmp0, Index: chanOff, Scale: 1, Disp: v * b.Bytes()}
	b.load(m, t)
	VADDPS(t, src, src)
	if !b.masked {
		VMOVUPS(src, m)
		return
	}
	ADDQ(chanOff, tmp0)
	b.serial++
	b.StoreTail(src, chansLeft, b.mask, tmp0, fmt.Sprintf("%s_s%d", b.name, b.serial))
}

func (b *Block) at(i, v int) Mem { return Mem{Base: matRun[i], Disp: v * b.Bytes()} }

func (b *Block) load(m Mem, dst reg.VecPhysical) {
	if b.masked {
		b.ISA.Load(m, b.mask, dst)
	} else {
		VMOVUPS(m, dst)
	}
}
