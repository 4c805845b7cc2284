package train

import (
	"errors"
	"fmt"
	"math"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/vision"
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
	Accumulate int `json:"accumulate,omitempty" toml:"accumulate,omitempty"`
	// Seed determines the order and augmentation of the data and dropout.
	Seed uint64 `json:"seed" toml:"seed"`

	Optimizer Optimizer      `json:"optimizer" toml:"optimizer"`
	Schedule  Schedule       `json:"schedule" toml:"schedule"`
	Augment   vision.Augment `json:"augment" toml:"augment"`
	// Mix blends the images of a batch: mixup and CutMix.
	Mix data.Mix `json:"mix" toml:"mix"`

	// Sizes are the image sizes, if there are several.
	Sizes Sizes `json:"sizes,omitzero" toml:"sizes,omitempty"`

	// Smoothing is that of the labels, 0 to less than 1.
	Smoothing float64 `json:"smoothing" toml:"smoothing"`
	// NormMomentum is the weight of a batch in the running statistics of batch
	// norm; 0 means the network's own.
	NormMomentum float64 `json:"norm_momentum,omitempty" toml:"norm_momentum,omitempty"`
	// FixedNorm makes batch norm keep the running statistics that it has, and
	// normalise by them in training as in evaluation: for fine-tuning on few
	// images.
	FixedNorm bool `json:"fixed_norm,omitempty" toml:"fixed_norm,omitempty"`
	// EMA is the decay of the moving average of the weights that is evaluated
	// and saved; 0 means the weights themselves.
	EMA float64 `json:"ema" toml:"ema"`
	// Balance weighs the loss of every class by the inverse of its share of
	// the training images.
	Balance bool `json:"balance,omitempty" toml:"balance,omitempty"`
	// Patience ends the run after so many epochs without a higher top-1 on the
	// validation images; 0 means never.
	Patience int `json:"patience,omitempty" toml:"patience,omitempty"`
}

// WithDefaults returns r with every unset field filled in that has a usual
// value.
func (r Recipe) WithDefaults() Recipe {
	r.Optimizer = r.Optimizer.withDefaults()
	r.Schedule = r.Schedule.withDefaults()
	r.Augment = r.Augment.WithDefaults()
	r.Sizes = r.Sizes.withDefaults()
	r.Accumulate = max(r.Accumulate, 1)
	return r
}

// ErrRecipe is wrapped by every error about a recipe that cannot be followed.
var ErrRecipe = errors.New("invalid recipe")

// Validate reports what keeps r, after its defaults, from being followed.
func (r Recipe) Validate() error {
	r = r.WithDefaults()
	var err error
	switch {
	case r.Epochs < 1 || r.Epochs > 1e6:
		err = fmt.Errorf("%d epochs", r.Epochs)
	case r.Batch < 1 || r.Batch > 1<<20:
		err = fmt.Errorf("batch of %d", r.Batch)
	case r.Batch%r.Accumulate != 0:
		err = fmt.Errorf("a batch of %d cannot be cut into %d parts", r.Batch, r.Accumulate)
	case !(r.Smoothing >= 0 && r.Smoothing < 1):
		err = fmt.Errorf("label smoothing %g: want 0 to less than 1", r.Smoothing)
	case !(r.EMA >= 0 && r.EMA < 1):
		err = fmt.Errorf("moving average %g: want 0 to less than 1", r.EMA)
	}
	if !(r.NormMomentum >= 0 && r.NormMomentum <= 1) {
		err = errors.Join(err, fmt.Errorf("batch norm momentum %g: want 0 to 1", r.NormMomentum))
	}
	if r.Patience < 0 {
		err = errors.Join(err, fmt.Errorf("patience of %d epochs", r.Patience))
	}
	if err = errors.Join(err, r.Optimizer.validate(), r.Schedule.validate(), r.Sizes.validate(), r.Augment.Validate(), r.Mix.Validate()); err != nil {
		return fmt.Errorf("%w: %w", ErrRecipe, err)
	}
	return nil
}

