// Package recipe describes how a network is trained: how long, in which
// batches, by which optimizer and schedule, and how its images are changed. A
// [Recipe] is data: package train follows it.
//
// Recipes come with the package ([Preset]), from TOML files ([ReadFile]) and
// from Go. [Recipe.Set] changes one setting by its TOML key, and
// [Recipe.Complete] settles the rest for a number of images.
package recipe

import (
	"errors"
	"fmt"

	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/input"
)

// Recipe is how a network is trained: together with the network, the data, the
// number of threads and the seed it determines every number of a run.
type Recipe struct {
	// Name says where the recipe comes from.
	Name string `json:"name" toml:"name"`
	// Pretrained says that the recipe is for parameters that were trained
	// before. Its rates are too small for new ones.
	Pretrained bool `json:"pretrained,omitempty" toml:"pretrained,omitempty"`
	// Network is the network that the recipe is for, by its name in the zoo: what
	// a program trains when none is named. "" leaves the choice to it.
	Network string `json:"network,omitempty" toml:"network,omitempty"`
	// Epochs is how often the training data is gone through.
	Epochs int `json:"epochs" toml:"epochs,omitzero"`
	// Batch is the number of images of a step.
	Batch int `json:"batch" toml:"batch"`
	// Accumulate cuts every batch into this many parts that are computed one
	// after the other, which takes less memory; 0 means 1. Batch norm sees one
	// part at a time.
	Accumulate int `json:"accumulate,omitempty" toml:"accumulate,omitzero"`
	// Precision is what convolutions and fully connected layers multiply in;
	// [Float32] if unset.
	Precision Precision `json:"precision,omitempty" toml:"precision,omitempty"`
	// Seed determines the order and augmentation of the data and dropout.
	Seed uint64 `json:"seed" toml:"seed"`

	// Fit says what of the above follows from the number of images.
	Fit Fit `json:"fit,omitzero" toml:"fit,omitempty"`
	// Grid holds the rates that the recipe's are meant to be chosen from, on
	// held-out images. A run by itself takes the recipe's.
	Grid Grid `json:"grid,omitzero" toml:"grid,omitempty"`

	Optimizer Optimizer     `json:"optimizer" toml:"optimizer"`
	Schedule  Schedule      `json:"schedule" toml:"schedule"`
	Augment   input.Augment `json:"augment" toml:"augment"`
	// Mix blends the images of a batch: mixup and CutMix.
	Mix input.Mix `json:"mix" toml:"mix"`

	// Detection is the loss of networks that find objects; the zero value leaves
	// it to the network.
	Detection detect.LossConfig `json:"detection,omitzero" toml:"detection,omitempty"`

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
	// Sampling is how an epoch is drawn from the training images; [Shuffled]
	// if unset.
	Sampling Sampling `json:"sampling,omitempty" toml:"sampling,omitempty"`
	// ShuffleShards is how many tar shards have their images mixed at a time,
	// for sets that are too large to be at hand as a whole; 0 mixes all images
	// with each other.
	ShuffleShards int `json:"shuffle_shards,omitempty" toml:"shuffle_shards,omitzero"`
	// MaxBad is how many unreadable images of a set are skipped before the run
	// gives up: 0 means one in a hundred, and at least one; -1 none.
	MaxBad int `json:"max_bad,omitempty" toml:"max_bad,omitzero"`
	// EvalEvery is the number of epochs from one evaluation on the validation
	// images to the next; 0 means 1. The last epoch is always evaluated.
	EvalEvery int `json:"eval_every,omitempty" toml:"eval_every,omitzero"`
	// Patience ends the run after so many epochs without a better result on the
	// validation images; 0 means never.
	Patience int `json:"patience,omitempty" toml:"patience,omitzero"`
}

// Sampling is how an epoch is drawn from the training images.
type Sampling string

const (
	// Shuffled takes every image once, in an order of each epoch's own.
	Shuffled Sampling = "shuffled"
	// Balanced draws as many images of every class: those of small classes more
	// often than once, and a part of those of large ones.
	Balanced Sampling = "balanced"
)

// Precision is what is multiplied in training. Sums, and everything that is kept,
// are float32 in any case.
type Precision string

const (
	Float32 Precision = "float32"
	// BFloat16 rounds the factors to 8 bits of precision, which is quicker with
	// AVX512_BF16 or AMX.
	BFloat16 Precision = "bf16"
)

// ErrRecipe is wrapped by every error about a recipe that cannot be followed.
var ErrRecipe = errors.New("invalid recipe")

// Complete returns the recipe for a number of training images: what Fit speaks
// of is settled, but for epochs and accumulation that are set already, and
// every unset field that has a usual value has that. For 0 images, Fit is left
// as it is. The error wraps [ErrRecipe] and says what keeps the recipe from
// being followed. A complete recipe is its own completion.
func (r Recipe) Complete(images int) (Recipe, error) {
	if images > 0 {
		if err := errors.Join(r.validateBatch(), r.Fit.validate()); err != nil {
			return r, fmt.Errorf("%w: %w", ErrRecipe, err)
		}
		r = r.fit(images)
	}
	r = r.withDefaults()
	return r, r.validate()
}

// Validate reports what keeps r from being followed. The error wraps
// [ErrRecipe].
func (r Recipe) Validate() error {
	_, err := r.Complete(0)
	return err
}

// withDefaults returns r with every unset field filled in that has a usual
// value.
func (r Recipe) withDefaults() Recipe {
	r.Optimizer = r.Optimizer.withDefaults()
	r.Schedule = r.Schedule.withDefaults()
	r.Augment = r.Augment.WithDefaults()
	r.Mix = r.Mix.WithDefaults()
	r.Sizes = r.Sizes.withDefaults()
	if r.Fit.Part == 0 {
		r.Accumulate = max(r.Accumulate, 1)
	}
	return r
}

// WithoutUnused returns r without the settings of its optimizer and schedule
// that their kinds do not have, which Validate reports.
func (r Recipe) WithoutUnused() Recipe {
	if usual, known := r.Optimizer.Kind.usual(); known > 0 && usual.Decay == 0 {
		r.Optimizer.Decay, r.Optimizer.Eps = 0, 0
	}
	for _, form := range schedules {
		if form.Kind != r.Schedule.Kind {
			continue
		}
		if form.Every == 0 {
			r.Schedule.Factor, r.Schedule.Every = 0, 0
		}
		if !form.ends {
			r.Schedule.Final = 0
		}
	}
	return r
}
