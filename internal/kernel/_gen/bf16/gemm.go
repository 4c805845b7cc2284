package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

const gemmSignature = "func(sums *float32, src *uint16, w *uint16, a *int)"

// sumBytes is the distance of the rows of sums.
const sumBytes = 128

// gemm is a product of rows with one or two panels of weights, of which the last
// may be half a one.
type gemm struct {
	panels int
	narrow bool
	step   int  // bytes from a pair of inputs to the next
	adds   bool // to the sums of the destination, of so many columns as it has
}

// Steps of inputs: of rows, and of the columns of a panel.
const (
	rowStep   = 4
	panelStep = 64
)

// outputs returns how many outputs are computed.
func (g gemm) outputs() int {
	if g.narrow {
		return 16*g.panels - 8
	}
	return 16 * g.panels
}

// Registers of the products.
var (
	args             = reg.RAX
	dst, src, weight = reg.RDI, reg.RSI, reg.RDX
	pairs            = reg.RCX
	left             = reg.RBX
	strides          = map[int]reg.GPPhysical{1: reg.R8, 3: reg.R9, 5: reg.R10, 7: reg.R11}
	bases            = []reg.GPPhysical{reg.R12, reg.R13, reg.R14, reg.R15} // of every ninth row
)

// begin begins the function.
func (g gemm) begin(name string) {
	TEXT(name, attr.NOSPLIT, gemmSignature)
	Pragma("noescape")
	switch {
	case g.step == rowStep:
		Doc(fmt.Sprintf("%s multiplies rows with the weights of %d outputs. The sums of a row take 32 elements.", name, g.outputs()))
	case g.adds:
		Doc(fmt.Sprintf("%s adds the products of columns of a panel with up to %d columns to sums.", name, g.outputs()))
	default:
		Doc(fmt.Sprintf("%s multiplies columns of a panel with %d columns. The sums of one take 32 elements.", name, g.outputs()))
	}
	Load(Param("a"), args)
	MOVQ(gemmWords.At(args, "rows"), left)
	Load(Param("sums"), dst)
	Load(Param("src"), src)
}

// emit writes the function, with tiles of so many rows.
func (g gemm) emit(name string, tiles []int) {
	g.begin(name)
	if g.adds {
		g.masks()
	}
	for _, n := range tiles {
		label := fmt.Sprintf("rows%d", n)
		Label(label)
		CMPQ(left, U32(uint32(n)))
		JLT(LabelRef(label + "_end"))
		g.tile(label, n)
		SUBQ(U32(uint32(n)), left)
		JMP(LabelRef(label))
		Label(label + "_end")
	}
	VZEROUPPER()
	RET()
}

// rowAt returns the first inputs of a row of a tile.
func rowAt(row int) Mem {
	base, r := bases[row/9], row%9
	for odd, reg := range strides {
		for _, scale := range []uint8{1, 2, 4, 8} {
			if odd*int(scale) == r {
				return Mem{Base: base, Index: reg, Scale: scale}
			}
		}
	}
	return Mem{Base: base}
}

// startRows sets the registers that rowAt names, for n rows.
func startRows(n int) {
	MOVQ(gemmWords.At(args, "srcStride"), strides[1])
	for _, odd := range []int{3, 5, 7} {
		if n > odd {
			LEAQ(Mem{Base: strides[max(1, odd-4)], Index: strides[1], Scale: uint8(min(odd-1, 4))}, strides[odd])
		}
	}
	MOVQ(src, bases[0])
	for i := 1; 9*i < n; i++ {
		LEAQ(Mem{Base: bases[i-1], Index: strides[1], Scale: 8}, bases[i])
		ADDQ(strides[1], bases[i])
	}
}

// nextPair goes on to the next inputs of n rows.
func nextPair(n, step int) {
	for i := 0; 9*i < n; i++ {
		ADDQ(U8(step), bases[i])
	}
	ADDQ(U8(64), weight)
	DECQ(pairs)
}

// endRows goes on to the inputs of the rows after n.
func endRows(n int) {
	MOVQ(gemmWords.At(args, "srcStride"), bases[0])
	IMUL3Q(U32(uint32(n)), bases[0], bases[0])
	ADDQ(bases[0], src)
}

