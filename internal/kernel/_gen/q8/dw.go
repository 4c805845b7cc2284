package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

// dwWords are the fields of struct dwArgs. The last two are where the next
// group of rows goes, and comes from.
var dwWords = simd.Words{
	"dstPix", "dstRow", "pitch", "kernel", "quads", "mask",
	"groups", "left", "upper", "tiles0", "tiles1", "tiles2", "dstAt", "srcAt",
}

// depthwise is a depthwise convolution of 16 channels whose input lies in
// quads: four bytes of each channel, from four rows of a column.
//
// Rows of output are computed together, in groups whose first rows are four of
// the input apart, so that all of them read the same quads; and tiles of
// columns, so that each vector of weights serves all columns of a tile. Where
// the filter has three rows more than a multiple of four, the upper half of the
// rows alone, those further down the image, read the last quad.
type depthwise struct {
	stride int
	rows   int   // of a group
	tiles  []int // columns
}

var depthwises = []depthwise{{1, 4, []int{4, 3, 1}}, {2, 2, []int{7, 4, 1}}}

// Registers of the convolution.
var (
	dwWeight, dwTaps, dwAt      = reg.RBX, reg.RCX, reg.RDX
	dwTile, dwQuads             = reg.RSI, reg.RDI
	dwRows                      = []reg.GPPhysical{reg.R8, reg.R9, reg.R10, reg.R11}
	dwPix, dwPix3, dwQuad       = reg.R12, reg.R13, reg.R14
	dwTiles                     = reg.R15
	dwConsts, dwTable, dwFactor = dwWeight, dwTaps, z(29)
)

func (d depthwise) sum(row, col, cols int) reg.VecPhysical { return z(row*cols + col) }

// emit writes the function.
func (d depthwise) emit() {
	name := fmt.Sprintf("dw%dVNNI", d.stride)
	TEXT(name, attr.NOSPLIT, "func(dst *uint8, src *uint8, w *int8, consts *int32, table *uint8, a *int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s convolves 16 channels with a step of %d: a number of groups of %d", name, d.stride, d.rows),
		"rows, and then those that are left.")
	Load(Param("a"), args)
	for _, name := range []string{"dst", "src"} {
		Load(Param(name), dwTile)
		MOVQ(dwTile, dwWords.At(args, name+"At"))
	}
	MOVQ(dwWords.At(args, "mask"), dwTile)
	KMOVQ(dwTile, reg.K1)
	MOVQ(dwWords.At(args, "dstPix"), dwPix)
	LEAQ(Mem{Base: dwPix, Index: dwPix, Scale: 2}, dwPix3)
	Label("groups")
	DECQ(dwWords.At(args, "groups"))
	JLT(LabelRef("left"))
	d.group(d.rows)
	JMP(LabelRef("groups"))
	Label("left")
	for n := d.rows - 1; n > 0; n-- {
		label := fmt.Sprintf("not%d", n)
		CMPQ(dwWords.At(args, "left"), U8(uint8(n)))
		JNE(LabelRef(label))
		d.group(n)
		JMP(LabelRef("end"))
		Label(label)
	}
	Label("end")
	VZEROUPPER()
	RET()
}

// group emits n rows of output.
func (d depthwise) group(n int) {
	MOVQ(dwWords.At(args, "dstAt"), dwRows[0])
	MOVQ(dwWords.At(args, "srcAt"), dwTile)
	for i := 1; i < n; i++ {
		MOVQ(dwWords.At(args, "dstRow"), dwRows[i])
		ADDQ(dwRows[i-1], dwRows[i])
	}
	for i, cols := range d.tiles {
		label := fmt.Sprintf("r%dx%d", n, cols)
		MOVQ(dwWords.At(args, fmt.Sprintf("tiles%d", i)), dwTiles)
		TESTQ(dwTiles, dwTiles)
		JZ(LabelRef(label + "_end"))
		Label(label)
		d.tile(label, n, cols)
		DECQ(dwTiles)
		JNZ(LabelRef(label))
		Label(label + "_end")
	}
	MOVQ(dwWords.At(args, "dstRow"), dwTile)
	IMUL3Q(U32(uint32(n)), dwTile, dwTile)
	ADDQ(dwTile, dwWords.At(args, "dstAt"))
	MOVQ(dwWords.At(args, "pitch"), dwTile)
	ADDQ(dwTile, dwWords.At(args, "srcAt"))
}

