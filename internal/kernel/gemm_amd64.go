//go:build !purego

package kernel

import "github.com/mixnet-go/mixnet/internal/cpu"

// pointwiseAsm is Pointwise in assembly; ok tells whether this CPU has it.
//
// Panels are multiplied one (or with AVX-512 two) at a time with a chunk of
// pixels, which stay in the first-level cache from panel to panel if there are
// few channels, and in the second-level cache otherwise.
func pointwiseAsm(dst []float32, dstStride int, src []float32, srcStride, rows int, w *Matrix, ep *Epilogue) (ok bool) {
	level := cpu.Current()
	if level < cpu.AVX2 {
		return false
	}
	if rows == 0 || w.N == 0 || w.K == 0 {
		return w.K > 0
	}
	if ep.Act == Sigmoid || ep.Act == HardSigmoid { // not in the assembly
		pointwiseAsm(dst, dstStride, src, srcStride, rows, w, &Epilogue{Bias: ep.Bias, Add: ep.Add, AddStride: ep.AddStride})
		after := Epilogue{Act: ep.Act}
		for r := range rows {
			after.finish(dst[r*dstStride:][:w.N], r, 0)
		}
		return true
	}
	p := product{dst, dstStride, src, srcStride, w, ep}
	tileRows := 12
	if level == cpu.AVX512 {
		tileRows = 14
	}
	const l1Share = 4096 // floats
	chunk := max(l1Share/w.K, 48)
	chunk = (chunk + tileRows - 1) / tileRows * tileRows
	halves := cpu.Has(cpu.AVX512Halves)
	for r0, n := 0, 0; r0 < rows; r0 += n {
		n = rows - r0
		if n > chunk+chunk/2 { // or else the rest would be a few pixels for which all weights are read again
			n = chunk
		}
		for n0 := 0; n0 < w.N; {
			if left := w.N - n0; level < cpu.AVX512 || halves && narrow(left, ep.Act) {
				n0 += p.avx2(r0, n, n0, left)
			} else {
				n0 += p.avx512(r0, n, n0, left)
			}
		}
	}
	return true
}

// narrow reports whether AVX2 needs fewer halves of AVX-512's vectors for the
// last columns, of which there are n.
func narrow(n int, act Act) bool {
	if act == Swish { // AVX-512's is quicker
		return false
	}
	return n <= 8 || n == 12 || n > 16 && n <= 24 || n == 28
}

// product is what Pointwise multiplies.
type product struct {
	dst       []float32
	dstStride int
	src       []float32
	srcStride int
	w         *Matrix
	ep        *Epilogue
}

// The methods of product compute columns from n0 on of n rows from r0 on.

// avx512 does two panels, or what is left, and returns the columns.
func (p *product) avx512(r0, n, n0, left int) (cols int) {
	cols = min(2*panelCols, left)
	bias, add := p.epilogue(r0, n0)
	if p.w.from != nil {
		gatheredAVX512(&p.dst[r0*p.dstStride+n0], 4*p.dstStride, &p.src[r0*p.srcStride], 4*p.srcStride, n,
			&p.w.panels[n0*p.w.K], p.panelBytes(), p.w.K, cols, &bias[0], int(p.ep.Act), add, 4*p.ep.AddStride, &p.w.from[0])
		return cols
	}
	pointwiseAVX512(&p.dst[r0*p.dstStride+n0], 4*p.dstStride, &p.src[r0*p.srcStride], 4*p.srcStride, n,
		&p.w.panels[n0*p.w.K], p.panelBytes(), p.w.K, cols, &bias[0], int(p.ep.Act), add, 4*p.ep.AddStride)
	return cols
}

// avx2 does a panel, what is left of one, or the last 20, and returns the
// columns.
func (p *product) avx2(r0, n, n0, left int) (cols int) {
	switch {
	case left == 12 && p.w.from == nil:
		done := n &^ 7
		p.avx2With4(r0, done, n0, 12)
		p.avx2Plain(r0+done, n-done, n0, 12)
		return 12
	case left == 20 && p.w.from == nil:
		done := n &^ 3
		p.avx2With4(r0, done, n0, 20)
		p.avx2Plain(r0+done, n-done, n0, 16)
		p.avx2Plain(r0+done, n-done, n0+16, 4)
		return 20
	}
	cols = min(panelCols, left)
	p.avx2Plain(r0, n, n0, cols)
	return cols
}

// avx2Plain does cols columns of one panel.
func (p *product) avx2Plain(r0, n, n0, cols int) {
	if n == 0 {
		return
	}
	bias, add := p.epilogue(r0, n0)
	if p.w.from != nil {
		gatheredAVX2(&p.dst[r0*p.dstStride+n0], 4*p.dstStride, &p.src[r0*p.srcStride], 4*p.srcStride, n,
			&p.w.panels[n0*p.w.K], p.panelBytes(), p.w.K, cols, &bias[0], int(p.ep.Act), add, 4*p.ep.AddStride, &p.w.from[0])
		return
	}
	pointwiseAVX2(&p.dst[r0*p.dstStride+n0], 4*p.dstStride, &p.src[r0*p.srcStride], 4*p.srcStride, n,
		&p.w.panels[n0*p.w.K], p.panelBytes(), p.w.K, cols, &bias[0], int(p.ep.Act), add, 4*p.ep.AddStride)
}

