package transfer

import (
	"context"
	"math"
	"slices"

	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/par"
)

// regression is multinomial logistic regression on some images' features,
// each feature shifted and scaled to mean 0 and deviation 1. Its loss is the
// mean cross-entropy plus penalty·½‖W‖²; the bias is not penalised.
//
// Products are in single precision, sums of more than a block of rows in
// double. Every sum is cut the same way whatever the number of threads.
type regression struct {
	pool           *par.Pool
	n, in, classes int
	x              []float32 // n×in
	labels         []int
	mean, scale    []float64 // of the features: x = (feature-mean)·scale

	penalty float64
	theta   []float64 // W (classes×in), then the bias: where the fit stands

	w       []float32 // of the parameters that are evaluated
	bias    []float32
	matrix  *kernel.Matrix
	delta   []float32 // n×classes: logits, then the gradient of them
	losses  []float64 // by row
	partial []float32 // classes×in
}

const (
	// rowBlock is the number of rows whose logits are computed at a time.
	rowBlock = 64
	// sumBlock is the number of rows whose gradients are summed in single
	// precision.
	sumBlock = 1024
	// columnBlock is the number of features whose gradients are computed at a
	// time.
	columnBlock = 64
)

// newRegression starts from W = 0.
func newRegression(f *Features, images []int, pool *par.Pool) *regression {
	n, in, classes := len(images), f.Width, f.Classes
	r := &regression{
		pool: pool, n: n, in: in, classes: classes,
		x: make([]float32, n*in), labels: make([]int, n), mean: make([]float64, in), scale: make([]float64, in),
		theta: make([]float64, classes*(in+1)), w: make([]float32, classes*in), bias: make([]float32, classes),
		matrix: kernel.NewMatrix[float32](classes, in), delta: make([]float32, n*classes), losses: make([]float64, n),
		partial: make([]float32, classes*in),
	}
	for i, image := range images {
		copy(r.x[i*in:], f.row(image))
		r.labels[i] = f.Labels[image]
	}
	r.standardize()
	return r
}

// standardize shifts and scales the features.
func (r *regression) standardize() {
	variance := make([]float64, r.in)
	for i := range r.n {
		for k, v := range r.x[i*r.in:][:r.in] {
			r.mean[k] += float64(v)
		}
	}
	for k := range r.mean {
		r.mean[k] /= float64(r.n)
	}
	for i := range r.n {
		for k, v := range r.x[i*r.in:][:r.in] {
			d := float64(v) - r.mean[k]
			variance[k] += d * d
		}
	}
	for k, v := range variance {
		// A feature that is the same in all images says nothing.
		if deviation := math.Sqrt(v / float64(r.n)); deviation > 1e-6*math.Abs(r.mean[k]) && deviation > 1e-30 {
			r.scale[k] = 1 / deviation
		}
	}
	for i := range r.n {
		row := r.x[i*r.in:][:r.in]
		for k, v := range row {
			row[k] = float32((float64(v) - r.mean[k]) * r.scale[k])
		}
	}
}

// The relative gains of a step that end a fit: exact for the result, rough for
// choosing the penalty and for the way to it.
const (
	exact = 1e-7
	rough = 1e-5
)

// fit moves theta to the minimum of the loss.
func (r *regression) fit(ctx context.Context, penalty, still float64) error {
	r.penalty = penalty
	return minimize(ctx, r.theta, still, r.evaluate)
}

// evaluate returns the loss at theta and sets grad to its gradient.
func (r *regression) evaluate(theta, grad []float64) float64 {
	weights := r.classes * r.in
	for i := range r.w {
		r.w[i] = float32(theta[i])
	}
	for i := range r.bias {
		r.bias[i] = float32(theta[weights+i])
	}
	r.matrix.Pack(r.w)
	r.pool.Run((r.n+rowBlock-1)/rowBlock, func(part int) {
		from := part * rowBlock
		to := min(from+rowBlock, r.n)
		kernel.Pointwise(r.delta[from*r.classes:], r.classes, r.x[from*r.in:], r.in, to-from, r.matrix, &kernel.Epilogue{Bias: r.bias})
		for i := from; i < to; i++ {
			r.softmax(i)
		}
	})
	clear(grad)
	r.pool.Run((r.in+columnBlock-1)/columnBlock, func(part int) {
		from := part * columnBlock
		r.addColumns(grad, from, min(from+columnBlock, r.in))
	})
	loss := 0.0
	for _, l := range r.losses {
		loss += l
	}
	for i := range r.n {
		for c, d := range r.delta[i*r.classes:][:r.classes] {
			grad[weights+c] += float64(d)
		}
	}
	for i := range grad {
		grad[i] /= float64(r.n)
	}
	square := 0.0
	for i, v := range theta[:weights] {
		square += v * v
		grad[i] += r.penalty * v
	}
	return loss/float64(r.n) + r.penalty*square/2
}

// softmax sets the loss of a row, and turns its logits into the gradient.
func (r *regression) softmax(i int) {
	row := r.delta[i*r.classes:][:r.classes]
	label := r.labels[i]
	own, peak, sum := row[label], slices.Max(row), 0.0
	for c, v := range row {
		e := math.Exp(float64(v - peak))
		row[c] = float32(e)
		sum += e
	}
	r.losses[i] = math.Log(sum) - float64(own-peak)
	for c := range row {
		row[c] *= float32(1 / sum)
	}
	row[label]--
}

// addColumns adds the gradients of the weights of the features [from, to).
func (r *regression) addColumns(grad []float64, from, to int) {
	for row := 0; row < r.n; row += sumBlock {
		rows := min(sumBlock, r.n-row)
		for c := range r.classes {
			clear(r.partial[c*r.in+from : c*r.in+to])
		}
		kernel.MulTransA(r.partial[from:], r.in, r.delta[row*r.classes:], r.classes, r.classes, r.x[row*r.in+from:], r.in, to-from, rows)
		for c := range r.classes {
			for k := c*r.in + from; k < c*r.in+to; k++ {
				grad[k] += float64(r.partial[k])
			}
		}
	}
}

// head returns the classifier on features as they come.
func (r *regression) head() *Head {
	h := &Head{In: r.in, Out: r.classes, Weight: make([]float32, r.classes*r.in), Bias: make([]float32, r.classes), Penalty: r.penalty}
	for c := range r.classes {
		bias := r.theta[r.classes*r.in+c]
		for k := range r.in {
			w := r.theta[c*r.in+k] * r.scale[k]
			h.Weight[c*r.in+k] = float32(w)
			bias -= w * r.mean[k]
		}
		h.Bias[c] = float32(bias)
	}
	return h
}
