//go:build !purego

package bf16

import (
	"unsafe"

	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/internal/kernel"
)

// gemmArgs is what the assembly of products reads beside what it is given
// pointers to. Distances are in bytes. The generator of the assembly knows the
// fields.
type gemmArgs struct {
	srcStride, rows int
	panel           int // between panels
	pairs           int

	half        int // rows of the first tile
	steps, step int // number and bytes of the pieces of a row of inputs

	dstStride, n int // of sums that are added to
}

// multiplyAsm is multiply in assembly; ok tells whether this CPU has it.
func multiplyAsm(sums []float32, x []uint16, stride, rows int, w *Matrix, n0 int) (ok bool) {
	if cpu.Current() < cpu.AVX2 {
		return false
	}
	if rows == 0 || w.K == 0 {
		return w.K > 0
	}
	a := gemmArgs{srcStride: 2 * stride, rows: rows, pairs: ceilDiv(w.K, pair)}
	p := w.panels[n0/panelCols*w.panelLen():]
	two := w.N-n0 > panelCols
	if two {
		a.panel = 2 * w.panelLen()
	}
	switch {
	case useTiles(rows):
		multiplyAMX(sums, x, p, w, &a)
	case cpu.Has(cpu.AVX512BF16):
		switch n := w.N - n0; {
		case n <= panelCols/2:
			multiply8BF16(&sums[0], &x[0], &p[0], &a.srcStride)
		case n <= panelCols:
			multiply16BF16(&sums[0], &x[0], &p[0], &a.srcStride)
		case n <= panelCols*3/2:
			multiply24BF16(&sums[0], &x[0], &p[0], &a.srcStride)
		default:
			multiply32BF16(&sums[0], &x[0], &p[0], &a.srcStride)
		}
	default:
		multiply16AVX2(&sums[0], &x[0], &p[0], &a.srcStride)
		if two {
			multiply16AVX2(&sums[panelCols], &x[0], &p[w.panelLen()], &a.srcStride)
		}
	}
	return true
}

// addPanelAsm is addPanel in assembly; ok tells whether this CPU has it.
func addPanelAsm(dst []float32, dstStride int, x []uint16, columns int, w []uint16, panel, n int) (ok bool) {
	a := gemmArgs{srcStride: 2 * pair, rows: columns, panel: 2 * panel, pairs: panel / (panelCols * pair), dstStride: 4 * dstStride, n: n}
	switch {
	case !cpu.Has(cpu.AVX512BF16):
		return false
	case n > panelCols:
		addPanel32BF16(&dst[0], &x[0], &w[0], &a.srcStride)
	default:
		addPanel16BF16(&dst[0], &x[0], &w[0], &a.srcStride)
	}
	return true
}

// multiplyPanelAsm is multiplyPanel in assembly; ok tells whether this CPU has it.
func multiplyPanelAsm(sums []float32, x []uint16, columns int, w []uint16, panel, n int) (ok bool) {
	if cpu.Current() < cpu.AVX2 {
		return false
	}
	a := gemmArgs{srcStride: 2 * pair, rows: columns, pairs: panel / (panelCols * pair)}
	for c := 0; c < n; c += panelCols {
		multiplyPanel16AVX2(&sums[c], &x[0], &w[c/panelCols*panel], &a.srcStride)
	}
	return true
}

// pairRowsAsm does pairs of rows in assembly, and returns how many rows it did.
func pairRowsAsm(panels []uint16, panelLen int, src []float32, stride, rows, n int) (done int) {
	pairs := rows / pair
	if pairs == 0 || !cpu.Has(cpu.AVX512BF16) {
		return 0
	}
	pairRowsAVX512(&panels[0], 2*panelLen, &src[0], 4*stride, pairs, n)
	return pairs * pair
}

// finishArgs is what the assembly of epilogues reads beside what it is given
// pointers to. Distances are in bytes. The generator of the assembly knows the
// fields.
type finishArgs struct {
	dstStride, srcStride, addStride int
	rows, n                         int
	floats                          int // 1 if the destination is floats
}

