package autodiff

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/tensor"
)

// add sums its inputs. Its gradient is that of each of them; where the plan
// allows it they share the buffer.
type add[T tensor.Float] struct{ local[T] }

func (add[T]) forward(n *Net[T], v *node[T], w *worker[T], from, to int) {
	v.eachTile(from, to, func(p0, p1 int) {
		t := tile[T]{p0: p0, p1: p1, c1: v.shape.C}.in(v.out.data, v.shape.C)
		v.in[0].load(n, w, t)
		y := v.in[1].value(n, w, w.scratch, t)
		addRows(t, y)
	})
}

func (add[T]) backward(n *Net[T], v *node[T], w *worker[T], from, to int) {
	for _, e := range v.up {
		if e == nil || e.alias && !(e.last && e.to.isNorm()) {
			continue
		}
		v.eachTile(from, to, func(p0, p1 int) {
			t := tile[T]{p0: p0, p1: p1, c1: v.shape.C}
			if e.alias {
				e.to.norm.countGradient(n, w, e.to, t.in(v.grad.data, v.shape.C))
				return
			}
			t = e.room(w.scratch, t)
			v.loadGradient(n, w, t)
			n.contribute(e, w, t)
		})
	}
}

// globalPool averages over the positions of each image.
type globalPool[T tensor.Float] struct{ local[T] }

func (globalPool[T]) forward(n *Net[T], v *node[T], w *worker[T], from, to int) {
	x, c := v.in[0], v.shape.C
	size, rows := x.pixels(), x.tilePixels()
	for image := from; image < to; image++ {
		sum := v.out.data[image*c:][:c]
		clear(sum)
		for p := image * size; p < (image+1)*size; p += rows {
			t := x.value(n, w, w.scratch, tile[T]{p0: p, p1: min(p+rows, (image+1)*size), c1: c})
			kernel.SumRows(sum, t.data, t.stride, t.rows())
		}
		kernel.ScaleVec(sum, sum, 1/T(size))
	}
}

// backward gives every position its part of the mean's gradient. Where that is
// added to an earlier contribution, as in squeeze-excite, both are done at
// once.
func (globalPool[T]) backward(n *Net[T], v *node[T], w *worker[T], from, to int) {
	e := v.up[0]
	x, c := v.in[0], v.shape.C
	s := w.split()
	one, part := s.take(c), s.take(c)
	for i := range one {
		one[i] = 1
	}
	for image := from; image < to; image++ {
		kernel.ScaleVec(part, v.grad.data[image*c:][:c], 1/T(x.pixels()))
		x.eachTile(image, image+1, func(p0, p1 int) {
			t := e.room(s.rest, tile[T]{p0: p0, p1: p1, c1: c})
			if e.in == nil {
				for i := range t.rows() {
					copy(t.row(i), part)
				}
			} else {
				old := t.in(e.in.data, c)
				kernel.AffineAct(t.data, t.stride, old.data, old.stride, t.rows(), one, part, kernel.Identity)
			}
			n.complete(e, w, t)
		})
	}
}

func (globalPool[T]) scratch(n *Net[T], v *node[T]) int {
	return local[T]{}.scratch(n, v) + 2*v.shape.C
}

// concat joins its inputs along the channels.
type concat[T tensor.Float] struct{ local[T] }

func (concat[T]) forward(n *Net[T], v *node[T], w *worker[T], from, to int) {
	v.eachTile(from, to, func(p0, p1 int) {
		at := 0
		for _, x := range v.in {
			x.load(n, w, tile[T]{data: v.out.data[p0*v.shape.C+at:], stride: v.shape.C, p0: p0, p1: p1, c1: x.shape.C})
			at += x.shape.C
		}
	})
}

func (concat[T]) backward(n *Net[T], v *node[T], w *worker[T], from, to int) {
	at := 0
	for i, x := range v.in {
		if e := v.up[i]; e != nil {
			v.eachTile(from, to, func(p0, p1 int) {
				t := e.room(w.scratch, tile[T]{p0: p0, p1: p1, c1: x.shape.C})
				g := t
				g.data, g.stride = v.grad.data[p0*v.shape.C+at:], v.shape.C
				copyRows(t, g)
				n.contribute(e, w, t)
			})
		}
		at += x.shape.C
	}
}

