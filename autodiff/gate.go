package autodiff

import (
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/rng"
	"github.com/mixnet-go/mixnet/tensor"
)

// gate is the last stage of a view v: a multiplication of its parent v.in[0].
type gate[T tensor.Float] interface {
	// apply multiplies a tile of the parent's value.
	apply(n *Net[T], v *node[T], t tile[T])
	// pullBack turns a tile of the gradient of v into one of the parent.
	pullBack(n *Net[T], v *node[T], w *worker[T], t tile[T])
}

// excite multiplies every image and channel by a factor computed by the
// network itself: squeeze-excite.
type excite[T tensor.Float] struct {
	local[T]
	factors *node[T] // N×1×1×C, stored
	sums    []T      // gradient of the factors
}

func (g *excite[T]) rereads() bool                                   { return true }
func (g *excite[T]) forward(*Net[T], *node[T], *worker[T], int, int) {}

// backward passes on the gradient of the factors.
func (g *excite[T]) backward(n *Net[T], v *node[T], w *worker[T], from, to int) {
	if e := v.up[1]; e != nil {
		n.contributeAll(e, w, g.sums, from, to)
		clear(g.sums[from*v.shape.C : to*v.shape.C])
	}
}

func (g *excite[T]) apply(_ *Net[T], v *node[T], t tile[T]) { g.scale(v, t, t) }

// scale sets t to x, a rectangle of the same size, times the factors.
func (g *excite[T]) scale(v *node[T], t, x tile[T]) {
	c := v.shape.C
	t.perImage(v.pixels(), func(image int, t tile[T]) {
		x := x.segment(t.p0, t.p1)
		kernel.ScaleRows(t.data, t.stride, x.data, x.stride, t.rows(), g.factors.out.data[image*c+t.c0:image*c+t.c1])
	})
}

func (g *excite[T]) pullBack(n *Net[T], v *node[T], w *worker[T], t tile[T]) {
	if g.factors.needsGrad {
		c := v.shape.C
		rows := max(len(w.view)/t.cols(), 1)
		t.perImage(v.pixels(), func(image int, t tile[T]) {
			for p := t.p0; p < t.p1; p += rows {
				t := t.segment(p, min(p+rows, t.p1))
				a, ok := w.known.value(v.in[0], t)
				if !ok {
					a = v.in[0].value(n, w, w.view, t)
				}
				kernel.DotRows(g.sums[image*c+t.c0:image*c+t.c1], t.data, t.stride, a.data, a.stride, t.rows())
			}
		})
	}
	g.apply(n, v, t)
}

// dropPath multiplies every image by 0 or 1/(1-rate): stochastic depth.
type dropPath[T tensor.Float] struct{ rate float64 }

func (g *dropPath[T]) apply(n *Net[T], v *node[T], t tile[T]) {
	if !n.train {
		return
	}
	stream := n.stream(v)
	t.perImage(v.pixels(), func(image int, t tile[T]) {
		t.scale(keep[T](stream, image, g.rate))
	})
}

func (g *dropPath[T]) pullBack(n *Net[T], v *node[T], _ *worker[T], t tile[T]) { g.apply(n, v, t) }

// dropout multiplies every element by 0 or 1/(1-rate).
type dropout[T tensor.Float] struct{ rate float64 }

func (g *dropout[T]) apply(n *Net[T], v *node[T], t tile[T]) {
	if !n.train {
		return
	}
	stream := n.stream(v)
	for i := range t.rows() {
		row := t.row(i)
		at := (t.p0+i)*v.shape.C + t.c0
		for j := range row {
			row[j] *= keep[T](stream, at+j, g.rate)
		}
	}
}

func (g *dropout[T]) pullBack(n *Net[T], v *node[T], _ *worker[T], t tile[T]) { g.apply(n, v, t) }

// stream returns the start of the random sequence of one node in one step.
func (n *Net[T]) stream(v *node[T]) uint64 { return rng.Mix(n.key ^ rng.Mix(uint64(v.id))) }

// keep returns 0 with probability rate and 1/(1-rate) otherwise, the i-th
// draw of a stream. Forward and backward draw the same value without storing
// it.
func keep[T tensor.Float](stream uint64, i int, rate float64) T {
	if rng.Float(stream, i) < rate {
		return 0
	}
	return T(1 / (1 - rate))
}
