package optim

import (
	"cmp"
	"math"
	"slices"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/par"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/tensor"
)

// matrix is a parameter seen as out rows of in values, those of all taps of a
// convolution together.
type matrix struct {
	param, out, in int
	scale          float64 // of the rate
}

// matrixOf returns the matrix that the weight of a convolution is, unless it
// is depthwise: then its rows have nothing in common.
func matrixOf(i int, p graph.Param) (m matrix, ok bool) {
	if p.Kind != graph.Weight || len(p.Shape) != 4 || p.Shape[1] == 1 {
		return matrix{}, false
	}
	return matrix{param: i, out: p.Shape[0], in: p.Len() / p.Shape[0], scale: 1}, true
}

// long and short return the sides of m.
func (m matrix) long() int  { return max(m.out, m.in) }
func (m matrix) short() int { return min(m.out, m.in) }

// cost is proportional to the work of orthogonalizing m.
func (m matrix) cost() int { return m.short() * m.short() * (2*m.long() + 17*m.short()) }

// matrices are the parameters that a rule moves as matrices.
type matrices[T tensor.Float] struct {
	list    []matrix // the costliest first
	rule    rule[T]
	scratch [][]T // by worker
}

// sort brings the matrices into their order.
func (o *matrices[T]) sort() {
	slices.SortStableFunc(o.list, func(a, b matrix) int { return cmp.Compare(b.cost(), a.cost()) })
}

// scratchLen returns the values that a worker needs.
func (o *matrices[T]) scratchLen() int {
	n := 0
	for _, m := range o.list {
		n = max(n, m.out*m.in+m.scratchLen())
	}
	return n
}

// matrixRMS is the root mean square of an update by AdamW, which the moves of
// matrices are brought to.
const matrixRMS = 0.2

// move moves the matrices among params in the direction that a rule finds.
// scale multiplies the gradients, which are overwritten.
func (o *matrices[T]) move(pool *par.Pool, cfg *recipe.Optimizer, params, grads, slots graph.Values[T], scale, lr float64) {
	for len(o.scratch) < pool.Threads() {
		o.scratch = append(o.scratch, make([]T, o.scratchLen()))
	}
	pool.Each(len(o.list), func(worker, i int) {
		m := o.list[i]
		w, g := params[m.param], grads[m.param]
		if scale != 1 {
			multiply(g, T(scale))
		}
		move, scratch := o.scratch[worker][:len(w)], o.scratch[worker][len(w):]
		o.rule.matrix(cfg, m, move, g, slots[m.param], scratch)
		lr := lr * m.scale
		shrink, rate := T(1-lr*cfg.WeightDecay), T(lr*matrixRMS*math.Sqrt(float64(m.long())))
		for j, d := range move {
			w[j] = shrink*w[j] - rate*d
		}
	})
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