// asm does the first columns of all rows in assembly, and returns how many.
func (f *finish) asm() (done int) {
	wide := cpu.Has(cpu.AVX512BF16)
	switch done = f.n; {
	case cpu.Current() < cpu.AVX2:
		return 0
	case !wide:
		done = f.n / panelCols * panelCols
	}
	if done == 0 {
		return 0
	}
	a := finishArgs{dstStride: 2 * f.dstStride, srcStride: 4 * f.srcStride, addStride: 2 * f.ep.AddStride, rows: f.rows, n: done}
	var dst *uint16
	if f.halves != nil {
		dst = &f.halves[0]
	} else {
		dst, a.floats, a.dstStride = (*uint16)(unsafe.Pointer(&f.floats[0])), 1, 4*f.dstStride
	}
	src, bias, add, sums := &f.src[0], first(f.ep.Bias), first(f.ep.Add), first(f.sums)
	table, words := &swishTable[0][0], &a.dstStride
	switch act := f.ep.Act; {
	case act == kernel.Identity && wide:
		finishAVX512(dst, src, bias, add, sums, table, words)
	case act == kernel.ReLU && wide:
		finishReLUAVX512(dst, src, bias, add, sums, table, words)
	case act == kernel.ReLU6 && wide:
		finishReLU6AVX512(dst, src, bias, add, sums, table, words)
	case act == kernel.Swish && wide:
		finishSwishAVX512(dst, src, bias, add, sums, table, words)
	case act == kernel.HardSwish && wide:
		finishHardSwishAVX512(dst, src, bias, add, sums, table, words)
	case act == kernel.Identity:
		finishAVX2(dst, src, bias, add, sums, table, words)
	case act == kernel.ReLU:
		finishReLUAVX2(dst, src, bias, add, sums, table, words)
	case act == kernel.ReLU6:
		finishReLU6AVX2(dst, src, bias, add, sums, table, words)
	case act == kernel.Swish:
		finishSwishAVX2(dst, src, bias, add, sums, table, words)
	case act == kernel.HardSwish:
		finishHardSwishAVX2(dst, src, bias, add, sums, table, words)
	default:
		return 0
	}
	return done
}

// first returns where s lies; nil if it is nil.
func first[T any](s []T) *T { return unsafe.SliceData(s) }

// whole returns the columns that assembly works on, and whether with AVX-512.
func whole(n int) (columns int, wide bool) {
	switch {
	case cpu.Has(cpu.AVX512BF16):
		return n / blockCols * blockCols, true
	case cpu.Current() >= cpu.AVX2:
		return n / panelCols * panelCols, false
	}
	return 0, false
}

func widenAsm(dst []float32, dstStride int, src []uint16, srcStride, rows, n int) (done int) {
	done, wide := whole(n)
	switch {
	case done == 0:
	case wide:
		widenAVX512(&dst[0], 4*dstStride, &src[0], 2*srcStride, rows, done)
	default:
		widenAVX2(&dst[0], 4*dstStride, &src[0], 2*srcStride, rows, done)
	}
	if wide && n-done >= panelCols {
		widenAVX2(&dst[done], 4*dstStride, &src[done], 2*srcStride, rows, panelCols)
		done += panelCols
	}
	return done
}

func scaleRowsAsm(dst []uint16, dstStride int, src []uint16, srcStride, rows int, factors []float32) (done int) {
	done, wide := whole(len(factors))
	switch {
	case done == 0:
	case wide:
		scaleRowsAVX512(&dst[0], 2*dstStride, &src[0], 2*srcStride, rows, done, &factors[0])
	default:
		scaleRowsAVX2(&dst[0], 2*dstStride, &src[0], 2*srcStride, rows, done, &factors[0])
	}
	if wide && len(factors)-done >= panelCols {
		scaleRowsAVX2(&dst[done], 2*dstStride, &src[done], 2*srcStride, rows, panelCols, &factors[done])
		done += panelCols
	}
	return done
}

func scaleWeightsAsm(dst, src []uint16, factors []float32) (pairs int) {
	if pairs = len(factors) / pair; pairs == 0 || !cpu.Has(cpu.AVX512BF16) {
		return 0
	}
	scaleWeightsAVX512(&dst[0], &src[0], &factors[0], pairs)
	return pairs
}

func sumRowsAsm(sums []float32, src []uint16, stride, rows int) (done int) {
	done, wide := whole(len(sums))
	switch {
	case done == 0:
	case wide:
		sumRowsAVX512(&sums[0], &src[0], 2*stride, rows, done)
	default:
		sumRowsAVX2(&sums[0], &src[0], 2*stride, rows, done)
	}
	if wide && len(sums)-done >= panelCols {
		sumRowsAVX2(&sums[done], &src[done], 2*stride, rows, panelCols)
		done += panelCols
	}
	return done
}
