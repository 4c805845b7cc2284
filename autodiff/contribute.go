package autodiff

import (
	"github.com/mixnet-go/mixnet/internal/kernel"
)

// room returns where a consumer is to compute a tile of its contribution e:
// its final place where that is known to be free, or else scratch.
func (e *edge[T]) room(scratch []T, t tile[T]) tile[T] {
	if e.direct != nil {
		return t.in(e.direct.data, e.to.shape.C)
	}
	t.data, t.stride = scratch, t.cols()
	return t
}

// contribute adds a tile of dL/d(e.to) that a consumer has computed. With the
// last contribution the tile is complete: it is stored, or pulled back through
// the view to the node above. The tile is overwritten.
func (n *Net[T]) contribute(e *edge[T], w *worker[T], t tile[T]) {
	if e.in != nil {
		addRows(t, t.in(e.in.data, e.to.shape.C))
	}
	n.complete(e, w, t)
}

// complete is contribute for a tile to which earlier contributions are added
// already.
func (n *Net[T]) complete(e *edge[T], w *worker[T], t tile[T]) {
	v := e.to
	if e.out == nil {
		n.pullBack(v, w, t)
		return
	}
	if e.last && v.isNorm() {
		v.norm.countGradient(n, w, v, t)
	}
	e.store(t)
}

// store puts a tile where the sum up to this contribution is kept.
func (e *edge[T]) store(t tile[T]) {
	if dst := t.in(e.out.data, e.to.shape.C); &dst.data[0] != &t.data[0] {
		copyRows(dst, t)
	}
}

// pullBack turns a tile of the complete gradient of the view v into a
// contribution to the node above it. The tile is overwritten.
func (n *Net[T]) pullBack(v *node[T], w *worker[T], t tile[T]) {
	up := v.up[0]
	switch {
	case up == nil:
		return
	case v.gate != nil:
		v.gate.pullBack(n, v, w, t)
	case v.norm == nil:
		x := t.in(v.base.out.data, v.shape.C)
		for i := range t.rows() {
			kernel.ActivateGrad(t.row(i), x.row(i), v.act)
		}
	case up.first && up.last && up.to.isNorm():
		v.norm.countGradient(n, w, v, t)
		up.store(t)
		return
	default:
		v.norm.actGrad(n, w, v, t)
	}
	n.contribute(up, w, t)
}

// contributeAll adds images [from, to) of a gradient d of e.to.
func (n *Net[T]) contributeAll(e *edge[T], w *worker[T], d []T, from, to int) {
	v := e.to
	c := v.shape.C
	v.eachTile(from, to, func(p0, p1 int) {
		t := e.room(w.scratch, tile[T]{p0: p0, p1: p1, c1: c})
		copyRows(t, t.in(d, c))
		n.contribute(e, w, t)
	})
}

// isNorm reports whether v is a batch-norm node itself, rather than a view
// through one.
func (v *node[T]) isNorm() bool { return v.norm != nil && v.norm.node == v }

// holds reports whether the complete gradient of v is stored: that of a view
// is passed on instead, except through batch norm, which needs all of it.
func (v *node[T]) holds() bool { return v.stored() || v.isNorm() }
