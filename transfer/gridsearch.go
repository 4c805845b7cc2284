package transfer

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
)

// GridTrial is the outcome of a candidate of a grid.
type GridTrial struct {
	LR          float64 `json:"lr"`
	WeightDecay float64 `json:"weight_decay"`
	// Top1 and Loss are those after the last epoch on the validation images.
	Top1 float64 `json:"top1"`
	Loss float64 `json:"loss"`
	// Diverged says that the loss was no longer a number.
	Diverged bool `json:"diverged,omitempty"`
}

// better reports whether a is to be preferred to b.
func (a GridTrial) better(b GridTrial) bool {
	switch {
	case a.Diverged || b.Diverged:
		return !a.Diverged
	case a.Top1 != b.Top1:
		return a.Top1 > b.Top1
	}
	return a.Loss < b.Loss
}

// ErrNoTrial says that no candidate of a grid could be trained.
var ErrNoTrial = errors.New("training diverged with all rates of the grid")

// GridSearch chooses a recipe's rates on held-out images.
type GridSearch struct {
	// Config is the run to choose them for. Its Val decides; its Model is not
	// used. A folder holds one for every candidate, so that an interrupted
	// search goes on where it stopped.
	Config train.Config
	// Grid is what is chosen from.
	Grid recipe.Grid
	// Start returns the model that a run begins with.
	Start func() (*model.Model, error)
	// Follow, if not nil, is called before each run with a name for it and its
	// configuration, which it may make tell of the run's progress. The function
	// that it returns is called after the run.
	Follow func(name string, cfg *train.Config) (end func())
}

// Run trains with every candidate and returns the recipe with the highest
// top-1 at the end of its run, and all outcomes.
func (s *GridSearch) Run(ctx context.Context) (recipe.Recipe, []GridTrial, error) {
	var trials []GridTrial
	candidates := s.Grid.Candidates(s.Config.Recipe)
	best := 0
	for i, r := range candidates {
		trial, err := s.try(ctx, r)
		if err != nil {
			return recipe.Recipe{}, trials, err
		}
		trials = append(trials, trial)
		if trial.better(trials[best]) {
			best = i
		}
	}
	if len(trials) == 0 || trials[best].Diverged {
		return recipe.Recipe{}, trials, ErrNoTrial
	}
	return candidates[best], trials, nil
}

// try runs one candidate.
func (s *GridSearch) try(ctx context.Context, r recipe.Recipe) (GridTrial, error) {
	trial := GridTrial{LR: r.Schedule.LR, WeightDecay: r.Optimizer.WeightDecay}
	name := fmt.Sprintf("lr%.3g-wd%.3g", trial.LR, trial.WeightDecay)
	cfg := s.Config
	cfg.Recipe = r
	if cfg.Dir != "" {
		cfg.Dir = filepath.Join(cfg.Dir, name)
	}
	var err error
	if cfg.Model, err = s.Start(); err != nil {
		return trial, err
	}
	if s.Follow != nil {
		defer s.Follow(name, &cfg)()
	}
	t, err := train.Run(ctx, cfg)
	if errors.Is(err, train.ErrDiverged) {
		trial.Diverged = true
		return trial, nil
	}
	if err != nil {
		return trial, err
	}
	epochs := t.Epochs()
	last := epochs[len(epochs)-1]
	trial.Top1, trial.Loss = last.Get("top1"), last.Get("val_loss")
	return trial, nil
}
