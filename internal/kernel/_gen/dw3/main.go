// Command dw3 generates the assembly of 3×3 depthwise convolutions.
package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

func main() {
	ConstraintExpr("amd64,!purego")
	for _, s := range []*simd.ISA{simd.AVX2, simd.AVX512} {
		for stride := 1; stride <= 2; stride++ {
			strip(s, stride, 2, false)
			strip(s, stride, 1, false)
			if s.Wide() {
				strip(s, stride, 1, true)
			}
		}
	}
	Generate()
}

// The layouts of kernel.dw3Strip, of 8 words, and dw3Args, before which there is
// nothing else.
const (
	stripBytes  = 8 * 8
	stripSource = 2 * 8 // after the offsets of two output rows

	argSrcPix, argDstPix, argCount, argFirst, argLast, argLanes = 0, 8, 16, 24, 32, 40
	argLow, argHigh                                             = 48, 48 + 64
)

var (
	in              = []reg.GPPhysical{reg.RSI, reg.RDI, reg.R8, reg.R9, reg.R10}
	out             = []reg.GPPhysical{reg.R11, reg.R12}
	dstPix          = reg.R13
	args, bias, at  = reg.RAX, reg.RBX, reg.RDX
	count, tmp, tm2 = reg.RCX, reg.R14, reg.R15
)

// walk generates one function. It goes along rows output rows at a time, and
// loads each input pixel once for all of them: nine taps, and the sums of the
// output pixels that read the pixel, stay in registers.
type walk struct {
	*simd.ISA
	stride, rows int
	masked       bool
	mask         simd.Mask
	half         Mem   // bytes of channels done: none or half a block of 16
	steps        []Mem // of the input pointers; zero for a row outside the image
	labels       int
}

func (k *walk) inputs() int                    { return k.stride*(k.rows-1) + 3 }
func (k *walk) tap(i, j int) reg.VecPhysical   { return k.V(3*i + j) }
func (k *walk) sum(set, r int) reg.VecPhysical { return k.V(9 + set*k.rows + r) }
func (k *walk) x() reg.VecPhysical             { return k.V(9 + (4-k.stride)*k.rows) }
func (k *walk) maskReg() reg.VecPhysical       { return k.V(10 + (4-k.stride)*k.rows) }
func arg(disp int) Mem                         { return Mem{Base: args, Disp: disp} }

// strip writes the function for a stride and a number of output rows at a time.
func strip(s *simd.ISA, stride, rows int, masked bool) {
	k := &walk{ISA: s, stride: stride, rows: rows, masked: masked}
	name := fmt.Sprintf("dw3s%dr%d%s", stride, rows, s.Name)
	doc := fmt.Sprintf("%s computes strips of %d output rows at stride %d.", name, rows, stride)
	if masked {
		name = fmt.Sprintf("dw3s%dtail%s", stride, s.Name)
		doc = fmt.Sprintf("%s computes output rows at stride %d for part of a vector of channels.", name, stride)
	}
	TEXT(name, attr.NOSPLIT, "func(dst, src, zeros, w, bias, sums *float32, strips *int, n int, halves int, a *int)")
	Pragma("noescape")
	Doc(doc)
	for range k.inputs() {
		k.steps = append(k.steps, AllocLocal(8))
	}
	k.half = AllocLocal(8)
	Load(Param("a"), args)
	MOVQ(arg(argDstPix), dstPix)
	MOVQ(U32(0), k.half)
	if masked {
		MOVQ(arg(argLanes), count)
		k.mask = k.TailMask(count, tmp, k.maskReg(), reg.K1)
	}
	Load(Param("strips"), at)

	Label("strip")
	Load(Param("bias"), bias)
	ADDQ(k.half, bias)
	Load(Param("w"), tmp)
	ADDQ(k.half, tmp)
	for i := range 3 {
		for j := range 3 {
			VMOVUPS(Mem{Base: tmp, Disp: 64 * (3*i + j)}, k.tap(i, j))
		}
	}
	for i, p := range in[:k.inputs()] {
		label := fmt.Sprintf("inside%d", i)
		Load(Param("src"), p)
		ADDQ(k.half, p)
		MOVQ(Mem{Base: at, Disp: stripSource + 8*i}, tmp)
		ADDQ(tmp, p)
		MOVQ(arg(argSrcPix), tm2)
		TESTQ(tmp, tmp)
		JGE(LabelRef(label))
		Load(Param("zeros"), p)
		XORL(tm2.As32(), tm2.As32())
		Label(label)
		MOVQ(tm2, k.steps[i])
	}
	for r := range rows {
		Load(Param("dst"), out[r])
		ADDQ(k.half, out[r])
		ADDQ(Mem{Base: at, Disp: 8 * r}, out[r])
	}
	MOVQ(arg(argCount), count)
	if stride == 1 {
		k.strideOne()
	} else {
		k.strideTwo()
	}
	if !s.Wide() {
		// The other half of the cache lines just read.
		MOVQ(k.half, tmp)
		XORQ(U8(32), tmp)
		MOVQ(tmp, k.half)
		Load(Param("halves"), tm2)
		ANDQ(tm2, tmp)
		MOVQ(tmp, k.half)
		JNZ(LabelRef("strip"))
	}
	ADDQ(U8(stripBytes), at)
	Load(Param("n"), tmp)
	DECQ(tmp)
	Store(tmp, Param("n"))
	JNZ(LabelRef("strip"))
	VZEROUPPER()
	RET()
}

