package train

import (
	"cmp"
	"math"
	"slices"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/par"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/tensor"
)

// matrix is a parameter seen as out rows of in values, those of all taps of a
// convolution together.
type matrix struct{ param, out, in int }

// matrixOf returns the matrix that the weight of a convolution is, unless it
// is depthwise: then its rows have nothing in common.
func matrixOf(i int, p graph.Param) (m matrix, ok bool) {
	if p.Kind != graph.Weight || len(p.Shape) != 4 || p.Shape[1] == 1 {
		return matrix{}, false
	}
	return matrix{i, p.Shape[0], p.Len() / p.Shape[0]}, true
}

// long and short return the sides of m.
func (m matrix) long() int  { return max(m.out, m.in) }
func (m matrix) short() int { return min(m.out, m.in) }

// cost is proportional to the work of orthogonalizing m.
func (m matrix) cost() int { return m.short() * m.short() * (2*m.long() + 17*m.short()) }

// muon moves matrices by orthogonalized momentum, as K. Jordan's Muon (2024)
// does, with the step's size matched to AdamW's by the root of the longer side
// (J. Liu et al., 2025, arXiv:2502.16982, section 2.2): torch.optim.Muon with
// adjust_lr_fn="match_rms_adamw", but in full precision.
type muon[T tensor.Float] struct {
	matrices []matrix // the costliest first
	scratch  [][]T    // by worker
}

// The polynomial of Jordan's Newton–Schulz iteration, and its other constants.
const (
	muonA, muonB, muonC = 3.4445, -4.7750, 2.0315
	muonIterations      = 5
	muonRMS             = 0.2 // root mean square of an update by AdamW
)

// sort brings the matrices into their order.
func (o *muon[T]) sort() {
	slices.SortStableFunc(o.matrices, func(a, b matrix) int { return cmp.Compare(b.cost(), a.cost()) })
}

// scratchLen returns the values that a worker needs.
func (o *muon[T]) scratchLen() int {
	n := 0
	for _, m := range o.matrices {
		n = max(n, m.out*m.in+m.scratchLen())
	}
	return n
}

// update moves the matrices among params. scale multiplies the gradients,
// which are overwritten.
func (o *muon[T]) update(pool *par.Pool, cfg recipe.Optimizer, params, grads, means graph.Values[T], scale, lr float64) {
	for len(o.scratch) < pool.Threads() {
		o.scratch = append(o.scratch, make([]T, o.scratchLen()))
	}
	pool.Each(len(o.matrices), func(worker, i int) {
		m := o.matrices[i]
		w, g, mean := params[m.param], grads[m.param], means[m.param]
		if scale != 1 {
			multiply(g, T(scale))
		}
		kernel.Approach(mean, g, T(1-cfg.Momentum))
		kernel.Approach(g, mean, T(cfg.Momentum))
		move, scratch := o.scratch[worker][:len(w)], o.scratch[worker][len(w):]
		orthogonalize(move, g, m, T(1/max(norm(g), cfg.Eps)), scratch)
		shrink, rate := T(1-lr*cfg.WeightDecay), T(lr*muonRMS*math.Sqrt(float64(m.long())))
		for j, d := range move {
			w[j] = shrink*w[j] - rate*d
		}
	})
}

// scratchLen returns the values that orthogonalize needs.
func (m matrix) scratchLen() int {
	n := m.short()
	return 4*n*n + max(kernel.MatrixLen(n, n), kernel.MatrixLen(m.out, m.in))
}

// orthogonalize sets dst to x, an m.out×m.in matrix whose norm is 1 when
// multiplied by scale, with its singular values brought near 1 by
//
//	X ← X(aI + bG + cG²), G = XᵀX
//
// or the same of Xᵀ where that is the one with more rows. It follows G alone,
// which is smaller, and the product Q of the polynomials: G ← PGP, Q ← QP.
func orthogonalize[T tensor.Float](dst, x []T, m matrix, scale T, scratch []T) {
	n, tall := m.short(), m.out >= m.in
	take := func(n int) (s []T) {
		s, scratch = scratch[:n], scratch[n:]
		return s
	}
	g, p, q, t := take(n*n), take(n*n), take(n*n), take(n*n)
	// product sets z to the product of two polynomials of G, which are symmetric.
	product := func(z, x, y []T) {
		clear(z)
		kernel.MulTransA(z, n, x, n, n, y, n, n, n)
	}
	if tall {
		clear(g)
		kernel.MulTransA(g, n, x, n, n, x, n, n, m.out)
	} else {
		rows := kernel.MatrixIn(scratch[:kernel.MatrixLen(m.out, m.in)], m.out, m.in)
		rows.Pack(x)
		kernel.Pointwise(g, n, x, m.in, m.out, rows, nil)
	}
	multiply(g, scale*scale)
	for i := range muonIterations {
		product(p, g, g)
		for j, v := range g {
			p[j] = muonB*v + muonC*p[j]
		}
		for j := range n {
			p[j*n+j] += muonA
		}
		if i == 0 {
			copy(q, p)
		} else {
			product(t, q, p)
			q, t = t, q
		}
		if i < muonIterations-1 {
			product(t, g, p)
			product(g, t, p)
		}
	}
	multiply(q, scale)
	if tall {
		columns := kernel.MatrixIn(scratch[:kernel.MatrixLen(n, n)], n, n)
		columns.Pack(q)
		kernel.Pointwise(dst, n, x, n, m.out, columns, nil)
	} else {
		clear(dst)
		kernel.MulTransA(dst, m.in, q, n, n, x, m.in, m.in, n)
	}
}

func multiply[T tensor.Float](x []T, by T) {
	for i := range x {
		x[i] *= by
	}
}

// norm returns the root of the sum of squares.
func norm[T tensor.Float](x []T) float64 {
	var sums [4]float64
	for ; len(x) >= 4; x = x[4:] {
		for i, v := range x[:4] {
			sums[i] += float64(v) * float64(v)
		}
	}
	for i, v := range x {
		sums[i] += float64(v) * float64(v)
	}
	return math.Sqrt(sums[0] + sums[1] + sums[2] + sums[3])
}
