package train

import (
	"errors"
	"fmt"
	"time"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train/classify"
	"github.com/mixnet-go/mixnet/train/task"
)

// Config is a run: what is trained on what, how, and where it is recorded.
type Config struct {
	// Model is the network with the parameters to start from. They are
	// trained in place, and at the end of a run are its result.
	Model *model.Model
	// Recipe is how.
	Recipe recipe.Recipe
	// Task is what for; nil means classification. The recipe's Smoothing,
	// Balance and Mix are about classes: other tasks refuse them.
	Task task.Task
	// Train is the training data.
	Train data.Dataset
	// Val is what results are measured on after every epoch; nil for nothing.
	Val data.Dataset
	// Source describes where the data comes from. It is recorded.
	Source string
	// Args is recorded too, for a command that resumes the run.
	Args map[string]string
	// Dir is the run folder; "" records nothing.
	Dir string
	// Threads is the number of threads that compute; 0 means GOMAXPROCS. The
	// results of different numbers differ by rounding.
	Threads int
	// MaxSteps ends Run after so many steps; 0 means no such end. The run can be
	// continued.
	MaxSteps int
	// SaveEvery is the longest time between two saves; 0 means 5 minutes.
	SaveEvery time.Duration
	// Ranks are the processes that train together; nil for this one alone. Each
	// has the same Config, and computes some of the parts of a batch,
	// Recipe.Accumulate in all; the result is that of one process, to the bit.
	// Rank 0 evaluates and keeps the folder, which the others only read.
	Ranks Ranks
	// KeepBest makes the model end with the parameters of the epoch with the
	// best result on Val instead of the last ones. Val must then not be what
	// the result is judged on.
	KeepBest bool

	// OnStep is called after every step, OnEpoch after every epoch and its
	// evaluation, and OnWarning when something went wrong that the run
	// survives. They run on the training goroutine; nil for none.
	OnStep    func(Progress)
	OnEpoch   func(Epoch)
	OnWarning func(error)
}

// complete checks what does not depend on the data and fills in the rest.
func (c *Config) complete() (err error) {
	if c.Model == nil || c.Train == nil {
		return errors.New("train: no model or no data")
	}
	if c.Recipe, err = c.Recipe.Complete(c.Train.Len()); err != nil {
		return err
	}
	if c.SaveEvery <= 0 {
		c.SaveEvery = 5 * time.Minute
	}
	r := &c.Recipe
	if c.Task == nil {
		c.Task = classify.New(r, c.Train)
	} else if _, ok := c.Task.(*classify.Task); !ok && (r.Smoothing > 0 || r.Balance || r.Mix.Enabled()) {
		return fmt.Errorf("%w: label smoothing, balance, mixup and CutMix are for classification", recipe.ErrRecipe)
	}
	if _, ok := c.Task.(*classify.Task); ok && r.Detection != (detect.LossConfig{}) {
		return fmt.Errorf("%w: the loss under detection is for networks that find objects", recipe.ErrRecipe)
	}
	for _, d := range []data.Dataset{c.Train, c.Val} {
		if d == nil {
			continue
		}
		if err := c.Task.Check(c.Model.Graph, d); err != nil {
			return fmt.Errorf("train: %w", err)
		}
	}
	return nil
}

// loader returns the training batches, or parts of them.
func (c *Config) loader() (*data.Loader, error) {
	r := &c.Recipe
	var l *data.Loader
	load := data.Config{
		Preprocess: c.Model.Preprocess(), Augment: &r.Augment, Mix: r.Mix, Batch: r.Batch / r.Accumulate,
		Shuffle: true, Balanced: r.Sampling == recipe.Balanced, Window: r.ShuffleShards, Remainder: data.DropRemainder, Seed: r.Seed,
		Workers: c.Threads, Sizes: r.Sizes.Shapes(), MaxBad: r.MaxBad,
	}
	if r.Sizes.Order == recipe.Progressive {
		load.SizeOf = func(pass int) int { return r.Sizes.At(pass, r.Epochs*l.Steps()) }
	}
	var err error
	if l, err = data.NewLoader(c.Train, load); err != nil {
		return nil, fmt.Errorf("training data: %w", err)
	}
	if l.Steps() < r.Accumulate {
		return nil, fmt.Errorf("training data: %d images do not fill a batch of %d: make it smaller", c.Train.Len(), r.Batch)
	}
	return l, nil
}
