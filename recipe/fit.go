package recipe

import (
	"fmt"
	"math"
)

// Fit says which settings of a recipe follow from the batch and from the number
// of training images. [Recipe.Complete] settles them.
type Fit struct {
	// Steps is the length of the run, in place of Epochs, which it sets to at
	// least MinEpochs and at most MaxEpochs.
	Steps     int `json:"steps,omitempty" toml:"steps,omitzero"`
	MinEpochs int `json:"min_epochs,omitempty" toml:"min_epochs,omitzero"`
	MaxEpochs int `json:"max_epochs,omitempty" toml:"max_epochs,omitzero"`
	// EpochSteps makes the batch small enough for an epoch of so many steps.
	EpochSteps int `json:"epoch_steps,omitempty" toml:"epoch_steps,omitzero"`
	// Part is how many images are computed at once: it sets Accumulate.
	Part int `json:"part,omitempty" toml:"part,omitzero"`
	// LRImages is the batch that the schedule's rate is for. It grows with the
	// batch.
	LRImages int `json:"lr_images,omitempty" toml:"lr_images,omitzero"`
	// LRSet is the number of training images that the schedule's rate is for.
	// It falls with the root of a smaller one.
	LRSet int `json:"lr_set,omitempty" toml:"lr_set,omitzero"`
	// NormSteps sets NormMomentum so that the running statistics follow the
	// images within an epoch or so many steps, whichever is longer, a tenth at
	// most.
	NormSteps int `json:"norm_steps,omitempty" toml:"norm_steps,omitzero"`
}

func (f Fit) validate() error {
	for _, c := range []struct {
		name  string
		value int
	}{
		{"steps", f.Steps},
		{"min_epochs", f.MinEpochs},
		{"max_epochs", f.MaxEpochs},
		{"epoch_steps", f.EpochSteps},
		{"part", f.Part},
		{"lr_images", f.LRImages},
		{"lr_set", f.LRSet},
		{"norm_steps", f.NormSteps},
	} {
		if c.value < 0 || c.value > 1e9 {
			return fmt.Errorf("fit: %s of %d: want 0 to 1e9", c.name, c.value)
		}
	}
	return nil
}

// fit returns the recipe for a number of training images: what Fit speaks of is
// settled, but for epochs and accumulation that are set already.
func (r Recipe) fit(images int) Recipe {
	f := r.Fit
	r.Fit = Fit{}
	if f.EpochSteps > 0 {
		r.Batch = min(r.Batch, max(images/f.EpochSteps, 1))
	}
	if f.Steps > 0 && r.Epochs == 0 {
		r.Epochs = max(int(math.Round(float64(f.Steps)*float64(r.Batch)/float64(images))), f.MinEpochs, 1)
		if f.MaxEpochs > 0 {
			r.Epochs = min(r.Epochs, f.MaxEpochs)
		}
	}
	if f.Part > 0 && r.Accumulate == 0 {
		r.Accumulate = parts(r.Batch, f.Part)
	}
	if f.LRImages > 0 {
		r.Schedule.LR *= float64(r.Batch) / float64(f.LRImages)
	}
	if f.LRSet > 0 {
		r.Schedule.LR *= min(math.Sqrt(float64(images)/float64(f.LRSet)), 1)
	}
	if f.NormSteps > 0 {
		r.NormMomentum = min(float64(f.NormSteps)*float64(r.Batch)/float64(images), 0.1)
	}
	return r
}

// parts returns the least number of equal parts of a batch that are no larger
// than size.
func parts(batch, size int) int {
	for n := 1; n < batch; n++ {
		if batch%n == 0 && batch/n <= size {
			return n
		}
	}
	return max(batch, 1)
}
