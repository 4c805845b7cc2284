package autodiff

import (
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/kernel/bf16"
	"github.com/mixnet-go/mixnet/tensor"
)

// product multiplies rows with the weights of a group of channels, in the
// numbers that Options ask for. Weights are packed before each pass.
type product[T tensor.Float] interface {
	// reserve reserves memory for packed weights.
	reserve(n *Net[T])
	// scratch returns how many elements of worker.product the others need.
	scratch() int

	// pack packs weights by output for forward, in training or not, and packBack
	// for back.
	pack(w []T, train bool)
	packBack(w []T)

	// forward sets rows of dst to the products with rows of src, plus a bias,
	// which may be nil; back does so with the transposed weights.
	forward(dst []T, dstStride int, src []T, srcStride, rows int, bias, scratch []T)
	back(dst []T, dstStride int, src []T, srcStride, rows int, scratch []T)
	// addWeights adds to sums, by output, the gradient of the weights from
	// gradients of outputs and from inputs.
	addWeights(sums, grad []T, gradStride int, in []T, inStride, rows int, scratch []T)
}

// newProduct returns one of the numbers that Options ask for.
func newProduct[T tensor.Float](o *Options, out, in int) product[T] {
	if o.BFloat16 {
		half := &rounded{
			weights: bf16.Matrix{N: out, K: in}, transposed: bf16.Matrix{N: in, K: out},
			evaluated: kernel.EmptyMatrix[float32](out, in),
		}
		if p, ok := any(half).(product[T]); ok {
			return p
		}
	}
	return &exact[T]{kernel.EmptyMatrix[T](out, in), kernel.EmptyMatrix[T](in, out)}
}

// exact multiplies in T.
type exact[T tensor.Float] struct{ weights, transposed *kernel.MatrixOf[T] }

func (p *exact[T]) reserve(n *Net[T]) {
	n.packMatrix(p.weights)
	if !n.opts.ForwardOnly {
		n.packMatrix(p.transposed)
	}
}

func (*exact[T]) scratch() int { return 0 }

func (p *exact[T]) pack(w []T, _ bool) { p.weights.Pack(w) }

func (p *exact[T]) packBack(w []T) { p.transposed.PackTransposed(w) }

func (p *exact[T]) forward(dst []T, dstStride int, src []T, srcStride, rows int, bias, _ []T) {
	kernel.Pointwise(dst, dstStride, src, srcStride, rows, p.weights, &kernel.EpilogueOf[T]{Bias: bias})
}

func (p *exact[T]) back(dst []T, dstStride int, src []T, srcStride, rows int, _ []T) {
	kernel.Pointwise(dst, dstStride, src, srcStride, rows, p.transposed, nil)
}

func (p *exact[T]) addWeights(sums, grad []T, gradStride int, in []T, inStride, rows int, _ []T) {
	kernel.MulTransA(sums, p.weights.K, grad, gradStride, p.weights.N, in, inStride, p.weights.K, rows)
}

// rounded rounds both factors to bfloat16 and sums their products in float32, in
// training. Evaluation is exact, as it is wherever the weights are used later.
type rounded struct {
	weights, transposed bf16.Matrix
	evaluated           *kernel.MatrixOf[float32]
	train               bool // weights are packed
}

func (p *rounded) reserve(n *Net[float32]) {
	n.packMatrix(p.evaluated)
	if n.opts.ForwardOnly {
		return
	}
	for _, m := range []*bf16.Matrix{&p.weights, &p.transposed} {
		n.pack((bf16.MatrixLen(m.N, m.K)+1)/2, func(mem []float32) { m.Move(bf16.Halves(mem)) })
	}
}

func (p *rounded) scratch() int {
	return max(p.weights.Scratch(1, false), p.transposed.Scratch(1, false), bf16.TransScratch(p.weights.N, p.weights.K))
}

func (p *rounded) pack(w []float32, train bool) {
	if p.train = train; train {
		p.weights.Pack(w, nil)
	} else {
		p.evaluated.Pack(w)
	}
}

func (p *rounded) packBack(w []float32) { p.transposed.PackRows(w, p.weights.K) }

func (p *rounded) forward(dst []float32, dstStride int, src []float32, srcStride, rows int, bias, scratch []float32) {
	if p.train {
		bf16.PointwiseRounded(dst, dstStride, src, srcStride, rows, &p.weights, bias, scratch)
	} else {
		kernel.Pointwise(dst, dstStride, src, srcStride, rows, p.evaluated, &kernel.Epilogue{Bias: bias})
	}
}

func (p *rounded) back(dst []float32, dstStride int, src []float32, srcStride, rows int, scratch []float32) {
	bf16.PointwiseRounded(dst, dstStride, src, srcStride, rows, &p.transposed, nil, scratch)
}

func (p *rounded) addWeights(sums, grad []float32, gradStride int, in []float32, inStride, rows int, scratch []float32) {
	bf16.MulTransA(sums, p.weights.K, grad, gradStride, p.weights.N, in, inStride, p.weights.K, rows, scratch)
}