// sum returns the register of the sums of a panel of a row.
func (g gemm) sum(row, panel int) reg.VecPhysical { return z(row*g.panels + panel) }

// tile emits the product of n rows.
func (g gemm) tile(label string, n int) {
	startRows(n)
	for r := range n {
		for p := range g.panels {
			VPXORD(g.sum(r, p), g.sum(r, p), g.sum(r, p))
		}
	}
	Load(Param("w"), weight)
	MOVQ(gemmWords.At(args, "pairs"), pairs)
	second := Mem{Base: weight}
	if g.panels == 2 {
		MOVQ(gemmWords.At(args, "panel"), src) // put back below
		second = Mem{Base: weight, Index: src, Scale: 1}
	}
	Label(label + "_k")
	VMOVDQU32(Mem{Base: weight}, z(28))
	if g.panels == 2 {
		VMOVDQU32(second, z(29))
	}
	for r := range n {
		x := z(30 + r%2)
		VPBROADCASTD(rowAt(r), x)
		for p := range g.panels {
			if g.narrow && p == g.panels-1 {
				dot(half(z(28+p)), half(x), half(g.sum(r, p)))
				continue
			}
			dot(z(28+p), x, g.sum(r, p))
		}
	}
	nextPair(n, g.step)
	JNZ(LabelRef(label + "_k"))
	if g.panels == 2 {
		// The first row's inputs end where its base is now.
		MOVQ(gemmWords.At(args, "pairs"), pairs)
		NEGQ(pairs)
		if g.step == panelStep {
			SHLQ(U8(4), pairs)
		}
		LEAQ(Mem{Base: bases[0], Index: pairs, Scale: 4}, src)
	}
	if g.adds {
		g.add(n)
	} else {
		for r := range n {
			for p := range g.panels {
				VMOVUPS(g.sum(r, p), Mem{Base: dst, Disp: sumBytes*r + 64*p})
			}
		}
		ADDQ(U32(uint32(n*sumBytes)), dst)
	}
	endRows(n)
}

// masks sets those of the columns of the sums' panels.
func (g gemm) masks() {
	bits := reg.R12
	MOVQ(gemmWords.At(args, "n"), reg.RCX)
	MOVQ(U32(1), bits)
	SHLQ(reg.CL, bits)
	DECQ(bits)
	for p := range g.panels {
		KMOVW(bits.As32(), sumMasks[p])
		SHRQ(U8(16), bits)
	}
}

var sumMasks = []reg.Register{reg.K1, reg.K2}

// add adds the sums of n rows to the destination's.
func (g gemm) add(n int) {
	MOVQ(gemmWords.At(args, "dstStride"), pairs)
	for r := range n {
		for p := range g.panels {
			m, t := Mem{Base: dst, Disp: 64 * p}, z(28+(r+p)%4)
			VMOVUPS_Z(m, sumMasks[p], t)
			VADDPS(t, g.sum(r, p), t)
			VMOVUPS(t, sumMasks[p], m)
		}
		ADDQ(pairs, dst)
	}
}

// emit2 writes the product with one panel without AVX512_BF16: halves of pairs
// become floats by shifts and masks.
func (g gemm) emit2(name string) {
	s := simd.AVX2
	g.begin(name)
	mask := y(15)
	VMOVDQU(s.Int(0xffff0000), mask)
	for _, n := range []int{4, 1} {
		label := fmt.Sprintf("rows%d", n)
		Label(label)
		CMPQ(left, U32(uint32(n)))
		JLT(LabelRef(label + "_end"))
		startRows(n)
		for i := range 2 * n {
			s.Zero(y(i))
		}
		Load(Param("w"), weight)
		MOVQ(gemmWords.At(args, "pairs"), pairs)
		Label(label + "_k")
		for i := range 2 {
			VMOVDQU(Mem{Base: weight, Disp: 32 * i}, y(9+2*i))
			VPSLLD(U8(16), y(9+2*i), y(8+2*i))
			VPAND(mask, y(9+2*i), y(9+2*i))
		}
		for r := range n {
			first, second := y(12), y(13)
			VPBROADCASTD(rowAt(r), second)
			VPSLLD(U8(16), second, first)
			VPAND(mask, second, second)
			for i := range 2 {
				VFMADD231PS(y(9+2*i), second, y(2*r+i))
			}
			for i := range 2 {
				VFMADD231PS(y(8+2*i), first, y(2*r+i))
			}
		}
		nextPair(n, g.step)
		JNZ(LabelRef(label + "_k"))
		for i := range 2 * n {
			VMOVUPS(y(i), Mem{Base: dst, Disp: sumBytes*(i/2) + 32*(i%2)})
		}
		ADDQ(U32(uint32(n*sumBytes)), dst)
		endRows(n)
		SUBQ(U32(uint32(n)), left)
		JMP(LabelRef(label))
		Label(label + "_end")
	}
	VZEROUPPER()
	RET()
}

