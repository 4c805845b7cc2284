package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/par"
	"github.com/mixnet-go/mixnet/model"
)

// Head is a linear classifier on features.
type Head struct {
	In, Out int
	Weight  []float32 // (Out, In)
	Bias    []float32 // (Out)
	// Penalty is the factor of ½‖W‖², on features of deviation 1, that it was
	// trained with.
	Penalty float64
}

// HeadOptions adjusts FitHead. The zero value is a good choice.
type HeadOptions struct {
	// Penalty weighs the squares of the weights, as Head's does; 0 chooses one
	// by cross-validation.
	Penalty float64
	// Seed determines which images cross-validation holds out.
	Seed uint64
	// Threads is the number of threads. 0 means all cores. The result does not
	// depend on it.
	Threads int
}

// StartPenalty is the penalty for a classifier that all weights are to be
// trained further from. A weaker one may serve the frozen backbone better, but
// its large weights make large gradients.
const StartPenalty = 1

// FitHead trains a linear classifier on features: multinomial logistic
// regression with an L2 penalty, taken to the minimum of its convex loss, so
// that there is no learning rate to choose. The penalty is the one with the
// best top-1 on held-out parts of the images.
func FitHead(ctx context.Context, f *Features, o HeadOptions) (*Head, error) {
	switch {
	case f.Len() == 0:
		return nil, errors.New("classifier: no images to train on")
	case !(o.Penalty >= 0) || math.IsInf(o.Penalty, 1):
		return nil, fmt.Errorf("classifier: penalty %g: want 0 or more", o.Penalty)
	case slices.ContainsFunc(f.X, notFinite):
		return nil, errors.New("classifier: a feature is not a number: are the weights damaged?")
	}
	pool := par.New(o.Threads)
	defer pool.Close()
	path := []float64{o.Penalty}
	if o.Penalty == 0 {
		var err error
		if path, err = choosePenalty(ctx, f, pool, o.Seed); err != nil {
			return nil, err
		}
	}
	all := make([]int, f.Len())
	for i := range all {
		all[i] = i
	}
	r := newRegression(f, all, pool)
	for _, penalty := range path {
		if err := r.fit(ctx, penalty, rough); err != nil {
			return nil, err
		}
	}
	if err := r.fit(ctx, r.penalty, exact); err != nil {
		return nil, err
	}
	return r.head(), nil
}

func notFinite(v float32) bool { return v-v != 0 }

// each calls f with the logits of images, in their order.
func (h *Head) each(x *Features, images []int, f func(i int, logits []float32)) {
	w := kernel.PackMatrix(h.Weight, h.Out, h.In)
	logits := make([]float32, h.Out)
	for _, i := range images {
		kernel.Pointwise(logits, h.Out, x.row(i), h.In, 1, w, &kernel.Epilogue{Bias: h.Bias})
		f(i, logits)
	}
}

// Evaluate returns what h makes of d, whose features are x.
func (h *Head) Evaluate(x *Features, d data.Dataset) (*evaluate.Outcomes, error) {
	o := evaluate.NewOutcomes(d)
	all := make([]int, x.Len())
	for i := range all {
		all[i] = i
	}
	var err error
	h.each(x, all, func(i int, logits []float32) { err = cmp.Or(err, o.Add(x.Examples[i], logits)) })
	return o, err
}

// Install makes h the classifier of a model.
func (h *Head) Install(m *model.Model) error {
	op, err := classifier(m.Graph)
	if err != nil {
		return err
	}
	if op.In != h.In || op.Out != h.Out {
		return fmt.Errorf("%s: its classifier has %d inputs and %d classes, not %d and %d", m.Graph.Name, op.In, op.Out, h.In, h.Out)
	}
	copy(m.Values[op.Weight], h.Weight)
	copy(m.Values[op.Bias], h.Bias)
	return nil
}
