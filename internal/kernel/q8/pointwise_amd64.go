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
	if cpu.Current() < cpu.AVX2 {
		return false
	}
	if rows == 0 || w.N == 0 || w.K == 0 {
		return w.K > 0
	}
	p := product{dst: dst, dstStride: dstStride, w: w, ep: ep}
	p.consts.set(ep)
	p.args = gemmArgs{
		srcStride: srcStride, panel: w.panelLen(), quads: ceilDiv(w.K, quad),
		consts: &p.consts, table: ep.Table, addStride: ep.AddStride, addZero: int(ep.AddZero), addMul: ep.AddMul,
	}
	cols := panelCols
	if cpu.Has(vnni) {
		cols = 2 * panelCols
	}
	chunk := rowsAtOnce(w.K, rows)
	for r0 := 0; r0 < rows; r0 += chunk {
		for n0 := 0; n0 < w.N; n0 += cols {
			p.consts.setOutputs(ep, n0)
			p.run(src, r0, min(chunk, rows-r0), n0, min(cols, w.N-n0))
		}
	}
	return true
}

// product is what Pointwise multiplies.
type product struct {
	dst       []uint8
	dstStride int
	w         *Matrix
	ep        *Epilogue
	args      gemmArgs
	consts    epilogueVectors
}

// run computes cols outputs from n0 on of n rows from r0 on.
func (p *product) run(src []uint8, r0, n, n0, cols int) {
	a := &p.args
	a.src, a.rows = &src[r0*a.srcStride], n
	a.w = &p.w.panels[n0/panelCols*a.panel]
	if p.ep.Add != nil {
		a.add = &p.ep.Add[r0*p.ep.AddStride+n0]
	}
	switch {
	case cpu.Has(vnni):
		a.dst, a.dstStride, a.mask = &p.dst[r0*p.dstStride+n0], p.dstStride, 1<<cols-1
		if cols > panelCols {
			gemm32VNNI(&a.dstStride)
		} else {
			gemm16VNNI(&a.dstStride)
		}
	case cols < panelCols:
		p.tail(src, r0, n, n0, cols)
	default:
		a.dst, a.dstStride = &p.dst[r0*p.dstStride+n0], p.dstStride
		gemm16(&a.dstStride)
	}
}

// tail computes the last outputs, fewer than 16, without AVX-512's masks.
func (p *product) tail(src []uint8, r0, n, n0, cols int) {
	var buf [24 * panelCols]uint8
	a := &p.args
	a.dst, a.dstStride = &buf[0], panelCols
	for r := 0; r < n; r += a.rows {
		a.rows = min(len(buf)/panelCols, n-r)
		a.src = &src[(r0+r)*a.srcStride]
		if p.ep.Add != nil {
			a.add = &p.ep.Add[(r0+r)*p.ep.AddStride+n0]
		}
		gemm16(&a.dstStride)
		for i := range a.rows {
			copy(p.dst[(r0+r+i)*p.dstStride+n0:][:cols], buf[i*panelCols:])
		}
	}
}

func gemm16(a *int) {
	if cpu.Has(cpu.AVXVNNI) {
		gemm16AVXVNNI(a)
	} else {
		gemm16AVX2(a)
	}
}

// rowsAtOnce returns the rows that are multiplied with all weights before the
// next: as many as stay in the first-level cache, or all if few are left.
func rowsAtOnce(k, rows int) int {
	const l1Share, unit = 16 << 10, 56
	n := max(l1Share/k/unit, 1) * unit
	if rows <= n+n/2 {
		return rows
	}
	return n
}

// pointwiseFloatAsm is PointwiseFloat in assembly; ok tells whether this CPU
// has it.
func pointwiseFloatAsm(dst []float32, dstStride int, src []uint8, srcStride, rows int, w *Matrix, ep *Epilogue) (ok bool) {
	if cpu.Current() < cpu.AVX2 {
		return false
	}
	if rows == 0 || w.N == 0 || w.K == 0 {
		return w.K > 0
	}
	var consts epilogueVectors
	var last [panelCols]float32
	a := gemmArgs{srcStride: srcStride, quads: ceilDiv(w.K, quad), consts: &consts}
	panels := 1
	if cpu.Has(vnni) {
		panels = 2
	}
	for n0 := 0; n0 < w.N; n0 += panels * panelCols {
		cols := min(panels*panelCols, w.N-n0)
		consts.setOutputs(ep, n0)
		a.w, a.mask = &w.panel(n0 / panelCols)[0], 1<<cols-1
		a.panel = 0 // where there is only one, it is taken twice
		if cols > panelCols {
			a.panel = w.panelLen()
		}
		a.src, a.rows, a.dstStride, a.dst = &src[0], rows, 4*dstStride, (*uint8)(unsafe.Pointer(&dst[n0]))
		switch {
		case panels == 2:
			gemmFloatVNNI(&a.dstStride)
		case cols == panelCols:
			gemmFloat16AVX2(&a.dstStride)
		default:
			a.rows, a.dst = 1, (*uint8)(unsafe.Pointer(&last[0]))
			for r := range rows {
				a.src = &src[r*srcStride]
				gemmFloat16AVX2(&a.dstStride)
				copy(dst[r*dstStride+n0:][:cols], last[:])
			}
		}
	}
	return true
}
