package mixnet

import (
	"context"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/train"
)

// FineTuneOptions adjusts FineTune. The zero value is a good choice for a few
// hundred to some ten thousand images.
type FineTuneOptions struct {
	// Recipe says how to train; train.FineTune's by default.
	Recipe train.Recipe
	// Val is measured after every epoch; the best epoch's weights are the
	// result. Without it a tenth of the training images is held out for that.
	Val data.Dataset
	// HeadOnly trains the classifier alone.
	HeadOnly bool
	// Dir is a folder to record the run in, so that it can be resumed. By
	// default nothing is recorded.
	Dir string
	// Threads is the number of threads. 0 means all cores.
	Threads int
	// OnEpoch is called after every epoch; nil for nothing.
	OnEpoch func(train.Epoch)
}

// FineTune trains a model further on a data set, usually of other classes: the
// classifier is replaced by a new one for the set's classes. It returns a new
// model and leaves m as it is.
func FineTune(ctx context.Context, m *model.Model, set data.Dataset, o FineTuneOptions) (*model.Model, error) {
	if o.Recipe.Epochs == 0 {
		o.Recipe = train.FineTune(set.Len())
	}
	out, err := m.WithClasses(set.Classes(), o.Recipe.Seed)
	if err != nil {
		return nil, err
	}
	if o.Val == nil {
		if set, o.Val, err = data.Split(set, 0.1, o.Recipe.Seed); err != nil {
			return nil, err
		}
	}
	cfg := train.Config{
		Model: out, Recipe: o.Recipe, Train: set, Val: o.Val, Dir: o.Dir, Threads: o.Threads, OnEpoch: o.OnEpoch, KeepBest: true,
	}
	if o.HeadOnly {
		cfg.Freeze = func(name string) bool { return !out.IsHead(name) }
	}
	t, err := train.New(cfg)
	if err != nil {
		return nil, err
	}
	if err := t.Run(ctx); err != nil {
		return nil, err
	}
	return out, nil
}
