//go:build amd64 && !purego

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
	cols, tileRows := panelCols, 12
	if level == cpu.AVX512 {
		cols, tileRows = 2*panelCols, 14
	}
	if ep.Act == Sigmoid || ep.Act == HardSigmoid { // not in the assembly
		pointwiseAsm(dst, dstStride, src, srcStride, rows, w, &Epilogue{Bias: ep.Bias})
		after := Epilogue{Act: ep.Act, Add: ep.Add, AddStride: ep.AddStride}
		for r := range rows {
			after.finish(dst[r*dstStride:][:w.N], r, 0)
		}
		return true
	}
	const l1Share = 4096 // floats
	chunk := max(l1Share/w.K, 48)
	chunk = (chunk + tileRows - 1) / tileRows * tileRows
	for r0, n := 0, 0; r0 < rows; r0 += n {
		n = rows - r0
		if n > chunk+chunk/2 { // or else the rest would be a few pixels for which all weights are read again
			n = chunk
		}
		for n0 := 0; n0 < w.N; n0 += cols {
			var bias [2 * panelCols]float32
			if ep.Bias != nil {
				copy(bias[:], ep.Bias[n0:w.N])
			}
			var add *float32
			if ep.Add != nil {
				add = &ep.Add[r0*ep.AddStride+n0]
			}
			d, s, b := &dst[r0*dstStride+n0], &src[r0*srcStride], &w.panels[n0*w.K]
			width := min(cols, w.N-n0)
			if level == cpu.AVX512 {
				pointwiseAVX512(d, 4*dstStride, s, 4*srcStride, n, b, 4*panelCols*w.K, w.K, width, &bias[0], int(ep.Act), add, 4*ep.AddStride)
			} else {
				pointwiseAVX2(d, 4*dstStride, s, 4*srcStride, n, b, 0, w.K, width, &bias[0], int(ep.Act), add, 4*ep.AddStride)
			}
		}
	}
	return true
}

// gradWeightAsm is GradWeight in assembly; ok tells whether this CPU has it.
//
// One (or with AVX-512 two) times 16 columns of x at a time meet all of dy's,
// for a chunk of pixels whose lines fit the first-level cache.
func gradWeightAsm(dw []float32, dwStride int, dy []float32, dyStride, out int, x []float32, xStride, in, rows int) (ok bool) {
	level := cpu.Current()
	if level < cpu.AVX2 {
		return false
	}
	if out == 0 {
		return true
	}
	cols := 16
	if level == cpu.AVX512 {
		cols = 32
	}
	const chunk = 128
	for r0 := 0; r0 < rows; r0 += chunk {
		n := min(chunk, rows-r0)
		for k0 := 0; k0 < in; k0 += cols {
			d, g, s := &dw[k0], &dy[r0*dyStride], &x[r0*xStride+k0]
			width := min(cols, in-k0)
			if level == cpu.AVX512 {
				gradWeightAVX512(d, 4*dwStride, g, 4*dyStride, out, s, 4*xStride, n, width)
			} else {
				gradWeightAVX2(d, 4*dwStride, g, 4*dyStride, out, s, 4*xStride, n, width)
			}
		}
	}
	return true
}
