package command

import (
	"fmt"
	"math"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
)

// The range of rates that are tried, around the recipe's, and in how many steps.
const (
	findBelow = 1e-3
	findAbove = 1e2
	findSteps = 100
)

// rateFinding is the outcome of --lr-find.
type rateFinding struct {
	Rates  []float64 `json:"rates"`
	Losses []float64 `json:"losses"` // smoothed
	// Suggested is a tenth of the rate at which the loss is least, or the rate at
	// which it falls most steeply if that is lower.
	Suggested float64 `json:"suggested_lr"`
	Least     float64 `json:"least_loss_lr"`
	Recipe    float64 `json:"recipe_lr"`
}

// findRate trains for some steps at ever higher rates until the loss is lost,
// as in Smith, Cyclical Learning Rates for Training Neural Networks, 2017,
// section 3.3. Nothing is kept.
func (c *trainCmd) findRate(e *env) error {
	r, err := c.plan(e)
	if err != nil {
		return err
	}
	found, err := r.findRate(e)
	if err != nil {
		return err
	}
	if c.JSON {
		return e.jsonLine(found)
	}
	rows := [][]string{{"RATE", "LOSS"}}
	const shown = 5 // every so many steps
	for i := shown - 1; i < len(found.Rates); i += shown {
		rows = append(rows, []string{fmt.Sprintf("%.2g", found.Rates[i]), fmt.Sprintf("%.4f", found.Losses[i])})
	}
	if err := e.table(rows); err != nil {
		return err
	}
	e.printf("\n%s\nthe loss is least at %.2g; the recipe has %.2g\nsuggested: --lr %.2g\n", sparkline(found.Losses, len(found.Losses)), found.Least, found.Recipe, found.Suggested)
	return nil
}

func (r *run) findRate(e *env) (*rateFinding, error) {
	how := r.recipe
	how.EMA, how.Accumulate, how.Sizes = 0, 1, recipe.Sizes{}
	how.Batch = r.recipe.Batch / max(r.recipe.Accumulate, 1)
	loader, err := data.NewLoader(r.set.Fit, data.Config{
		Preprocess: r.model.Preprocess(), Augment: &how.Augment, Mix: how.Mix, Batch: how.Batch, Shuffle: true, Balanced: how.Sampling == recipe.Balanced,
		Remainder: data.DropRemainder, Seed: how.Seed, Workers: e.cores(), MaxBad: how.MaxBad,
	})
	if err != nil {
		return nil, err
	}
	task, err := r.task()
	if err != nil {
		return nil, err
	}
	step, err := train.NewStepper(train.StepConfig{Graph: r.model.Graph, Values: r.model.Values, Recipe: how, Task: task, Shape: loader.Shape(), Threads: e.cores()})
	if err != nil {
		return nil, err
	}
	found := &rateFinding{Recipe: how.Schedule.LR}
	bar := e.newProgress("trying rates", "steps", findSteps)
	defer bar.done()
	var s smoothed
	for b, err := range loader.Batches(e.ctx, 0, findSteps) {
		if err != nil {
			return nil, err
		}
		i := len(found.Rates)
		rate := how.Schedule.LR * findBelow * math.Pow(findAbove/findBelow, float64(i)/(findSteps-1))
		loss, err := step.Step(b, rate)
		if err != nil {
			return nil, err
		}
		if s.add(loss); s.lost() {
			break
		}
		found.Rates, found.Losses = append(found.Rates, rate), append(found.Losses, s.value())
		bar.update(int64(i+1), fmt.Sprintf("rate %.2g  loss %.4f", rate, s.value()))
	}
	return found, found.suggest()
}

// smoothed is a moving average of losses, and the least that it was.
type smoothed struct {
	sum, weight, least float64
}

func (s *smoothed) add(loss float64) {
	const keep = 0.9
	s.sum, s.weight = keep*s.sum+(1-keep)*loss, keep*s.weight+1-keep
	if s.least == 0 || s.value() < s.least {
		s.least = s.value()
	}
}

func (s *smoothed) value() float64 { return s.sum / s.weight }

// lost reports a loss that will not come back.
func (s *smoothed) lost() bool {
	const much = 3
	return !(s.value() <= much*s.least)
}

// suggest computes the rate to train with.
func (f *rateFinding) suggest() error {
	const first = 5 // steps until the average means something
	if len(f.Losses) < 2*first {
		return fmt.Errorf("the loss is lost after %s: the recipe's rate of %.2g is far too high", plural(len(f.Losses), "step"), f.Recipe)
	}
	least, steepest, slope := first, first, 0.0
	for i := first; i < len(f.Losses); i++ {
		if f.Losses[i] < f.Losses[least] {
			least = i
		}
	}
	for i := first; i+first <= least; i++ {
		if d := f.Losses[i+first] - f.Losses[i]; d < slope {
			steepest, slope = i+first/2, d
		}
	}
	f.Least = f.Rates[least]
	f.Suggested = f.Least / 10
	if slope < 0 {
		f.Suggested = min(f.Suggested, f.Rates[steepest])
	}
	return nil
}
