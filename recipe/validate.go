package recipe

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/detect"
)

// validate reports what keeps r, which has its defaults, from being followed.
func (r *Recipe) validate() error {
	err := errors.Join(
		r.validateLength(), r.validatePrecision(), r.validateFractions(), r.validateSampling(), r.validateEvaluation(),
		r.Optimizer.validate(), r.Schedule.validate(), r.Sizes.validate(), r.Fit.validate(), r.Grid.validate(),
		r.Augment.Validate(), r.Mix.Validate(), r.validateDetection(),
	)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRecipe, err)
	}
	return nil
}

// validateDetection checks what is said of the loss of objects.
func (r *Recipe) validateDetection() error {
	c := r.Detection
	if c.Kind == "" {
		c.Kind = detect.Multibox
	}
	return c.Validate()
}

// validateBatch checks what Fit reckons with.
func (r *Recipe) validateBatch() error {
	if r.Batch < 1 || r.Batch > 1<<20 {
		return fmt.Errorf("batch of %d", r.Batch)
	}
	return nil
}

func (r *Recipe) validateLength() error {
	switch {
	case (r.Epochs != 0 || r.Fit.Steps == 0) && (r.Epochs < 1 || r.Epochs > 1e6):
		return fmt.Errorf("%d epochs", r.Epochs)
	case r.validateBatch() != nil:
		return r.validateBatch()
	case r.Accumulate < 0 || r.Accumulate > 0 && r.Batch%r.Accumulate != 0:
		return fmt.Errorf("a batch of %d cannot be cut into %d parts", r.Batch, r.Accumulate)
	}
	return nil
}

func (r *Recipe) validatePrecision() error {
	switch r.Precision {
	case "", Float32, BFloat16:
		return nil
	}
	return fmt.Errorf("precision %q: want %s", r.Precision, choices(Float32, BFloat16))
}

func (r *Recipe) validateFractions() error {
	var err error
	if !(r.Smoothing >= 0 && r.Smoothing < 1) {
		err = fmt.Errorf("label smoothing %g: want 0 to less than 1", r.Smoothing)
	}
	if !(r.EMA >= 0 && r.EMA < 1) {
		err = errors.Join(err, fmt.Errorf("moving average %g: want 0 to less than 1", r.EMA))
	}
	if !(r.NormMomentum >= 0 && r.NormMomentum <= 1) {
		err = errors.Join(err, fmt.Errorf("batch norm momentum %g: want 0 to 1", r.NormMomentum))
	}
	return err
}

func (r *Recipe) validateSampling() error {
	if r.MaxBad < -1 {
		return fmt.Errorf("at most %d unreadable images: want -1 for none, or more", r.MaxBad)
	}
	if r.ShuffleShards < 0 || r.ShuffleShards > 0 && r.Sampling == Balanced {
		return fmt.Errorf("images of %d shards are mixed at a time: want 0 for all, or more, and 0 with sampling %q", r.ShuffleShards, Balanced)
	}
	switch r.Sampling {
	case "", Shuffled:
	case Balanced:
		if r.Balance {
			return fmt.Errorf("sampling %q and balance both make up for unequal classes: choose one", r.Sampling)
		}
	default:
		return fmt.Errorf("sampling %q: want %s", r.Sampling, choices(Shuffled, Balanced))
	}
	return nil
}

func (r *Recipe) validateEvaluation() error {
	var err error
	if r.Patience < 0 {
		err = fmt.Errorf("patience of %d epochs", r.Patience)
	}
	if r.EvalEvery < 0 || r.Patience > 0 && r.EvalEvery > r.Patience {
		err = errors.Join(err, fmt.Errorf("evaluation every %d epochs with a patience of %d", r.EvalEvery, r.Patience))
	}
	return err
}

// choices lists words as "a, b or c".
func choices[S ~string](words ...S) string {
	text := make([]string, len(words))
	for i, w := range words {
		text[i] = string(w)
	}
	if n := len(text) - 1; n > 0 {
		return strings.Join(text[:n], ", ") + " or " + text[n]
	}
	return strings.Join(text, "")
}

// unused reports settings of a kind that have a value and no effect.
func unused(what string, kind string, settings map[string]float64) error {
	var names []string
	for name, v := range settings {
		if v != 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return fmt.Errorf("%s %s has no %s: leave it out", what, kind, strings.Join(names, " and no "))
}
