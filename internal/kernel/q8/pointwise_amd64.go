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

// gemmArgs is what the assembly of products reads beside what it is given
// pointers to. Distances are in bytes. The generator of the assembly knows the
// fields.
type gemmArgs struct {
	dstStride, srcStride int
	rows                 int
	panel                int // between panels
	quads                int
	addStride, addZero   int
	addMul               float32
	_                    float32
	mask                 uint64  // of the outputs
	_, _                 uintptr // the assembly's own

	blocks      int // of rows each, of which half are in the first tile
	half        int
	steps, step int // number and bytes of the pieces of a row of inputs
}

// pointwiseAsm is Pointwise in assembly; ok tells whether this CPU has it.
func pointwiseAsm(dst []uint8, dstStride int, src []uint8, srcStride, rows int, w *Matrix, ep *Epilogue) (ok bool) {
	if cpu.Current() < cpu.AVX2 || rows > 0 && w.K > mostInputs {
		return false
	}
	if rows == 0 || w.N == 0 || w.K == 0 {
		return w.K > 0
	}
	var consts epilogueVectors
	consts.set(ep)
	p := product{codes: dst, dstStride: dstStride, src: src, srcStride: srcStride, w: w, ep: ep, consts: &consts, args: gemmArgs{
		quads: ceilDiv(w.K, quad), addStride: ep.AddStride, addZero: int(ep.AddZero), addMul: ep.AddMul,
	}}
	switch {
	case useAMX(rows):
		p.amx(rows)
	case cpu.Has(vnni):
		p.vnni(0, rows)
	default:
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
	var consts epilogueVectors
	p := product{floats: dst, dstStride: dstStride, src: src, srcStride: srcStride, w: w, ep: ep, consts: &consts}
	p.args.quads = ceilDiv(w.K, quad)
	if cpu.Has(vnni) {
		p.vnni(0, rows)
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
	consts    *epilogueVectors
	args      gemmArgs
}

// outputs describes cols outputs from n0 on to the assembly, and returns their
// weights.
func (p *product) outputs(n0, cols int) (w *int8) {
	p.consts.setOutputs(p.ep, n0)
	p.args.mask = 1<<cols - 1
	p.args.panel = 0 // where there is only one, it is taken twice
	if cols > panelCols {
		p.args.panel = p.w.panelLen()
	}
	return &p.w.panel(n0 / panelCols)[0]
}

// dst returns where output n of row r goes, and sets the distance of rows.
func (p *product) dst(r, n int) *uint8 {
	if p.floats != nil {
		p.args.dstStride = 4 * p.dstStride
		return (*uint8)(unsafe.Pointer(&p.floats[r*p.dstStride+n]))
	}
	p.args.dstStride = p.dstStride
	return &p.codes[r*p.dstStride+n]
}

// add returns the residual of output n of row r; nil if there is none.
func (p *product) add(r, n int) *uint8 {
	if p.ep.Add == nil {
		return nil
	}
	return &p.ep.Add[r*p.ep.AddStride+n]
}

// vnni multiplies all weights with n rows from r0 on, a chunk after the other,
// which stay in the first-level cache if they can.
func (p *product) vnni(r0, n int) {
	const l1Share, unit, cols = 16 << 10, 56, 2 * panelCols
	chunk := max(l1Share/p.w.K/unit, 1) * unit
	if n <= chunk+chunk/2 {
		chunk = n
	}
	a, consts, table := &p.args, &p.consts.bias[0], p.ep.Table.pointer()
	a.srcStride = p.srcStride
	for r := r0; r < r0+n; r += chunk {
		a.rows = min(chunk, r0+n-r)
		src := &p.src[r*p.srcStride]
		for n0 := 0; n0 < p.w.N; n0 += cols {
			left := min(cols, p.w.N-n0)
			w, dst := p.outputs(n0, left), p.dst(r, n0)
			switch {
			case p.floats != nil:
				gemmFloatVNNI(dst, src, w, consts, nil, nil, &a.dstStride)
			case left > panelCols:
				gemm32VNNI(dst, src, w, consts, table, p.add(r, n0), &a.dstStride)
			default:
				gemm16VNNI(dst, src, w, consts, table, p.add(r, n0), &a.dstStride)
			}
		}
	}
}
