package autodiff

// contribute adds a tile of dL/d(e.to) that a consumer has computed. With the
// last contribution the tile is complete: it is stored, or pulled back through
// the view to the node above. The tile is overwritten.
func (n *Net[T]) contribute(e *edge[T], w *worker[T], t tile[T]) {
	v := e.to
	if e.in != nil {
		old := t.in(e.in.data, v.shape.C)
		addRows(t.data, t.stride, old.data, old.stride, t.rows(), t.cols())
	}
	if e.out != nil {
		dst := t.in(e.out.data, v.shape.C)
		copyRows(dst.data, dst.stride, t.data, t.stride, t.rows(), t.cols())
		if e.last && v.isNorm() {
			v.norm.countGradient(w, t)
		}
		return
	}
	n.pullBack(v, w, t)
}

// pullBack turns a tile of the complete gradient of the view v into a
// contribution to the node above it. The tile is overwritten.
func (n *Net[T]) pullBack(v *node[T], w *worker[T], t tile[T]) {
	if v.up[0] == nil {
		return
	}
	if v.gate != nil {
		v.gate.pullBack(n, v, w, t)
	} else {
		x := t.in(v.base.out.data, v.shape.C)
		scale, shift := v.norm.affine(t)
		actGrad(t.data, t.stride, x.data, x.stride, t.rows(), t.cols(), scale, shift, v.act)
	}
	n.contribute(v.up[0], w, t)
}

// contributeAll adds the whole of a gradient.
func (n *Net[T]) contributeAll(e *edge[T], d []T) {
	v := e.to
	c := v.shape.C
	n.tiles(v, func(w *worker[T], p0, p1 int) {
		t := tile[T]{data: w.scratch, stride: c, p0: p0, p1: p1, c1: c}
		copy(t.data, d[p0*c:p1*c])
		n.contribute(e, w, t)
	})
}

// isNorm reports whether v is a batch-norm node itself, rather than a view
// through one.
func (v *node[T]) isNorm() bool { return v.norm != nil && v.norm.node == v }

// holds reports whether the complete gradient of v is stored: that of a view
// is passed on instead, except through batch norm, which needs all of it.
func (v *node[T]) holds() bool { return v.stored() || v.isNorm() }
