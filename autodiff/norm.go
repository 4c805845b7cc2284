package autodiff

import (
	"fmt"
	"math"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/tensor"
)

// norm is a batch norm: y = γ·(x-mean)/√(var+ε)+β = x·scale+shift.
type norm[T tensor.Float] struct {
	local[T]
	node    *node[T] // the batch-norm node itself
	op      *graph.BatchNorm
	counted bool // the producer of x counts the moments
	fixed   bool // it keeps its running statistics, and normalises by them

	scale, shift []T
	mean         []T
	invStd       []T
	batch        []float64    // of the last batch: means, sums of squared differences from them, values a channel
	moments      []moments[T] // of x, one per worker

	sums    [][]float64 // Σ g and Σ g·(x-mean) per worker, g = dL/dy
	a, b, c []T         // dL/dx = a·g + b·x + c
}

func newNorm[T tensor.Float](n *Net[T], v *node[T], op *graph.BatchNorm) *norm[T] {
	b := &norm[T]{node: v, op: op, fixed: n.fixes(op), moments: make([]moments[T], n.mem.pool.Threads()), sums: make([][]float64, n.mem.pool.Threads())}
	for _, s := range []*[]T{&b.scale, &b.shift, &b.mean, &b.invStd, &b.a, &b.b, &b.c} {
		*s = make([]T, op.C)
	}
	b.batch = make([]float64, 2*op.C+1)
	for i := range b.moments {
		b.moments[i] = newMoments[T](op.C)
		b.sums[i] = make([]float64, 2*op.C)
	}
	return b
}

// fixes reports whether a batch norm keeps its running statistics in training.
func (n *Net[T]) fixes(op *graph.BatchNorm) bool {
	return n.opts.FixedNorms || n.opts.Frozen != nil && n.opts.Frozen(op.Mean) && n.opts.Frozen(op.Var)
}

// batched reports whether the statistics of the batch are used in the pass in
// progress.
func (b *norm[T]) batched(n *Net[T]) bool { return n.train && !b.fixed }

// forward counts the moments of x, if its producer has not.
func (b *norm[T]) forward(n *Net[T], v *node[T], w *worker[T], from, to int) {
	if b.counted || !b.batched(n) {
		return
	}
	v.eachTile(from, to, func(p0, p1 int) {
		b.count(w, tile[T]{p0: p0, p1: p1, c1: v.shape.C}.in(v.in[0].out.data, v.shape.C))
	})
}

// finish settles scale and shift.
func (b *norm[T]) finish(n *Net[T], v *node[T]) {
	mean, variance := n.params[b.op.Mean], n.params[b.op.Var]
	if !b.batched(n) {
		for c := range b.scale {
			b.settle(n, c, float64(mean[c]), float64(variance[c]))
		}
		return
	}
	total := mergeMoments(b.moments)
	count := float64(n.batch * v.pixels())
	for c := range b.scale {
		m, squares := total.mean[c], total.squares[c]
		b.settle(n, c, m, squares/count)
		b.batch[c], b.batch[b.op.C+c] = m, squares
	}
	b.batch[2*b.op.C] = count
	if !n.opts.HoldNorms {
		b.move(mean, variance, b.batch)
	}
}

// move moves the running statistics by those of a batch.
func (b *norm[T]) move(mean, variance []T, batch []float64) {
	moved, keep, count := b.op.Momentum, 1-b.op.Momentum, batch[2*b.op.C]
	for c := range mean {
		mean[c] = T(keep*float64(mean[c]) + moved*batch[c])
		variance[c] = T(keep*float64(variance[c]) + moved*batch[b.op.C+c]/(count-1))
	}
}

// NormMoments returns how many numbers AppendMoments appends.
func (n *Net[T]) NormMoments() int {
	count := 0
	for _, b := range n.norms {
		if !b.fixed {
			count += len(b.batch)
		}
	}
	return count
}

// AppendMoments appends what batch norm has seen of the last Train, for
// MoveNorms: of each norm that follows the batches the means of its channels, the
// sums of squared differences from them, and how many values a channel had.
func (n *Net[T]) AppendMoments(dst []float64) []float64 {
	for _, b := range n.norms {
		if !b.fixed {
			dst = append(dst, b.batch...)
		}
	}
	return dst
}

// MoveNorms moves the running statistics in params by what AppendMoments
// returned of a Train, of this net or of one of the same graph.
func (n *Net[T]) MoveNorms(params graph.Values[T], moments []float64) error {
	if want := n.NormMoments(); len(moments) != want {
		return fmt.Errorf("%w: %s: %d moments of batch norm, want %d", tensor.ErrShape, n.g.Name, len(moments), want)
	}
	if err := n.checkValues("parameters", params); err != nil {
		return err
	}
	for _, b := range n.norms {
		if !b.fixed {
			b.move(params[b.op.Mean], params[b.op.Var], moments)
			moments = moments[len(b.batch):]
		}
	}
	return nil
}

