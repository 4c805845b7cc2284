package main

import (
	"reflect"
	"strings"

	"github.com/mixnet-go/mixnet/recipe"
)

// recipeFlags say how to train: a recipe and what to change in it.
type recipeFlags struct {
	Recipe      string            `default:"${recipe}" placeholder:"NAME|FILE" group:"recipe" help:"small (for images of about 30 pixels), mixnet (the paper's, for ImageNet), finetune (for few images of other classes), transfer (the paper's, for other data sets), or a TOML file. Default: ${recipe}."`
	PrintConfig bool              `group:"recipe" help:"Print the recipe as TOML, with the changes below, and stop."`
	Epochs      *int              `placeholder:"N" group:"recipe" help:"Passes over the training images."`
	BatchSize   *int              `short:"b" placeholder:"N" group:"recipe" help:"Images in a step. The rate of the recipe mixnet grows with it."`
	LR          *float64          `name:"lr" placeholder:"F" group:"recipe" help:"Peak learning rate."`
	Opt         *string           `placeholder:"KIND" group:"recipe" help:"Optimizer: rmsprop, sgd, adamw or muon."`
	Momentum    *float64          `placeholder:"F" group:"recipe" help:"Momentum; for adamw its first beta."`
	WeightDecay *float64          `placeholder:"F" group:"recipe" help:"Weight decay."`
	ClipGrad    *float64          `placeholder:"F" group:"recipe" help:"Bound on the norm of the gradient; 0 means none."`
	Sched       *string           `placeholder:"KIND" group:"recipe" help:"Schedule: step, cosine or constant."`
	Warmup      *float64          `name:"warmup-epochs" placeholder:"F" group:"recipe" help:"Epochs of linear warm-up."`
	Smoothing   *float64          `placeholder:"F" group:"recipe" help:"Label smoothing."`
	EMA         *float64          `name:"ema" placeholder:"F" group:"recipe" help:"Decay of the moving average of the weights; 0 means none."`
	Flip        *float64          `placeholder:"P" group:"recipe" help:"Probability of a mirror image."`
	AltFlip     *bool             `name:"alternate-flip" negatable:"" group:"recipe" help:"Mirror every image in every other epoch, instead of at random."`
	Mixup       *float64          `placeholder:"A" group:"recipe" help:"Blend pairs of images by a share from Beta(A, A); 0 means none."`
	CutMix      *float64          `name:"cutmix" placeholder:"A" group:"recipe" help:"Paste a part of one image into another, its share from Beta(A, A); 0 means none."`
	RandAugment *int              `name:"randaugment" placeholder:"N" group:"recipe" help:"Random changes of colour and shape made to an image; 0 means none."`
	Erase       *float64          `placeholder:"P" group:"recipe" help:"Probability of erasing a random rectangle."`
	Sizes       *[]int            `placeholder:"PX,..." group:"recipe" help:"Train on images of these sizes, for speed: one after the other, such as 16,24,32, or at random. The result is measured at the network's own size."`
	SizeOrder   *recipe.SizeOrder `placeholder:"ORDER" group:"recipe" help:"Order of the sizes: progressive (the default) or random."`
	SizeRamp    *float64          `placeholder:"F" group:"recipe" help:"Part of the run after which progressive sizes have come to the last; equal shares by default."`
	DropPath    *float64          `placeholder:"P" group:"recipe" help:"Probability of skipping the last block (stochastic depth), linearly less for earlier ones; the network's own by default."`
	Balance     *bool             `negatable:"" group:"recipe" help:"Weigh classes by the inverse of how many images they have."`
	EvalEvery   *int              `placeholder:"N" group:"recipe" help:"Measure on the validation images after every Nth epoch, and the last. Default: 1."`
	Patience    *int              `placeholder:"N" group:"recipe" help:"Stop after N epochs without a better top-1 on the validation images; 0 means never."`
	Freeze      *[]string         `placeholder:"LAYER,..." group:"recipe" help:"Leave these layers as they are, such as conv_stem,blocks.0."`
	FreezeUntil *string           `placeholder:"LAYER" group:"recipe" help:"Leave all layers before this one as they are, such as blocks.3."`
	MaxBad      *int              `placeholder:"N" group:"recipe" help:"Unreadable images of a set to skip before giving up. Default: one in a hundred, at least one."`
	Accumulate  *int              `placeholder:"N" group:"recipe" help:"Compute each step in N parts, to save memory."`
	Seed        *uint64           `placeholder:"N" group:"recipe" help:"Seed of initial weights, order and augmentation."`
}

