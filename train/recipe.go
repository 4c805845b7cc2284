package train

import (
	"errors"
	"fmt"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/input"
)

// Recipe is how a network is trained: together with the network, the data, the
// number of threads and the seed it determines every number of a run.
type Recipe struct {
	// Name says where the recipe comes from.
	Name string `json:"name" toml:"name"`
	// Epochs is how often the training data is gone through.
	Epochs int `json:"epochs" toml:"epochs"`
	// Batch is the number of images of a step.
	Batch int `json:"batch" toml:"batch"`
	// Accumulate cuts every batch into this many parts that are computed one
	// after the other, which takes less memory; 0 means 1. Batch norm sees one
	// part at a time.
	Accumulate int `json:"accumulate,omitempty" toml:"accumulate,omitzero"`
	// Seed determines the order and augmentation of the data and dropout.
	Seed uint64 `json:"seed" toml:"seed"`

	// Fit says what of the above follows from the number of images.
	Fit Fit `json:"fit,omitzero" toml:"fit,omitempty"`

	Optimizer Optimizer     `json:"optimizer" toml:"optimizer"`
	Schedule  Schedule      `json:"schedule" toml:"schedule"`
	Augment   input.Augment `json:"augment" toml:"augment"`
	// Mix blends the images of a batch: mixup and CutMix.
	Mix data.Mix `json:"mix" toml:"mix"`

	Sizes
	// Smoothing is that of the labels, 0 to less than 1.
	Smoothing float64 `json:"smoothing" toml:"smoothing"`
	// NormMomentum is the weight of a batch in the running statistics of batch
	// norm; 0 means the network's own.
	NormMomentum float64 `json:"norm_momentum,omitempty" toml:"norm_momentum,omitzero"`
	// FixedNorm makes batch norm keep the running statistics that it has, and
	// normalise by them in training as in evaluation: for fine-tuning on few
	// images.
	FixedNorm bool `json:"fixed_norm,omitempty" toml:"fixed_norm,omitempty"`
	// EMA is the decay of the moving average of the weights that is evaluated
	// and saved; 0 means the weights themselves.
	EMA float64 `json:"ema" toml:"ema"`
	// Freeze leaves layers as they are: those whose name is, or begins with, one
	// of these and a dot, such as "blocks.0". Their batch norms keep the
	// running statistics and normalise by them.
	Freeze []string `json:"freeze,omitempty" toml:"freeze,omitempty"`
	// FreezeUntil freezes all layers before the first of that name.
	FreezeUntil string `json:"freeze_until,omitempty" toml:"freeze_until,omitempty"`
	// Balance weighs the loss of every class by the inverse of its share of
	// the training images.
	Balance bool `json:"balance,omitempty" toml:"balance,omitempty"`
	// MaxBad is how many unreadable images of a set are skipped before the run
	// gives up: 0 means one in a hundred, and at least one; -1 none.
	MaxBad int `json:"max_bad,omitempty" toml:"max_bad,omitzero"`
	// EvalEvery is the number of epochs from one evaluation on the validation
	// images to the next; 0 means 1. The last epoch is always evaluated.
	EvalEvery int `json:"eval_every,omitempty" toml:"eval_every,omitzero"`
	// Patience ends the run after so many epochs without a higher top-1 on the
	// validation images; 0 means never.
	Patience int `json:"patience,omitempty" toml:"patience,omitzero"`
}

// WithDefaults returns r with every unset field filled in that has a usual
// value.
func (r Recipe) WithDefaults() Recipe {
	r.Optimizer = r.Optimizer.withDefaults()
	r.Schedule = r.Schedule.withDefaults()
	r.Augment = r.Augment.WithDefaults()
	r.Sizes = r.Sizes.withDefaults()
	if r.Fit.Part == 0 {
		r.Accumulate = max(r.Accumulate, 1)
	}
	return r
}

// ErrRecipe is wrapped by every error about a recipe that cannot be followed.
var ErrRecipe = errors.New("invalid recipe")

// Validate reports what keeps r, after its defaults, from being followed.
func (r Recipe) Validate() error {
	r = r.WithDefaults()
	var err error
	switch {
	case (r.Epochs != 0 || r.Fit.Steps == 0) && (r.Epochs < 1 || r.Epochs > 1e6):
		err = fmt.Errorf("%d epochs", r.Epochs)
	case r.Batch < 1 || r.Batch > 1<<20:
		err = fmt.Errorf("batch of %d", r.Batch)
	case r.Accumulate < 0 || r.Accumulate > 0 && r.Batch%r.Accumulate != 0:
		err = fmt.Errorf("a batch of %d cannot be cut into %d parts", r.Batch, r.Accumulate)
	case !(r.Smoothing >= 0 && r.Smoothing < 1):
		err = fmt.Errorf("label smoothing %g: want 0 to less than 1", r.Smoothing)
	case !(r.EMA >= 0 && r.EMA < 1):
		err = fmt.Errorf("moving average %g: want 0 to less than 1", r.EMA)
	}
	if !(r.NormMomentum >= 0 && r.NormMomentum <= 1) {
		err = errors.Join(err, fmt.Errorf("batch norm momentum %g: want 0 to 1", r.NormMomentum))
	}
	if r.MaxBad < -1 {
		err = errors.Join(err, fmt.Errorf("at most %d unreadable images: want -1 for none, or more", r.MaxBad))
	}
	if r.Patience < 0 {
		err = errors.Join(err, fmt.Errorf("patience of %d epochs", r.Patience))
	}
	if r.EvalEvery < 0 || r.Patience > 0 && r.EvalEvery > r.Patience {
		err = errors.Join(err, fmt.Errorf("evaluation every %d epochs with a patience of %d", r.EvalEvery, r.Patience))
	}
	if err = errors.Join(err, r.Optimizer.validate(), r.Schedule.validate(), r.Sizes.validate(), r.Fit.validate(), r.Augment.Validate(), r.Mix.Validate()); err != nil {
		return fmt.Errorf("%w: %w", ErrRecipe, err)
	}
	return nil
}
