package train

import (
	"context"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
)

// score is the outcome of an evaluation.
type score struct {
	Loss       float64 // cross-entropy without smoothing
	Top1, Top5 float64 // fractions
}

// evaluator measures accuracy with the network that is being trained, so that
// it needs no memory of its own.
type evaluator struct {
	net    *autodiff.Net[float32]
	loader *data.Loader
	grad   []float32
}

func newEvaluator(net *autodiff.Net[float32], p input.Preprocess, d data.Dataset, maxBad, threads int) (*evaluator, error) {
	l, err := data.NewLoader(d, data.Config{Preprocess: p, Batch: min(net.Shape().N, d.Len()), Workers: threads, MaxBad: maxBad})
	if err != nil {
		return nil, err
	}
	return &evaluator{net: net, loader: l}, nil
}

func (e *evaluator) run(ctx context.Context, values graph.Values[float32]) (score, error) {
	var s score
	n := 0.0
	for b, err := range e.loader.Epoch(ctx, 0, 0) {
		if err != nil {
			return s, err
		}
		if err := e.net.Eval(&b.Images, values); err != nil {
			return s, err
		}
		logits := e.net.Output(0)
		if len(e.grad) < len(logits) {
			e.grad = make([]float32, len(logits))
		}
		loss, _ := crossEntropy(logits, targets{labels: b.Labels}, 0, e.grad)
		s.Loss += loss
		classes := len(logits) / len(b.Labels)
		for i, label := range b.Labels {
			switch r := evaluate.Rank(logits[i*classes:][:classes], label); {
			case r == 0:
				s.Top1++
				s.Top5++
			case r < 5:
				s.Top5++
			}
		}
		n += float64(len(b.Labels))
	}
	n = max(n, 1)
	return score{s.Loss / n, s.Top1 / n, s.Top5 / n}, nil
}
