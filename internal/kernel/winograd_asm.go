//go:build amd64 && !purego

package kernel

import (
	"math"

	"github.com/mixnet-go/mixnet/internal/cpu"
)

// winogradInputAsm is WinogradOf.input in assembly; ok tells whether this CPU
// has it.
func winogradInputAsm(tile int, v []float32, pitch int, src []float32, window *[36]int, zeros []float32) (ok bool) {
	level := cpu.Current()
	if level < cpu.AVX2 {
		return false
	}
	side := tile + 2
	var px [36]*float32
	for i, at := range window[:side*side] {
		if px[i] = &zeros[0]; at >= 0 {
			px[i] = &src[at]
		}
	}
	switch {
	case level == cpu.AVX512 && tile == 2:
		winogradInput2AVX512(&v[0], 4*pitch, &px[0], len(zeros))
	case level == cpu.AVX512:
		winogradInput4AVX512(&v[0], 4*pitch, &px[0], len(zeros))
	case tile == 2:
		winogradInput2AVX2(&v[0], 4*pitch, &px[0], len(zeros))
	default:
		winogradInput4AVX2(&v[0], 4*pitch, &px[0], len(zeros))
	}
	return true
}

// winogradProductAsm multiplies rows tiles of one position with m, of one or
// two panels.
func winogradProductAsm(dst, v []float32, stride, rows int, m *Matrix) (ok bool) {
	var zero [2 * panelCols]float32
	d, x, b, next := &dst[0], &v[0], m.panels, 4*panelCols*m.K
	switch cpu.Current() {
	case cpu.AVX512:
		pointwiseAVX512(d, 4*winogradCols, x, 4*stride, rows, &b[0], next, m.K, m.N, &zero[0], 0, nil, 0)
	case cpu.AVX2:
		pointwiseAVX2(d, 4*winogradCols, x, 4*stride, rows, &b[0], next, m.K, panelCols, &zero[0], 0, nil, 0)
		if m.N > panelCols {
			pointwiseAVX2(&dst[panelCols], 4*winogradCols, x, 4*stride, rows, &b[panelCols*m.K], next, m.K, panelCols, &zero[0], 0, nil, 0)
		}
	default:
		return false
	}
	return true
}

// winogradAsm transforms tiles of products to pixels in assembly.
type winogradAsm struct {
	level    cpu.Level
	whole    bool      // with all of the epilogue; otherwise, with the bias alone
	dst, add []float32 // from the first output on; add may be nil
	stride   [2]int    // between pixels, of dst and of add, in elements
	side     int       // pixels in a row of a tile
	width    int       // pixels in a row of the image
	cols     int
	full     winogradOffsets // of a tile inside the image
	part     winogradOffsets // of the last one that is not
	bias     [winogradCols]float32
	limits   [4]float32 // lowest and highest value before and after the residual
	limit    int        // bits: which of the two apply
}

// winogradOffsets tells where the pixels of a tile of which rows×cols lie in
// the image start, in bytes from the first: those of the destination and of
// the residual.
type winogradOffsets struct {
	rows, cols int
	dst, add   [16]int
}

// newWinogradAsm returns what transforms to o, if this CPU has it.
func newWinogradAsm[T Float](o *winogradOut[T]) (a winogradAsm) {
	dst, ok := any(o.dst).([]float32)
	level := cpu.Current()
	if !ok || level < cpu.AVX2 {
		return a
	}
	ep := any(o.ep).(*Epilogue)
	a = winogradAsm{level: level, dst: dst[o.first:], stride: [2]int{o.stride, ep.AddStride}, side: o.w.Tile, width: o.s.OutW, cols: o.cols}
	if ep.Bias != nil {
		copy(a.bias[:a.cols], ep.Bias[o.first:])
	}
	if a.whole = limits(ep.Act) && limits(o.post); a.whole {
		a.setLimits(0, ep.Act)
		a.setLimits(1, o.post)
		if ep.Add != nil {
			a.add = ep.Add[o.first:]
		}
	}
	a.offsets(&a.full, a.side, a.side)
	return a
}

// limits tells whether an activation only limits its argument.
func limits(act Act) bool { return act == Identity || act == ReLU || act == ReLU6 }

func (a *winogradAsm) setLimits(n int, act Act) {
	if act == Identity {
		return
	}
	a.limit |= 1 << n
	if a.limits[2*n+1] = float32(math.Inf(1)); act == ReLU6 {
		a.limits[2*n+1] = 6
	}
}

// offsets sets o for a tile of which rows×cols pixels lie in the image.
func (a *winogradAsm) offsets(o *winogradOffsets, rows, cols int) {
	o.rows, o.cols = rows, cols
	for y := range a.side {
		for x := range a.side {
			i, at := y*a.side+x, 4*(y*a.width+x)
			o.dst[i], o.add[i] = at*a.stride[0], at*a.stride[1]
			if y >= rows || x >= cols {
				o.dst[i], o.add[i] = -1, -1
			}
		}
	}
}

// tile transforms one tile, of which rows×cols pixels lie in the image, from
// pixel at on; ok tells whether this CPU can.
func (a *winogradAsm) tile(m []float32, pitch, at, rows, cols int) (ok bool) {
	if a.level < cpu.AVX2 {
		return false
	}
	o := &a.full
	if rows < a.side || cols < a.side {
		if o = &a.part; o.rows != rows || o.cols != cols {
			a.offsets(o, rows, cols)
		}
	}
	var add *float32
	if a.add != nil {
		add = &a.add[at*a.stride[1]]
	}
	d := &a.dst[at*a.stride[0]]
	switch {
	case a.level == cpu.AVX512 && a.side == 2:
		winogradOutput2AVX512(&m[0], 4*pitch, d, &o.dst[0], add, &o.add[0], a.cols, &a.bias[0], &a.limits[0], a.limit)
	case a.level == cpu.AVX512:
		winogradOutput4AVX512(&m[0], 4*pitch, d, &o.dst[0], add, &o.add[0], a.cols, &a.bias[0], &a.limits[0], a.limit)
	case a.side == 2:
		winogradOutput2AVX2(&m[0], 4*pitch, d, &o.dst[0], add, &o.add[0], a.cols, &a.bias[0], &a.limits[0], a.limit)
	default:
		winogradOutput4AVX2(&m[0], 4*pitch, d, &o.dst[0], add, &o.add[0], a.cols, &a.bias[0], &a.limits[0], a.limit)
	}
	return true
}
