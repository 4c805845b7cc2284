package train

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/graph"
)

// Evaluate measures the stepper's network with other values of its parameters,
// such as Result, on one epoch of a loader, in the memory of the training
// steps. The loader's batches are no larger than those planned for, and have
// the network's own size. It returns the task's Val metrics.
func (s *Stepper) Evaluate(ctx context.Context, loader *data.Loader, values graph.Values[float32]) ([]Metric, error) {
	e := s.cfg.Task.Evaluate(loader.Set())
	for b, err := range loader.Epoch(ctx, 0, 0) {
		if err != nil {
			return nil, err
		}
		net, err := s.main.of(b.Images.Shape)
		if err != nil {
			return nil, err
		}
		if err := net.Eval(&b.Images, values); err != nil {
			return nil, err
		}
		err = e.Add(b, s.main.read(net, b.Images.Shape.N, false))
		if errors.Is(err, evaluate.ErrNotFinite) {
			return nil, fmt.Errorf("%w: %w", ErrDiverged, err)
		}
		if err != nil {
			return nil, err
		}
	}
	m := s.cfg.Task.Metrics()
	var found []Metric
	for i, v := range e.Values() {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%w: %s is %g", ErrDiverged, valKey(m.Val[i]), v)
		}
		found = append(found, Metric{valKey(m.Val[i]), v})
	}
	return found, nil
}