// column reads a column of pixels and adds its products with the given columns
// of taps to sets of sums.
func (k *walk) column(uses map[int]int) {
	for i, p := range in[:k.inputs()] {
		if k.masked {
			k.ISA.Load(Mem{Base: p}, k.mask, k.x())
		} else {
			VMOVUPS(Mem{Base: p}, k.x())
		}
		ADDQ(k.steps[i], p)
		for set := range 3 {
			j, ok := uses[set]
			if !ok {
				continue
			}
			for r := range k.rows {
				if t := i - k.stride*r; t >= 0 && t < 3 {
					VFMADD231PS(k.tap(t, j), k.x(), k.sum(set, r))
				}
			}
		}
	}
}

// begin sets a set of sums to the bias.
func (k *walk) begin(set int) {
	for r := range k.rows {
		VMOVUPS(Mem{Base: bias}, k.sum(set, r))
	}
}

// move copies a set of sums.
func (k *walk) move(from, to int) {
	for r := range k.rows {
		VMOVAPS(k.sum(from, r), k.sum(to, r))
	}
}

// finish limits a set of sums, adds them to the totals and stores them.
func (k *walk) finish(set int) {
	for r := range k.rows {
		// Of two operands with a NaN, the one written first here wins.
		y := k.sum(set, r)
		VMOVUPS(arg(argLow), k.x())
		VMAXPS(y, k.x(), k.x())
		VMOVUPS(arg(argHigh), y)
		VMINPS(k.x(), y, y)
	}
	k.labels++
	label := fmt.Sprintf("plain%d", k.labels)
	Load(Param("sums"), tmp)
	TESTQ(tmp, tmp)
	JZ(LabelRef(label))
	ADDQ(k.half, tmp)
	VMOVUPS(Mem{Base: tmp}, k.x())
	for r := range k.rows {
		VADDPS(k.sum(set, r), k.x(), k.x())
	}
	VMOVUPS(k.x(), Mem{Base: tmp})
	Label(label)
	for r := range k.rows {
		if k.masked {
			MOVQ(arg(argLanes), tm2)
			MOVQ(out[r], tmp)
			k.StoreTail(k.sum(set, r), tm2, k.mask, tmp, label+"tail")
		} else {
			VMOVUPS(k.sum(set, r), Mem{Base: out[r]})
		}
		ADDQ(dstPix, out[r])
	}
}

// strideOne computes a strip at stride 1: a pixel belongs to the windows of the
// output pixels left of it, at it and right of it, the sets 0 to 2.
func (k *walk) strideOne() {
	k.begin(1)
	k.begin(2)
	k.column(map[int]int{1: 1, 2: 0})
	TESTQ(count, count)
	JZ(LabelRef("last"))
	Label("column")
	k.move(1, 0)
	k.move(2, 1)
	k.begin(2)
	k.column(map[int]int{0: 2, 1: 1, 2: 0})
	k.finish(0)
	DECQ(count)
	JNZ(LabelRef("column"))
	Label("last")
	k.finish(1)
}

// strideTwo computes a strip at stride 2. A window's right column is the next
// one's left.
func (k *walk) strideTwo() {
	k.begin(0)
	CMPQ(arg(argFirst), U8(0))
	JZ(LabelRef("middle"))
	k.column(map[int]int{0: 0})
	Label("middle")
	k.column(map[int]int{0: 1})
	TESTQ(count, count)
	JZ(LabelRef("last"))
	Label("column")
	k.begin(1)
	k.column(map[int]int{0: 2, 1: 0})
	k.column(map[int]int{1: 1})
	k.finish(0)
	k.move(1, 0)
	DECQ(count)
	JNZ(LabelRef("column"))
	Label("last")
	CMPQ(arg(argLast), U8(0))
	JZ(LabelRef("end"))
	k.column(map[int]int{0: 2})
	Label("end")
	k.finish(0)
}