// tile emits the products of n rows and a number of columns.
func (d depthwise) tile(label string, n, cols int) {
	Load(Param("consts"), dwConsts)
	VMOVDQU32(Mem{Base: dwConsts, Disp: constBias}, z(0))
	for i := 1; i < n*cols; i++ {
		VMOVDQA32(z(0), z(i))
	}
	Load(Param("w"), dwWeight)
	MOVQ(dwWords.At(args, "quads"), dwQuads)
	MOVQ(dwTile, dwQuad)
	Label(label + "_quad")
	d.taps(label, 0, n, cols)
	ADDQ(dwWords.At(args, "pitch"), dwQuad)
	DECQ(dwQuads)
	JNZ(LabelRef(label + "_quad"))
	if upper := d.rows / 2; n > upper {
		CMPQ(dwWords.At(args, "upper"), U8(0))
		JEQ(LabelRef(label + "_whole"))
		d.taps(label+"_upper", upper, n, cols)
		Label(label + "_whole")
	}
	d.epilogue(label, n, cols)
	for _, r := range dwRows[:n] {
		switch cols {
		case 1, 4:
			LEAQ(Mem{Base: r, Index: dwPix, Scale: uint8(cols)}, r)
		case 3:
			ADDQ(dwPix3, r)
		case 7:
			LEAQ(Mem{Base: r, Index: dwPix3, Scale: 2}, r)
			ADDQ(dwPix, r)
		}
	}
	ADDQ(U32(uint32(64*d.stride*cols)), dwTile)
}

// taps adds the products of a quad in all columns of the filter to the sums of
// rows from first on.
func (d depthwise) taps(label string, first, n, cols int) {
	MOVQ(dwQuad, dwAt)
	MOVQ(dwWords.At(args, "kernel"), dwTaps)
	Label(label + "_tap")
	for r := first; r < n; r++ {
		VMOVDQU64(Mem{Base: dwWeight, Disp: 64 * r}, z(24+r))
	}
	for c := range cols {
		x := z(28 + c%2)
		VMOVDQU64(Mem{Base: dwAt, Disp: 64 * d.stride * c}, x)
		for r := first; r < n; r++ {
			VPDPBUSD(z(24+r), x, d.sum(r, c, cols))
		}
	}
	ADDQ(U8(64), dwAt)
	ADDQ(U32(uint32(64*d.rows)), dwWeight)
	DECQ(dwTaps)
	JNZ(LabelRef(label + "_tap"))
}

// epilogue stores the codes of n rows and a number of columns.
func (d depthwise) epilogue(label string, n, cols int) {
	Load(Param("consts"), dwConsts)
	Load(Param("table"), dwTable)
	VMOVUPS(Mem{Base: dwConsts, Disp: constMul}, dwFactor)
	if cols > 5 {
		LEAQ(Mem{Base: dwPix, Index: dwPix, Scale: 4}, dwQuad)
	}
	for i := 0; i < n*cols; i += 4 {
		b := block{label: fmt.Sprintf("%s_%d", label, i), consts: dwConsts, table: dwTable, n: min(4, n*cols-i)}
		for j := range 4 {
			b.v[j] = z(i + j)
			if i+j >= n*cols {
				b.v[j] = z(24 + j)
			}
		}
		b.scale(func(int) reg.VecPhysical { return dwFactor })
		b.codes(z(30), z(31))
		for j := range b.n {
			VMOVDQU8(b.part(j).AsX(), reg.K1, pixel(dwRows[(i+j)/cols], (i+j)%cols))
		}
	}
}

// pixel returns where column c of a tile goes.
func pixel(row reg.GPPhysical, c int) Mem {
	switch c {
	case 1, 2, 4:
		return Mem{Base: row, Index: dwPix, Scale: uint8(c)}
	case 3, 6:
		return Mem{Base: row, Index: dwPix3, Scale: uint8(c / 3)}
	case 5:
		return Mem{Base: row, Index: dwQuad, Scale: 1}
	}
	return Mem{Base: row}
}