// slice takes a range of channels.
type slice[T tensor.Float] struct {
	local[T]
	op *graph.Slice
}

func (s slice[T]) forward(n *Net[T], v *node[T], w *worker[T], from, to int) {
	v.eachTile(from, to, func(p0, p1 int) {
		v.in[0].load(n, w, tile[T]{data: v.out.data[p0*v.shape.C:], stride: v.shape.C, p0: p0, p1: p1, c0: s.op.From, c1: s.op.To})
	})
}

func (s slice[T]) backward(n *Net[T], v *node[T], w *worker[T], from, to int) {
	e, c := v.up[0], v.in[0].shape.C
	v.in[0].eachTile(from, to, func(p0, p1 int) {
		t := e.room(w.scratch, tile[T]{p0: p0, p1: p1, c1: c})
		for i := range t.rows() {
			row := t.row(i)
			clear(row)
			copy(row[s.op.From:], v.grad.data[(p0+i)*v.shape.C:][:v.shape.C])
		}
		n.contribute(e, w, t)
	})
}

// shuffle transposes the channels of every pixel as a groups × n matrix.
type shuffle[T tensor.Float] struct {
	local[T]
	groups int
}

func (s shuffle[T]) forward(n *Net[T], v *node[T], w *worker[T], from, to int) {
	c := v.shape.C
	v.eachTile(from, to, func(p0, p1 int) {
		x := v.in[0].value(n, w, w.scratch, tile[T]{p0: p0, p1: p1, c1: c})
		kernel.ShuffleRows(v.out.data[p0*c:], c, x.data, x.stride, p1-p0, c, s.groups)
	})
}

func (s shuffle[T]) backward(n *Net[T], v *node[T], w *worker[T], from, to int) {
	e, c := v.up[0], v.shape.C
	v.eachTile(from, to, func(p0, p1 int) {
		t := e.room(w.scratch, tile[T]{p0: p0, p1: p1, c1: c})
		kernel.ShuffleRows(t.data, t.stride, v.grad.data[p0*c:], c, p1-p0, c, c/s.groups)
		n.contribute(e, w, t)
	})
}

// shift moves the image: out[y,x] = in[y+dy,x+dx], zero outside.
type shift[T tensor.Float] struct {
	local[T]
	op *graph.Shift
}

func (s shift[T]) forward(n *Net[T], v *node[T], w *worker[T], from, to int) {
	for image := from; image < to; image++ {
		x := v.in[0].value(n, w, w.scratch, imageTile(v, image))
		s.move(v, v.out.data[image*v.perImage():], v.shape.C, x.data, x.stride, s.op.DY, s.op.DX)
	}
}

func (s shift[T]) backward(n *Net[T], v *node[T], w *worker[T], from, to int) {
	for image := from; image < to; image++ {
		t := v.up[0].room(w.scratch, imageTile(v, image))
		s.move(v, t.data, t.stride, v.grad.data[image*v.perImage():], v.shape.C, -s.op.DY, -s.op.DX)
		n.contribute(v.up[0], w, t)
	}
}

func (s shift[T]) move(v *node[T], dst []T, dstStride int, src []T, srcStride, dy, dx int) {
	h, w, c := v.shape.H, v.shape.W, v.shape.C
	for y := range h {
		kernel.ShiftRow(dst[y*w*dstStride:], dstStride, src, srcStride, h, w, c, y, dy, dx)
	}
}

func (s shift[T]) scratch(_ *Net[T], v *node[T]) int { return v.perImage() }

// imageTile returns the rectangle of a whole image.
func imageTile[T tensor.Float](v *node[T], image int) tile[T] {
	return tile[T]{p0: image * v.pixels(), p1: (image + 1) * v.pixels(), c1: v.shape.C}
}