// avx2With4 is avx2Plain for 12 columns and a multiple of 8 rows, or 20 columns and
// a multiple of 4 rows: the last four columns of two rows share a vector.
func (p *product) avx2With4(r0, n, n0, cols int) {
	if n == 0 {
		return
	}
	bias, add := p.epilogue(r0, n0)
	d, s, b := &p.dst[r0*p.dstStride+n0], &p.src[r0*p.srcStride], &p.w.panels[n0*p.w.K]
	if cols == 12 {
		pointwise12AVX2(d, 4*p.dstStride, s, 4*p.srcStride, n, b, p.panelBytes(), p.w.K, &bias[0], int(p.ep.Act), add, 4*p.ep.AddStride)
	} else {
		pointwise20AVX2(d, 4*p.dstStride, s, 4*p.srcStride, n, b, p.panelBytes(), p.w.K, &bias[0], int(p.ep.Act), add, 4*p.ep.AddStride)
	}
}

// epilogue returns the bias from column n0 on and the residual from row r0 on.
func (p *product) epilogue(r0, n0 int) (bias [2 * panelCols]float32, add *float32) {
	if p.ep.Bias != nil {
		copy(bias[:], p.ep.Bias[n0:p.w.N])
	}
	if p.ep.Add != nil {
		add = &p.ep.Add[r0*p.ep.AddStride+n0]
	}
	return bias, add
}

// panelBytes returns the distance between panels.
func (p *product) panelBytes() int { return 4 * panelCols * p.w.K }

// mulTransAAsm is MulTransA in assembly; ok tells whether this CPU has it.
//
// One (or with AVX-512 two) times 16 columns of x at a time meet all of dy's,
// for a chunk of pixels whose lines fit the first-level cache.
func mulTransAAsm(dw []float32, dwStride int, dy []float32, dyStride, out int, x []float32, xStride, in, rows int) (ok bool) {
	if cpu.Current() < cpu.AVX2 {
		return false
	}
	if out == 0 || in == 0 {
		return true
	}
	for r0 := 0; r0 < rows; r0 += transChunk {
		n := min(transChunk, rows-r0)
		if competes(dyStride) || competes(xStride) {
			mulTransAPacked(dw, dwStride, dy[r0*dyStride:], dyStride, out, x[r0*xStride:], xStride, in, n)
		} else {
			mulTransAChunk(dw, dwStride, dy[r0*dyStride:], dyStride, out, x[r0*xStride:], xStride, in, n)
		}
	}
	return true
}

// competes tells whether pixels a stride apart compete for a few places of the
// first-level cache, so badly that it pays to copy them together first: 1024
// by 1024 channels go from 40 to 65 GFLOP/s on Zen 3, 256 by 256 lose 1 %.
func competes(stride int) bool { return stride%256 == 0 && stride > 256 }

// transChunk is the number of pixels that MulTransA takes at a time.
const transChunk = 128

// transCols returns the columns that one call of the assembly does.
func transCols() int {
	if cpu.Current() == cpu.AVX512 {
		return 32
	}
	return 16
}

func mulTransAChunk(dw []float32, dwStride int, dy []float32, dyStride, out int, x []float32, xStride, in, rows int) {
	step := transCols()
	for k0 := 0; k0 < in; k0 += step {
		d, g, s, cols := &dw[k0], &dy[0], &x[k0], min(step, in-k0)
		if step == 32 {
			mulTransAAVX512(d, 4*dwStride, g, 4*dyStride, out, s, 4*xStride, rows, cols)
		} else {
			mulTransAAVX2(d, 4*dwStride, g, 4*dyStride, out, s, 4*xStride, rows, cols)
		}
	}
}

// mulTransAPacked is mulTransAChunk on copies of some columns of dy and x at
// a time.
func mulTransAPacked(dw []float32, dwStride int, dy []float32, dyStride, out int, x []float32, xStride, in, rows int) {
	const gCols = 48
	var g [transChunk * gCols]float32
	var s [transChunk * 32]float32
	step := transCols()
	for n0 := 0; n0 < out; n0 += gCols {
		outs := min(gCols, out-n0)
		ScaleRows(g[:], gCols, dy[n0:], dyStride, rows, ones[:outs])
		for k0 := 0; k0 < in; k0 += step {
			cols := min(step, in-k0)
			ScaleRows(s[:], step, x[k0:], xStride, rows, ones[:cols])
			mulTransAChunk(dw[n0*dwStride+k0:], dwStride, g[:], gCols, outs, s[:], step, cols, rows)
		}
	}
}

// ones are factors that copy.
var ones = func() (v [48]float32) {
	for i := range v {
		v[i] = 1
	}
	return v
}()
