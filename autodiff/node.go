package autodiff

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/tensor"
)

// node is a node of the graph with where its value and gradient live.
//
// A stored node has a tensor of its own. A view has none: its value is
// computed from that of base, a stored node, as
//
//	gate(act(norm(base)))
//
// where each of the three may be absent. A solid view is stored as well, for
// consumers that cannot take a view.
type node[T tensor.Float] struct {
	id    graph.ID
	name  string
	shape tensor.Shape // N is the largest batch
	in    []*node[T]
	op    operator[T]

	out  *buffer[T] // nil for a view
	base *node[T]   // nil for a stored node that is not a solid view
	norm *norm[T]
	act  kernel.Act
	gate gate[T]

	redo      *conv[T] // computes the tensor again wherever it is read; nil if it is kept
	needsGrad bool
	lazy      *norm[T]   // computes this node's gradient from its own, tile by tile
	grad      *buffer[T] // gradient of the value, while planning and at the end
	want, got int        // gradient contributions: expected, and seen so far
	up        []*edge[T] // contributions to the inputs; nil where none is needed
}

// edge is one contribution to the gradient of a node.
type edge[T tensor.Float] struct {
	to          *node[T]
	first, last bool
	alias       bool       // the gradient is that of the consumer itself
	in, out     *buffer[T] // the sum before this contribution, and after it
	direct      *buffer[T] // where a tile of the contribution ends up; nil if it may not be computed there
}

// operator computes what a node stores and how its gradient goes on. forward
// and backward work on some images, which several workers do at once; the
// others are called once a pass.
type operator[T tensor.Float] interface {
	// prepare and prepareBack are called before a pass, for several nodes at
	// once.
	prepare(n *Net[T], v *node[T])
	prepareBack(n *Net[T], v *node[T])

	forward(n *Net[T], v *node[T], w *worker[T], from, to int)
	finish(n *Net[T], v *node[T])

	beginBack(n *Net[T], v *node[T])
	backward(n *Net[T], v *node[T], w *worker[T], from, to int)
	finishBack(n *Net[T], v *node[T], parts int) // parts workers took part

	// scratch returns how many elements of private memory a worker needs.
	scratch(n *Net[T], v *node[T]) int
	// rereads reports whether backward needs the values of the inputs.
	rereads() bool
}

// local is an operator without anything to do for all images together. The
// operators embed it and define the rest.
type local[T tensor.Float] struct{}

func (local[T]) prepare(*Net[T], *node[T])         {}
func (local[T]) prepareBack(*Net[T], *node[T])     {}
func (local[T]) finish(*Net[T], *node[T])          {}
func (local[T]) beginBack(*Net[T], *node[T])       {}
func (local[T]) finishBack(*Net[T], *node[T], int) {}
func (local[T]) rereads() bool                     { return false }

// scratch returns the size of a tile of the largest of v and its inputs.
func (local[T]) scratch(_ *Net[T], v *node[T]) int {
	size := v.tilePixels() * v.shape.C
	for _, in := range v.in {
		size = max(size, in.tilePixels()*in.shape.C)
	}
	return size
}

// stored reports whether the node has a tensor of its own.
func (v *node[T]) stored() bool { return v.out != nil }

// solid reports whether the node is a view and stored too.
func (v *node[T]) solid() bool { return v.stored() && v.base != nil }

// perImage returns the elements of one image.
func (v *node[T]) perImage() int { return v.shape.H * v.shape.W * v.shape.C }

// pixels returns the positions of one image.
func (v *node[T]) pixels() int { return v.shape.H * v.shape.W }

// tile is a rectangle of a tensor: rows are pixels [p0, p1), counted through
// the batch, and columns channels [c0, c1). Row i starts at data[i*stride].
type tile[T tensor.Float] struct {
	data           []T
	stride         int
	p0, p1, c0, c1 int
}

func (t tile[T]) rows() int { return t.p1 - t.p0 }
func (t tile[T]) cols() int { return t.c1 - t.c0 }
func (t tile[T]) size() int { return t.rows() * t.cols() }

// row returns row i.
func (t tile[T]) row(i int) []T { return t.data[i*t.stride:][:t.cols()] }

// in returns the same rectangle of a stored tensor with c channels.
func (t tile[T]) in(data []T, c int) tile[T] {
	t.data, t.stride = data[t.p0*c+t.c0:], c
	return t
}

// segment returns pixels [p0, p1) of t.
func (t tile[T]) segment(p0, p1 int) tile[T] {
	t.data = t.data[(p0-t.p0)*t.stride:]
	t.p0, t.p1 = p0, p1
	return t
}

// scale multiplies everything by f.
func (t tile[T]) scale(f T) {
	for i := range t.rows() {
		kernel.ScaleVec(t.row(i), t.row(i), f)
	}
}

// copyRows copies src to dst, a rectangle of the same size.
func copyRows[T tensor.Float](dst, src tile[T]) {
	kernel.CopyRows(dst.data, dst.stride, src.data, src.stride, dst.rows(), dst.cols())
}

