package simd

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Stream emits a loop over the pixels of up to three matrices that goes through
// all channels of a pixel before the next, so that memory is read in order.
// What belongs to the channels is read again for every pixel: it is in the
// first-level cache, where the matrices are not.
//
// The function has the parameters of Rows, and one for each of Chans.
type Stream struct {
	*ISA
	Mats   []string
	Chans  []string // parameters that have a value for each channel, at most 5
	Unroll int

	Step func(e []*Cell) // does some vectors of a pixel
	// Variants, if any, are alternatives to Step by the value of the
	// parameter "variant"; the last is taken for any other value.
	Variants []func(e []*Cell)
	Unrolls  map[int]int // of variants for which it is not Unroll
}

// Cell is a vector of a pixel's channels.
type Cell struct {
	*ISA
	disp   int
	name   string
	masked bool
	mask   Mask
	serial int
}

// General-purpose registers of Stream.
var (
	streamMat   = [3]reg.GPPhysical{reg.RAX, reg.RBX, reg.RCX}
	streamChan  = [5]reg.GPPhysical{reg.RDX, reg.RSI, reg.RDI, reg.R8, reg.R9}
	streamOff   = reg.R10 // bytes of channels done
	streamLeft  = reg.R11 // channels left
	streamRows  = reg.R12
	streamCount = reg.R13 // channels
)

// Emit writes the body of the function.
func (t *Stream) Emit() {
	for i, m := range t.Mats {
		Load(Param(m), streamMat[i])
	}
	for i, c := range t.Chans {
		Load(Param(c), streamChan[i])
	}
	Load(Param("rows"), streamRows)
	Load(Param("c"), streamCount)
	if len(t.Variants) == 0 {
		t.loop("only", t.Unroll, t.Step)
		return
	}
	for i, step := range t.Variants {
		name := fmt.Sprintf("v%d", i)
		if i < len(t.Variants)-1 {
			Load(Param("variant"), tmp0)
			CMPQ(tmp0, U32(uint32(i)))
			JNE(LabelRef(name + "_next"))
		}
		unroll := t.Unroll
		if n, ok := t.Unrolls[i]; ok {
			unroll = n
		}
		t.loop(name, unroll, step)
		Label(name + "_next")
	}
}

func (t *Stream) loop(name string, unroll int, step func(e []*Cell)) {
	Label(name + "_row")
	XORQ(streamOff, streamOff)
	MOVQ(streamCount, streamLeft)
	for _, n := range []int{unroll, 1} {
		label := fmt.Sprintf("%s_u%d", name, n)
		SUBQ(U32(uint32(n*t.Lanes)), streamLeft)
		JLT(LabelRef(label + "_end"))
		Label(label)
		var cells []*Cell
		for u := range n {
			cells = append(cells, &Cell{ISA: t.ISA, disp: u * t.Bytes()})
		}
		step(cells)
		ADDQ(U32(uint32(n*t.Bytes())), streamOff)
		SUBQ(U32(uint32(n*t.Lanes)), streamLeft)
		JGE(LabelRef(label))
		Label(label + "_end")
		ADDQ(U32(uint32(n*t.Lanes)), streamLeft)
	}
	JZ(LabelRef(name + "_full"))
	MOVQ(streamLeft, tmp0)
	c := &Cell{ISA: t.ISA, name: name, masked: true}
	c.mask = t.TailMask(tmp0, tmp1, t.V(t.Regs-1), reg.K1)
	step([]*Cell{c})
	Label(name + "_full")
	for i, m := range t.Mats {
		Load(Param(m+"Stride"), tmp0)
		ADDQ(tmp0, streamMat[i])
	}
	DECQ(streamRows)
	JNZ(LabelRef(name + "_row"))
	VZEROUPPER()
	RET()
}

// Load reads the vector of matrix i.
func (c *Cell) Load(i int, dst reg.VecPhysical) { c.load(c.at(streamMat[i]), dst) }

// Chan reads the vector of channel parameter i.
func (c *Cell) Chan(i int, dst reg.VecPhysical) { c.load(c.at(streamChan[i]), dst) }

// Store writes the vector of matrix i. In the tail, AVX2 clobbers src.
func (c *Cell) Store(src reg.VecPhysical, i int) { c.store(src, c.at(streamMat[i])) }

// ChanStore writes the vector of channel parameter i. In the tail, AVX2
// clobbers src.
func (c *Cell) ChanStore(src reg.VecPhysical, i int) { c.store(src, c.at(streamChan[i])) }

// ChanAt is where the vector of channel parameter i is, in a cell that is no
// tail.
func (c *Cell) ChanAt(i int) Mem { return c.at(streamChan[i]) }

func (c *Cell) load(m Mem, dst reg.VecPhysical) {
	if c.masked {
		c.ISA.Load(m, c.mask, dst)
	} else {
		VMOVUPS(m, dst)
	}
}

func (c *Cell) store(src reg.VecPhysical, m Mem) {
	if !c.masked {
		VMOVUPS(src, m)
		return
	}
	LEAQ(m, tmp0)
	c.serial++
	c.StoreTail(src, streamLeft, c.mask, tmp0, fmt.Sprintf("%s_s%d", c.name, c.serial))
}

func (c *Cell) at(base reg.GPPhysical) Mem {
	return Mem{Base: base, Index: streamOff, Scale: 1, Disp: c.disp}
}