// Tile registers: the sums of two halves of the rows by two panels, the inputs
// of the halves, and the weights of the panels.
const (
	tileSums    = 0
	tileInputs  = 4
	tileWeights = 6
)

// tiles emits the product of rows with two panels in tile registers.
func tiles() {
	second, panel2 := reg.RBX, reg.R11
	stride, panelStride, panel := reg.R8, reg.R9, reg.R10
	step, weightStep, bufStride, tmp := reg.R12, reg.R13, reg.R15, reg.R14
	TEXT("multiply32AMX", attr.NOSPLIT, "func(sums *float32, src *uint16, w *uint16, config *uint8, a *int)")
	Pragma("noescape")
	Doc("multiply32AMX multiplies up to 32 rows with the weights of 32 outputs. The sums of a row",
		"take 32 elements.")
	Load(Param("a"), args)
	Load(Param("config"), tmp)
	simd.TileConfig(tmp)
	Load(Param("src"), src)
	for i := range 4 {
		simd.TileZero(tileSums + i)
	}
	Load(Param("w"), weight)
	MOVQ(gemmWords.At(args, "srcStride"), stride)
	MOVQ(gemmWords.At(args, "panel"), panel)
	LEAQ(Mem{Base: weight, Index: panel, Scale: 1}, panel2)
	MOVQ(gemmWords.At(args, "half"), second)
	IMULQ(stride, second)
	ADDQ(src, second)
	MOVQ(U32(64), panelStride)
	MOVQ(gemmWords.At(args, "step"), step)
	MOVQ(step, weightStep)
	SHLQ(U8(4), weightStep)
	MOVQ(gemmWords.At(args, "steps"), pairs)
	Label("k")
	simd.TileLoad(tileInputs, src, stride)
	simd.TileLoad(tileWeights, weight, panelStride)
	simd.TileLoad(tileWeights+1, panel2, panelStride)
	simd.TileDotBF16(tileSums, tileInputs, tileWeights)
	simd.TileLoad(tileInputs+1, second, stride)
	simd.TileDotBF16(tileSums+1, tileInputs, tileWeights+1)
	simd.TileDotBF16(tileSums+2, tileInputs+1, tileWeights)
	simd.TileDotBF16(tileSums+3, tileInputs+1, tileWeights+1)
	ADDQ(step, src)
	ADDQ(step, second)
	ADDQ(weightStep, weight)
	ADDQ(weightStep, panel2)
	DECQ(pairs)
	JNZ(LabelRef("k"))
	Load(Param("sums"), dst)
	MOVQ(U32(sumBytes), bufStride)
	for half := range 2 {
		for p := range 2 {
			simd.TileStore(tileSums+2*half+p, dst, bufStride)
			ADDQ(U8(64), dst)
		}
		if half == 0 {
			MOVQ(gemmWords.At(args, "half"), tmp)
			DECQ(tmp)
			SHLQ(U8(7), tmp)
			ADDQ(tmp, dst)
		}
	}
	simd.TileRelease()
	VZEROUPPER()
	RET()
}

// half returns the lower half of a register.
func half(v reg.VecPhysical) reg.VecPhysical { return v.AsY().(reg.VecPhysical) }
