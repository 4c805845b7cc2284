//go:build !purego

package q8

import (
	"unsafe"

	"github.com/mixnet-go/mixnet/internal/cpu"
)

// vnni is what the kernels for AVX-512 need.
const vnni = cpu.AVX512VNNI | cpu.AVX512VBMI | cpu.AVX512VBMI2

// epilogueVectors are the constants of up to 32 outputs of an epilogue. The
// generator of the assembly knows the offsets.
type epilogueVectors struct {
	bias   [2 * panelCols]int32
	mul    [2 * panelCols]float32
	zero   [2 * panelCols]int16
	lo, hi [4 * panelCols]uint8
}

// set puts there what is common to all outputs.
func (v *epilogueVectors) set(ep *Epilogue) {
	for i := range v.zero {
		v.zero[i] = int16(ep.Zero)
	}
	for i := range v.lo {
		v.lo[i], v.hi[i] = ep.Lo, ep.Hi
	}
}

// setOutputs puts there what belongs to the outputs from n0 on.
func (v *epilogueVectors) setOutputs(ep *Epilogue, n0 int) {
	copy(v.mul[:], ep.Mul[n0:])
	if ep.Bias != nil {
		copy(v.bias[:], ep.Bias[n0:])
	}
}

// gemmArgs is what the assembly of products reads. Distances are in bytes. The
// generator of the assembly knows the fields.
type gemmArgs struct {
	dstStride    int
	dst          *uint8
	src          *uint8
	srcStride    int
	rows         int
	w            *int8
	panel        int // between panels
	quads        int
	consts       *epilogueVectors
	table        *Table
	add          *uint8
	addStride    int
	addZero      int
	addMul       float32
	_            float32
	mask         uint64 // of the outputs
	dstAt, addAt uintptr
}

// pointwiseAsm is Pointwise in assembly; ok tells whether this CPU has it.
func pointwiseAsm(dst []uint8, dstStride int, src []uint8, srcStride, rows int, w *Matrix, ep *Epilogue) (ok bool) {
	if cpu.Current() < cpu.AVX2 || rows > 0 && w.K > mostInputs {
		return false
	}
	if rows == 0 || w.N == 0 || w.K == 0 {
		return w.K > 0
	}
	p := product{codes: dst, dstStride: dstStride, src: src, srcStride: srcStride, w: w, ep: ep}
	p.init()
	if cpu.Has(vnni) {
		p.vnni(rows)
	} else {
		p.avx2(rows)
	}
	return true
}

// pointwiseFloatAsm is PointwiseFloat in assembly; ok tells whether this CPU
// has it.
func pointwiseFloatAsm(dst []float32, dstStride int, src []uint8, srcStride, rows int, w *Matrix, ep *Epilogue) (ok bool) {
	if cpu.Current() < cpu.AVX2 || rows > 0 && w.K > mostInputs {
		return false
	}
	if rows == 0 || w.N == 0 || w.K == 0 {
		return w.K > 0
	}
	p := product{floats: dst, dstStride: dstStride, src: src, srcStride: srcStride, w: w, ep: &Epilogue{Bias: ep.Bias, Mul: ep.Mul}}
	p.init()
	if cpu.Has(vnni) {
		p.vnni(rows)
	} else {
		p.avx2(rows)
	}
	return true
}

// product is what Pointwise or PointwiseFloat multiplies.
type product struct {
	codes     []uint8 // the destination, or else
	floats    []float32
	dstStride int
	src       []uint8
	srcStride int
	w         *Matrix
	ep        *Epilogue
	args      gemmArgs
	consts    epilogueVectors
}

func (p *product) init() {
	p.consts.set(p.ep)
	p.args = gemmArgs{
		quads: ceilDiv(p.w.K, quad), table: p.ep.Table,
		addStride: p.ep.AddStride, addZero: int(p.ep.AddZero), addMul: p.ep.AddMul,
	}
}

// point lets the assembly compute cols outputs from n0 on, of rows from r on.
func (p *product) point(r, n0, cols int) {
	a := &p.args
	a.consts = &p.consts
	p.consts.setOutputs(p.ep, n0)
	a.w, a.mask = &p.w.panel(n0 / panelCols)[0], 1<<cols-1
	a.panel = 0 // where there is only one, it is taken twice
	if cols > panelCols {
		a.panel = p.w.panelLen()
	}
	if p.ep.Add != nil {
		a.add = &p.ep.Add[r*p.ep.AddStride+n0]
	}
	if p.floats != nil {
		a.dst, a.dstStride = (*uint8)(unsafe.Pointer(&p.floats[r*p.dstStride+n0])), 4*p.dstStride
	} else {
		a.dst, a.dstStride = &p.codes[r*p.dstStride+n0], p.dstStride
	}
}

// vnni multiplies all weights with a chunk of rows after the other, which stay
// in the first-level cache if they can.
func (p *product) vnni(rows int) {
	const l1Share, unit, cols = 16 << 10, 56, 2 * panelCols
	chunk := max(l1Share/p.w.K/unit, 1) * unit
	if rows <= chunk+chunk/2 {
		chunk = rows
	}
	a := &p.args
	a.srcStride = p.srcStride
	for r := 0; r < rows; r += chunk {
		a.src, a.rows = &p.src[r*p.srcStride], min(chunk, rows-r)
		for n0 := 0; n0 < p.w.N; n0 += cols {
			left := min(cols, p.w.N-n0)
			p.point(r, n0, left)
			switch {
			case p.floats != nil:
				gemmFloatVNNI(&a.dstStride)
			case left > panelCols:
				gemm32VNNI(&a.dstStride)
			default:
				gemm16VNNI(&a.dstStride)
			}
		}
	}
}