// recipe returns the recipe with the changes applied. The images are those to
// train on, 0 if that is not known.
func (f *recipeFlags) recipe(images int) (recipe.Recipe, error) {
	r, err := f.base()
	if err == nil {
		err = f.check()
	}
	if err != nil {
		return r, err
	}
	change(&r.Epochs, f.Epochs)
	if f.BatchSize != nil {
		r.Batch, r.Fit.EpochSteps = *f.BatchSize, 0
	}
	if f.LR != nil {
		r.Schedule.LR, r.Fit.LRImages, r.Fit.LRSet, r.Grid = *f.LR, 0, 0, recipe.Grid{}
	}
	for key, kind := range map[string]*string{"optimizer.kind": f.Opt, "schedule.kind": f.Sched} {
		if kind == nil {
			continue
		}
		if err := r.Set(key + "=" + *kind); err != nil {
			return r, usageError{err}
		}
	}
	change(&r.Optimizer.Momentum, f.Momentum)
	change(&r.Optimizer.WeightDecay, f.WeightDecay)
	change(&r.Optimizer.Clip, f.ClipGrad)
	change(&r.Schedule.Warmup, f.Warmup)
	change(&r.Smoothing, f.Smoothing)
	change(&r.EMA, f.EMA)
	change(&r.Augment.Flip, f.Flip)
	change(&r.Augment.AlternateFlip, f.AltFlip)
	change(&r.Mix.Mixup, f.Mixup)
	change(&r.Mix.CutMix, f.CutMix)
	change(&r.Augment.RandAugment.N, f.RandAugment)
	change(&r.Augment.Erase.Probability, f.Erase)
	f.changeSizes(&r.Sizes)
	change(&r.Balance, f.Balance)
	change(&r.EvalEvery, f.EvalEvery)
	change(&r.Patience, f.Patience)
	change(&r.Accumulate, f.Accumulate)
	change(&r.Freeze, f.Freeze)
	changeMaxBad(&r.MaxBad, f.MaxBad)
	change(&r.FreezeUntil, f.FreezeUntil)
	change(&r.Seed, f.Seed)
	if r, err = r.Complete(images); err != nil {
		return r, usageError{err}
	}
	return r, nil
}

// check reports zeros that a recipe would take for "as usual".
func (f *recipeFlags) check() error {
	for name, v := range map[string]*float64{"momentum": f.Momentum, "size-ramp": f.SizeRamp} {
		if v != nil && *v == 0 {
			return usagef("--%s 0: want more than 0", name)
		}
	}
	return nil
}

func (f *recipeFlags) changeSizes(s *recipe.Sizes) {
	if f.Sizes != nil {
		*s = recipe.Sizes{Pixels: *f.Sizes}
	}
	change(&s.Order, f.SizeOrder)
	change(&s.Ramp, f.SizeRamp)
}

func change[T any](dst, to *T) {
	if to != nil {
		*dst = *to
	}
}

// changeMaxBad sets how many unreadable images are skipped. On the command line
// 0 means none, in a recipe and for a loader -1.
func changeMaxBad(dst, to *int) {
	change(dst, to)
	if to != nil && *to == 0 {
		*dst = -1
	}
}

// base returns the recipe before changes.
func (f *recipeFlags) base() (recipe.Recipe, error) {
	if strings.HasSuffix(f.Recipe, ".toml") {
		return recipe.ReadFile(f.Recipe)
	}
	r, err := recipe.Preset(f.Recipe)
	if err != nil {
		return r, usageError{err}
	}
	return r, nil
}

// printConfig writes the recipe as a file that --recipe reads: the preset's own
// where nothing is changed.
func (f *recipeFlags) printConfig(e *env, r recipe.Recipe) error {
	if text, err := recipe.PresetText(f.Recipe); err == nil {
		preset, err := recipe.Parse(text)
		if err != nil {
			return err
		}
		if preset, err = preset.Complete(0); err != nil {
			return err
		}
		if reflect.DeepEqual(preset, r) {
			e.printf("%s", text)
			return nil
		}
	}
	text, err := r.TOML()
	if err != nil {
		return err
	}
	e.printf("%s", text)
	return nil
}
