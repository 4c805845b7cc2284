package transfer

import (
	"context"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/model"
)

// Evaluate runs a model on every image of d.
func Evaluate(ctx context.Context, m *model.Model, d data.Dataset, how Inference) (*evaluate.Outcomes, error) {
	program, err := engine.Compile(m.Graph, m.Values, engine.Options{Threads: how.Threads, Quantization: m.Quantization})
	if err != nil {
		return nil, err
	}
	defer program.Close()
	loader, err := how.loader(m, d)
	if err != nil {
		return nil, err
	}
	var options evaluate.Options
	if how.Progress != nil {
		options.Progress = func(r *evaluate.Result) { how.Progress(int64(r.Images())) }
	}
	r, err := evaluate.Run(ctx, program, loader, options)
	if err != nil {
		return nil, err
	}
	return r.Outcomes, nil
}

// inferenceBatch is how many images the engine is given at a time.
const inferenceBatch = 32