// addRows adds src to dst, a rectangle of the same size.
func addRows[T tensor.Float](dst, src tile[T]) {
	kernel.AddRows(dst.data, dst.stride, dst.data, dst.stride, src.data, src.stride, dst.rows(), dst.cols(), kernel.Identity)
}

// perImage calls f for the part of t that lies in each image of pixels pixels.
func (t tile[T]) perImage(pixels int, f func(image int, t tile[T])) {
	for p := t.p0; p < t.p1; {
		image := p / pixels
		end := min((image+1)*pixels, t.p1)
		f(image, t.segment(p, end))
		p = end
	}
}

// load writes the value of v into the rectangle t.
func (v *node[T]) load(n *Net[T], w *worker[T], t tile[T]) {
	if v.stored() {
		copyRows(t, t.in(v.out.data, v.shape.C))
		return
	}
	v.compute(n, w, t)
}

// compute writes the rectangle t of a view.
func (v *node[T]) compute(n *Net[T], w *worker[T], t tile[T]) {
	x := t
	if v.base.redo != nil {
		v.base.redo.again(n, v.base, w, t)
	} else {
		x = t.in(v.base.out.data, v.shape.C)
	}
	if b := v.norm; b != nil {
		kernel.AffineAct(t.data, t.stride, x.data, x.stride, t.rows(), b.scale[t.c0:t.c1], b.shift[t.c0:t.c1], v.act)
	} else {
		kernel.ActivateRows(t.data, t.stride, x.data, x.stride, t.rows(), t.cols(), v.act)
	}
	if v.gate != nil {
		v.gate.apply(n, v, t)
	}
}

// raw calls f for pieces of t, each with the same rectangle of the tensor of v,
// which may not be kept.
func (v *node[T]) raw(n *Net[T], w *worker[T], t tile[T], f func(t, x tile[T])) {
	if v.redo == nil {
		f(t, t.in(v.out.data, v.shape.C))
		return
	}
	for p := t.p0; p < t.p1; p += againRows {
		t := t.segment(p, min(p+againRows, t.p1))
		x := t
		x.data, x.stride = w.raw, t.cols()
		v.redo.again(n, v, w, x)
		f(t, x)
	}
}

// value returns the rectangle t of the value of v: a part of its tensor if it
// is stored, or else computed into scratch. The result must not be changed.
func (v *node[T]) value(n *Net[T], w *worker[T], scratch []T, t tile[T]) tile[T] {
	if v.stored() {
		return t.in(v.out.data, v.shape.C)
	}
	t.data, t.stride = scratch, t.cols()
	v.load(n, w, t)
	return t
}

// valueKept is value for an operator that computes a gradient of v next, which
// what it takes from s to compute the value is then good for.
func (v *node[T]) valueKept(n *Net[T], w *worker[T], s *splitter[T], t tile[T]) tile[T] {
	g, gated := v.gate.(*excite[T])
	switch {
	case v.stored():
		return v.value(n, w, nil, t)
	case gated:
		a := v.in[0].value(n, w, s.take(t.size()), t)
		w.known = known[T]{v.in[0], a}
		t.data, t.stride = s.take(t.size()), t.cols()
		g.scale(v, t, a)
		return t
	}
	t = v.value(n, w, s.take(t.size()), t)
	w.known = known[T]{v, t}
	return t
}

// known is a rectangle of the value of a view that lies in a worker's scratch
// memory, as long as an operator leaves it there.
type known[T tensor.Float] struct {
	of *node[T]
	tile[T]
}

// value returns the rectangle t of the value of v, if it is known.
func (k *known[T]) value(v *node[T], t tile[T]) (value tile[T], ok bool) {
	if k.of != v || t.p0 < k.p0 || t.p1 > k.p1 || t.c0 < k.c0 || t.c1 > k.c1 {
		return tile[T]{}, false
	}
	t.data, t.stride = k.data[(t.p0-k.p0)*k.stride+t.c0-k.c0:], k.stride
	return t, true
}

// gradient returns the rectangle t of the gradient of v, computed into scratch
// where it is not stored. The result must not be changed.
func (v *node[T]) gradient(n *Net[T], w *worker[T], scratch []T, t tile[T]) tile[T] {
	if v.lazy == nil {
		return t.in(v.grad.data, v.shape.C)
	}
	t.data, t.stride = scratch, t.cols()
	v.lazy.pullBack(n, w, t)
	return t
}

// loadGradient writes the rectangle t of the gradient of v.
func (v *node[T]) loadGradient(n *Net[T], w *worker[T], t tile[T]) {
	if v.lazy != nil {
		v.lazy.pullBack(n, w, t)
		return
	}
	copyRows(t, t.in(v.grad.data, v.shape.C))
}

// tileElems is the size of the tiles element-wise passes work on: small enough
// to stay in the second-level cache with what is computed from it.
const tileElems = 16 << 10

// tilePixels returns the pixels of a tile of v with all its channels.
func (v *node[T]) tilePixels() int { return max(tileElems/v.shape.C, 1) }
