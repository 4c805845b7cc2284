package engine

import (
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/kernel/bf16"
)

// A depthwise convolution on bfloat16 is one on floats: the window holds what
// the input stands for, or the expansion makes of it, and a band of the output
// becomes bfloat16 while it is in the first-level cache.

// halfBand is the size of such a band, if it has more than one row.
const halfBand = 24 << 10

// windowed reports whether the input of tiles is computed or copied into a
// window.
func (d *depthwiseLayer) windowed() bool { return d.expand != nil || d.x.half }

// outBand returns the rows of output that are computed at a time, and the
// elements that they take.
func (t *depthwiseTile) outBand(w int) (rows, elems int) {
	row := w * t.shape.DstStride
	rows = max(1, min(t.to-t.from, halfBand/(floatBytes*row)))
	return rows, rows * row
}

// halfScratch returns the elements that a tile needs.
func (p *depthwise) halfScratch(t *depthwiseTile) int {
	_, n := t.outBand(p.y.w)
	if t.window.rows > 0 {
		n += t.window.rows * p.x.w * t.shape.SrcStride
	}
	if t.window.halves.N > 0 {
		n += t.window.halves.Scratch(0, false)
	}
	return n
}

// runHalf computes a tile whose output is bfloat16.
func (p *depthwise) runHalf(s *state, t *depthwiseTile, sums, scratch []float32) {
	rows, n := t.outBand(p.y.w)
	out, scratch := scratch[:n], scratch[n:]
	if t.window.rows == 0 {
		p.runBands(s, t, s.from(p.x, t.image, 0)[t.src:], 0, p.x.h, t.from, t.to, rows, out, sums)
		return
	}
	n = t.window.rows * p.x.w * t.shape.SrcStride
	window, scratch := scratch[:n], scratch[n:]
	w := slidingWindow{t: t, w: p.x.w, h: p.x.h, mem: window}
	for from := t.from; from < t.to; from += t.window.band {
		to := min(from+t.window.band, t.to)
		if row, rows := w.slide(from, to); rows > 0 {
			p.fillHalf(s, t, w.at(row), row, rows, scratch)
		}
		p.runBands(s, t, window, w.have, w.until, from, to, rows, out, sums)
	}
}

// fillHalf computes rows of a window.
func (p *depthwise) fillHalf(s *state, t *depthwiseTile, window []float32, row, rows int, scratch []float32) {
	stride := t.shape.SrcStride
	x := s.halves(p.x, t.image, row*p.x.w)
	if t.window.halves.N > 0 {
		bf16.PointwiseFloat(window, stride, x[t.window.in:], p.x.stride, rows*p.x.w, nil, &t.window.halves, bf16.Epilogue{Bias: t.window.bias, Act: p.expandAct}, scratch)
		return
	}
	bf16.Widen(window, stride, x[t.src:], p.x.stride, rows*p.x.w, stride) // what is beyond the channels is not used
}

// runBands computes rows [from, to) of the output, some at a time, from src,
// which begins with row have of the input and ends before row until.
func (p *depthwise) runBands(s *state, t *depthwiseTile, src []float32, have, until, from, to, rows int, out, sums []float32) {
	shape := t.shape
	shape.H = until - have
	for ; from < to; from += rows {
		shape.OutH = min(rows, to-from)
		shape.PadTop = t.shape.PadTop + have - from*shape.Stride
		kernel.Depthwise(out, src, &t.filter, &shape, t.bias, kernel.Identity, 0, shape.OutH, nil)
		bf16.Finish(s.halves(p.y, t.image, from*p.y.w)[t.at:], p.y.stride, out, shape.DstStride, shape.OutH*p.y.w, shape.Channels,
			bf16.Epilogue{Act: p.act}, sums)
	}
}

// slidingWindow is the part of the input that a tile's window holds.
type slidingWindow struct {
	t           *depthwiseTile
	w, h        int // of the input
	mem         []float32
	have, until int // rows
}

// slide moves the window to what output rows [from, to) read, keeps the rows
// that it has, and returns those to be filled: the first, and their number.
func (w *slidingWindow) slide(from, to int) (row, rows int) {
	g := &w.t.shape
	span := (g.Kernel-1)*g.Dilation + 1
	rowLen := w.w * g.SrcStride
	first := max(0, from*g.Stride-g.PadTop)
	end := min(w.h, (to-1)*g.Stride-g.PadTop+span)
	first = min(first, end)
	if w.until > first {
		copy(w.mem, w.mem[(first-w.have)*rowLen:(w.until-w.have)*rowLen])
	} else {
		w.until = first
	}
	w.have = first
	row, rows = w.until, max(0, end-w.until)
	w.until += rows
	return row, rows
}

// at returns the memory from a row of the input on.
func (w *slidingWindow) at(row int) []float32 {
	return w.mem[(row-w.have)*w.w*w.t.shape.SrcStride:]
}