func (b *norm[T]) settle(n *Net[T], c int, mean, variance float64) {
	inv := 1 / math.Sqrt(variance+b.op.Eps)
	scale := float64(n.params[b.op.Gamma][c]) * inv
	b.mean[c], b.invStd[c] = T(mean), T(inv)
	b.scale[c], b.shift[c] = T(scale), T(float64(n.params[b.op.Beta][c])-mean*scale)
}

// count adds a tile of x to the moments.
func (b *norm[T]) count(w *worker[T], t tile[T]) { b.moments[w.part].add(w.sums, t) }

// countGradient takes a tile of the gradient of v, which is the norm or its
// activation, back to one of dL/dy, and adds it to the sums.
func (b *norm[T]) countGradient(n *Net[T], w *worker[T], v *node[T], t tile[T]) {
	sum, dot := b.actGrad(n, w, v, t)
	total := b.sums[w.part]
	for i := range sum {
		total[t.c0+i] += float64(sum[i])
		total[b.op.C+t.c0+i] += float64(dot[i])
	}
}

// actGrad multiplies a tile of the gradient of v, which is the norm or its
// activation, by the derivative of that, and returns the sums of the product
// and of its product with x-mean.
func (b *norm[T]) actGrad(n *Net[T], w *worker[T], v *node[T], t tile[T]) (sum, dot []T) {
	cols := t.cols()
	clear(w.sums[:2*cols])
	sum, dot = w.sums[:cols], w.sums[cols:2*cols]
	b.node.base.raw(n, w, t, func(t, x tile[T]) {
		if y, ok := w.known.value(v, t); ok && v.act == kernel.Swish {
			kernel.AffineSwishGrad(t.data, t.stride, x.data, x.stride, y.data, y.stride, t.rows(),
				b.scale[t.c0:t.c1], b.shift[t.c0:t.c1], b.mean[t.c0:t.c1], sum, dot)
			return
		}
		kernel.AffineActGrad(t.data, t.stride, x.data, x.stride, t.rows(),
			b.scale[t.c0:t.c1], b.shift[t.c0:t.c1], b.mean[t.c0:t.c1], v.act, sum, dot)
	})
	return sum, dot
}

// beginBack settles how dL/dx follows from dL/dy, and the gradients of γ and β.
func (b *norm[T]) beginBack(n *Net[T], v *node[T]) {
	total := b.sums[0]
	for _, s := range b.sums[1:] {
		for i := range s {
			total[i] += s[i]
		}
		clear(s)
	}
	count := float64(n.batch * v.pixels())
	for c := range b.a {
		mean, inv := float64(b.mean[c]), float64(b.invStd[c])
		sum, dot := total[c], total[b.op.C+c]*inv // Σ g and Σ g·(x-mean)/std
		a := float64(b.scale[c])
		slope, shift := 0.0, 0.0 // of fixed statistics
		if b.batched(n) {
			slope = -a * inv * dot / count
			shift = -a*sum/count - slope*mean
		}
		b.a[c], b.b[c], b.c[c] = T(a), T(slope), T(shift)
		if g := n.gradient(b.op.Gamma); g != nil {
			g[c] += T(dot)
		}
		if g := n.gradient(b.op.Beta); g != nil {
			g[c] += T(sum)
		}
	}
	clear(total)
}

// backward passes dL/dx on, unless the producer of x pulls it.
func (b *norm[T]) backward(n *Net[T], v *node[T], w *worker[T], from, to int) {
	if e := v.up[0]; e != nil {
		v.eachTile(from, to, func(p0, p1 int) {
			t := e.room(w.scratch, tile[T]{p0: p0, p1: p1, c1: v.shape.C})
			b.pullBack(n, w, t)
			n.contribute(e, w, t)
		})
	}
}

// pullBack writes a tile of dL/dx.
func (b *norm[T]) pullBack(n *Net[T], w *worker[T], t tile[T]) {
	g, x := t.in(b.node.grad.data, b.op.C), t
	if base := b.node.base; base.redo != nil {
		base.redo.again(n, base, w, t)
	} else {
		x = t.in(base.out.data, b.op.C)
	}
	kernel.Affine2(t.data, t.stride, g.data, g.stride, x.data, x.stride, t.rows(), b.a[t.c0:t.c1], b.b[t.c0:t.c1], b.c[t.c0:t.c1])
}

func (b *norm[T]) rereads() bool { return true }