// Paper is the MixNet paper's ImageNet recipe for a batch of the given size:
// that of its released code, whose rates are for 256 images (MnasNet,
// arXiv:1807.11626, section 5.1).
func Paper(batch int) Recipe {
	return Recipe{
		Name: "mixnet", Epochs: 350, Batch: batch,
		Optimizer: Optimizer{Kind: RMSProp, Momentum: 0.9, Decay: 0.9, Eps: 1e-3, WeightDecay: 1e-5},
		Schedule:  Schedule{Kind: StepDecay, LR: 0.016 * float64(batch) / 256, Warmup: 5, Factor: 0.97, Every: 2.4},
		Augment:   vision.Augment{Crop: vision.InceptionCrop, Interpolation: vision.Bilinear, Flip: 0.5},
		Smoothing: 0.1,
		EMA:       0.9999,
	}
}

// Small is a recipe for images of about 30 pixels and some ten thousand of
// them.
func Small() Recipe {
	return Recipe{
		Name: "small", Epochs: 15, Batch: 64,
		Optimizer: Optimizer{Kind: AdamW, WeightDecay: 0.05},
		Schedule:  Schedule{Kind: Cosine, LR: 0.003, Warmup: 1},
		Augment:   vision.Augment{Crop: vision.PadCrop, Pad: 2, Flip: 0.5},
		Smoothing: 0.1,
		EMA:       0.995,
	}
}

// FineTune is a recipe for training a network further on a number of images of
// other classes, from a classifier that fits its features (package transfer):
// about 500 steps that leave the statistics of batch norm alone. Fewer images
// take smaller steps.
func FineTune(images int) Recipe {
	batch := fineTuneBatch(images, 32)
	rate := 5e-4 * min(math.Sqrt(float64(images)/1500), 1)
	return Recipe{
		Name: "finetune", Epochs: min(max(500*batch/max(images, 1), 4), 20), Batch: batch,
		Optimizer: Optimizer{Kind: AdamW, WeightDecay: 0.01},
		Schedule:  Schedule{Kind: Cosine, LR: rate, Warmup: 0.5},
		Augment:   vision.Augment{Crop: vision.InceptionCrop, Area: [2]float64{0.25, 1}, Flip: 0.5},
		Smoothing: 0.1,
		FixedNorm: true,
	}
}

// Transfer is the recipe of the MixNet paper's section 4.3, which follows
// Kornblith et al. (Do Better ImageNet Models Transfer Better?, 2019, appendix
// A.5): about 20,000 steps of 256 images. The rate and the weight decay are
// the middle of the grid that they are meant to be chosen from. For less than
// a thousand images the batch is smaller.
func Transfer(images int) Recipe {
	batch := fineTuneBatch(images, 256)
	return Recipe{
		Name: "transfer", Epochs: max((20_000*batch+images/2)/max(images, 1), 1), Batch: batch,
		Optimizer:    Optimizer{Kind: SGD, Momentum: 0.9, WeightDecay: 1e-6},
		Schedule:     Schedule{Kind: Cosine, LR: 0.01},
		Augment:      vision.Augment{Crop: vision.InceptionCrop, Flip: 0.5},
		NormMomentum: fineTuneMomentum(images, batch),
	}
}

// FromScratch returns the recipe for a network with new parameters that takes
// as long as r, which is for fine-tuning: what is won by pretraining is the
// difference between the two. Steps are larger, and batch norm has statistics
// to find.
func FromScratch(r Recipe) Recipe {
	rate := map[string]float64{SGD: 0.05, AdamW: 0.002, RMSProp: 0.002}[r.Optimizer.Kind]
	r.Schedule.LR = max(r.Schedule.LR, rate)
	r.Schedule.Warmup = max(r.Schedule.Warmup, 1)
	r.Name, r.FixedNorm, r.NormMomentum = "from scratch", false, 0.1
	return r
}

// fineTuneBatch returns a batch of the usual size, or smaller so that an epoch
// has four.
func fineTuneBatch(images, usual int) int { return min(usual, max(images/4, 1)) }

// fineTuneMomentum is Kornblith et al.'s rule for batch norm: the running
// statistics follow the new images within an epoch or ten steps, whichever is
// longer.
func fineTuneMomentum(images, batch int) float64 {
	return min(10*float64(batch)/float64(max(images, 1)), 0.1)
}
