package transfer

import (
	"context"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
)

// FineTuneOptions adjusts FineTune. The zero value is a good choice for a few
// hundred to some ten thousand images.
type FineTuneOptions struct {
	// Recipe says how to train; the preset "finetune" by default. One that keeps
	// batch norm as it is begins with a classifier fitted to the features of
	// the images, others with a new one.
	Recipe recipe.Recipe
	// Val is measured after every epoch; the best epoch's weights are the
	// result. Without it a tenth of the training images is held out for that.
	Val data.Dataset
	// HeadOnly trains the classifier alone, on features computed once: of the
	// fields around, it needs only the recipe's seed and Threads.
	HeadOnly bool
	// Dir is a folder to record the run in. FineTune goes on with a run that
	// it finds there, as an interrupt has left it. By default nothing is
	// recorded.
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
	if o.Recipe.Epochs == 0 && o.Recipe.Fit.Steps == 0 {
		r, err := recipe.Preset("finetune")
		if err != nil {
			return nil, err
		}
		r.Seed = o.Recipe.Seed
		o.Recipe = r
	}
	out, err := Adapt(m, Target{Classes: set.Classes(), Seed: o.Recipe.Seed})
	if err != nil {
		return nil, err
	}
	if o.HeadOnly {
		return out, fitHead(ctx, out, set, o.Recipe.MaxBad, HeadOptions{Seed: o.Recipe.Seed, Threads: o.Threads})
	}
	if o.Val == nil {
		if set, o.Val, err = data.Split(set, 0.1, o.Recipe.Seed); err != nil {
			return nil, err
		}
	}
	if o.Recipe.FixedNorm {
		if err := fitHead(ctx, out, set, o.Recipe.MaxBad, HeadOptions{Penalty: StartPenalty, Threads: o.Threads}); err != nil {
			return nil, err
		}
	}
	out, _, err = Train(ctx, train.Config{
		Model: out, Recipe: o.Recipe, Train: set, Val: o.Val, Dir: o.Dir, Threads: o.Threads, OnEpoch: o.OnEpoch, KeepBest: true,
	})
	return out, err
}

// fitHead gives m a classifier trained on its features of a set.
func fitHead(ctx context.Context, m *model.Model, set data.Dataset, maxBad int, o HeadOptions) error {
	f, err := Extract(ctx, m, set, Inference{Threads: o.Threads, MaxBad: maxBad})
	if err != nil {
		return err
	}
	h, err := FitHead(ctx, f, o)
	if err != nil {
		return err
	}
	return h.Install(m)
}
