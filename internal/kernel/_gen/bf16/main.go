// Command bf16 generates the assembly of the kernels on bfloat16.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

func main() {
	ConstraintExpr("amd64,!purego")
	gemm{panels: 2, step: rowStep}.emit("multiply32BF16", []int{14, 7, 4, 2, 1})
	gemm{panels: 2, narrow: true, step: rowStep}.emit("multiply24BF16", []int{14, 7, 4, 2, 1})
	gemm{panels: 1, step: rowStep}.emit("multiply16BF16", []int{28, 14, 7, 4, 2, 1})
	gemm{panels: 1, narrow: true, step: rowStep}.emit("multiply8BF16", []int{28, 14, 7, 4, 2, 1})
	gemm{panels: 1, step: rowStep}.emit2("multiply16AVX2")
	gemm{panels: 2, step: panelStep, adds: true}.emit("addPanel32BF16", []int{8, 4, 2, 1})
	gemm{panels: 1, step: panelStep, adds: true}.emit("addPanel16BF16", []int{16, 8, 4, 2, 1})
	gemm{panels: 1, step: panelStep}.emit2("multiplyPanel16AVX2")
	pairRows()
	tiles()
	for _, act := range []int{simd.Identity, simd.ReLU, simd.ReLU6, simd.Swish, simd.HardSwish} {
		finisher{ISA: simd.AVX512, act: act}.emit()
		finisher{ISA: simd.AVX2, act: act}.emit()
	}
	for _, s := range []*simd.ISA{simd.AVX512, simd.AVX2} {
		rows{ISA: s, name: "widen", dst: "float32"}.emit()
		rows{ISA: s, name: "scaleRows", dst: "uint16"}.emit()
		rows{ISA: s, name: "sumRows", dst: "float32"}.emit()
	}
	scaleWeights()
	Generate()
	simd.WriteRaw()
}

func z(i int) reg.VecPhysical { return simd.AVX512.V(i) }
func y(i int) reg.VecPhysical { return simd.AVX2.V(i) }

// evex returns the bytes of an instruction of AVX512_BF16, on registers of the
// width of the last one.
func evex(prefix, op byte, dst, second, first reg.VecPhysical) []byte {
	d, v, m := byte(dst.PhysicalIndex()), byte(15), byte(first.PhysicalIndex())
	high := byte(0)
	if second != nil {
		v, high = ^byte(second.PhysicalIndex())&15, byte(second.PhysicalIndex())>>4
	}
	width := byte(0x40)
	if first.Size() == 32 {
		width = 0x20
	}
	return []byte{
		0x62,
		^d>>3&1<<7 | ^m>>4&1<<6 | ^m>>3&1<<5 | ^d>>4&1<<4 | 2,
		v<<3 | 4 | prefix,
		width | (high^1)<<3,
		op,
		0xc0 | d&7<<3 | m&7,
	}
}

// dot adds the products of pairs to sums.
func dot(a, b, sums reg.VecPhysical) {
	simd.Raw(fmt.Sprintf("VDPBF16PS %s, %s, %s", a.Asm(), b.Asm(), sums.Asm()), evex(2, 0x52, sums, b, a)...)
}

// round2 rounds two vectors to one.
func round2(low, high, dst reg.VecPhysical) {
	simd.Raw(fmt.Sprintf("VCVTNE2PS2BF16 %s, %s, %s", low.Asm(), high.Asm(), dst.Asm()), evex(3, 0x72, dst, high, low)...)
}

// round1 rounds a vector to half of one.
func round1(src, dst reg.VecPhysical) {
	simd.Raw(fmt.Sprintf("VCVTNEPS2BF16 %s, %s", src.Asm(), dst.AsY().Asm()), evex(2, 0x72, dst, nil, src)...)
}

// roundWords rounds two vectors of eight to one, without AVX512_BF16, and
// clobbers them and t0 to t2.
func roundWords(low, high, dst, t0, t1, t2 reg.VecPhysical) {
	s := simd.AVX2
	for _, v := range []reg.VecPhysical{low, high} {
		VPSRLD(U8(16), v, t0)
		VPAND(s.Int(1), t0, t1)
		VPADDD(s.Int(0x7fff), t1, t1)
		VPADDD(v, t1, t1)
		VPSRLD(U8(16), t1, t1) // rounded
		VCMPPS(U8(unordered), v, v, t2)
		VBLENDVPS(t2, s.Int(0), t1, t1)
		VPAND(t0, t2, t2)
		VPOR(t2, t1, t1) // NaN without its lower half,
		VCMPPS(U8(unordered), v, v, t2)
		VPAND(s.Int(0x40), t2, t2)
		VPOR(t2, t1, t1) // and quiet
		VPAND(s.Int(0x7f80), t0, t2)
		VPCMPEQD(s.Int(0), t2, t2)
		VPAND(s.Int(0x8000), t0, t0)
		VBLENDVPS(t2, t0, t1, v) // no normal number
	}
	VPACKUSDW(high, low, dst)
	VPERMQ(U8(0b11011000), dst, dst)
}

const unordered = 3

var gemmWords = simd.Words{"srcStride", "rows", "panel", "pairs", "half", "steps", "step", "dstStride", "n"}

// at returns element i of two that lie stride apart.
func at(base, stride reg.GPPhysical, i, disp int) Mem {
	if i == 0 {
		return Mem{Base: base, Disp: disp}
	}
	return Mem{Base: base, Index: stride, Scale: uint8(i), Disp: disp}
}
