//go:build !purego

package kernel

import (
	"math"

	"github.com/mixnet-go/mixnet/internal/cpu"
)

// winogradInputAsm is WinogradOf.input in assembly; ok tells whether this CPU
// has it.
func winogradInputAsm(form WinogradForm, v []float32, pitch int, src []float32, window *[36]int, zeros []float32) (ok bool) {
	level := cpu.Current()
	if level < cpu.AVX2 {
		return false
	}
	var px [36]*float32
	for i, at := range window[:form.positions()] {
		if px[i] = &zeros[0]; at >= 0 {
			px[i] = &src[at]
		}
	}
	d, c := &v[0], len(zeros)
	switch wide := level == cpu.AVX512; {
	case wide && form.Stride == 2:
		winogradInput2By2AVX512(d, 4*pitch, &px[0], c)
	case wide && form.Tile == 2:
		winogradInput2AVX512(d, 4*pitch, &px[0], c)
	case wide:
		winogradInput4AVX512(d, 4*pitch, &px[0], c)
	case form.Stride == 2:
		winogradInput2By2AVX2(d, 4*pitch, &px[0], c)
	case form.Tile == 2:
		winogradInput2AVX2(d, 4*pitch, &px[0], c)
	default:
		winogradInput4AVX2(d, 4*pitch, &px[0], c)
	}
	return true
}

// winogradProductAsm multiplies rows tiles of one position with m, of one or
// two panels.
func winogradProductAsm(dst, v []float32, stride, rows int, m *Matrix) (ok bool) {
	d, x, b := &dst[0], &v[0], m.panels
	switch cpu.Current() {
	case cpu.AVX512:
		var zero [2 * panelCols]float32
		next := 4 * panelCols * m.K
		pointwiseAVX512(d, 4*winogradCols, x, 4*stride, rows, &b[0], next, m.K, m.N, &zero[0], 0, nil, 0)
	case cpu.AVX2:
		winogradProductAVX2(d, x, 4*stride, rows, &b[0], m.K)
		if m.N > panelCols {
			winogradProductAVX2(&dst[panelCols], x, 4*stride, rows, &b[panelCols*m.K], m.K)
		}
	default:
		return false
	}
	return true
}

// winogradAsm transforms tiles of products to pixels in assembly.
type winogradAsm struct {
	level    cpu.Level
	limits   bool      // with the activation, which only limits its argument
	dst, add []float32 // from the first output on; add may be nil
	stride   [2]int    // between pixels, of dst and of add, in elements
	form     WinogradForm
	width    int // pixels in a row of the image
	cols     int
	full     winogradOffsets // of a tile inside the image
	part     winogradOffsets // of the last one that is not
	bias     [winogradCols]float32
	limit    [2]float32 // lowest and highest value
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
	a = winogradAsm{level: level, dst: dst[o.first:], stride: [2]int{o.stride, ep.AddStride}, form: o.w.WinogradForm, width: o.s.OutW, cols: o.cols}
	if ep.Bias != nil {
		copy(a.bias[:a.cols], ep.Bias[o.first:])
	}
	if ep.Add != nil {
		a.add = ep.Add[o.first:]
	}
	switch ep.Act {
	case ReLU:
		a.limits, a.limit[1] = true, float32(math.Inf(1))
	case ReLU6:
		a.limits, a.limit[1] = true, 6
	}
	a.offsets(&a.full, a.form.Tile, a.form.Tile)
	return a
}

// offsets sets o for a tile of which rows×cols pixels lie in the image.
func (a *winogradAsm) offsets(o *winogradOffsets, rows, cols int) {
	o.rows, o.cols = rows, cols
	tile := a.form.Tile
	for y := range tile {
		for x := range tile {
			i, at := y*tile+x, 4*(y*a.width+x)
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
	if min(rows, cols) < a.form.Tile {
		if o = &a.part; o.rows != rows || o.cols != cols {
			a.offsets(o, rows, cols)
		}
	}
	var add *float32
	if a.add != nil {
		add = &a.add[at*a.stride[1]]
	}
	d := &a.dst[at*a.stride[0]]
	var limit *float32
	if a.limits {
		limit = &a.limit[0]
	}
	switch wide := a.level == cpu.AVX512; {
	case wide && a.form.Stride == 2:
		winogradOutput2By2AVX512(&m[0], 4*pitch, d, &o.dst[0], add, &o.add[0], a.cols, &a.bias[0], limit)
	case wide && a.form.Tile == 2:
		winogradOutput2AVX512(&m[0], 4*pitch, d, &o.dst[0], add, &o.add[0], a.cols, &a.bias[0], limit)
	case wide:
		winogradOutput4AVX512(&m[0], 4*pitch, d, &o.dst[0], add, &o.add[0], a.cols, &a.bias[0], limit)
	case a.form.Stride == 2:
		winogradOutput2By2AVX2(&m[0], 4*pitch, d, &o.dst[0], add, &o.add[0], a.cols, &a.bias[0], limit)
	case a.form.Tile == 2:
		winogradOutput2AVX2(&m[0], 4*pitch, d, &o.dst[0], add, &o.add[0], a.cols, &a.bias[0], limit)
	default:
		winogradOutput4AVX2(&m[0], 4*pitch, d, &o.dst[0], add, &o.add[0], a.cols, &a.bias[0], limit)
	}
	return true
}
