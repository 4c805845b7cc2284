package train

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// RateRange is what FindRate tries. Zero fields mean usual values.
type RateRange struct {
	From, To float64 // learning rates; 1e-6 and 1
	Steps    int     // from one to the other; 100
}

// RatePoint is a step of FindRate.
type RatePoint struct {
	LR   float64 `json:"lr"`
	Loss float64 `json:"loss"`   // of the step's batch
	Mean float64 `json:"smooth"` // of the last steps
}

// RateCurve is the loss over growing learning rates.
type RateCurve struct {
	Points []RatePoint `json:"points"`
	// Suggested is where the mean loss falls fastest: a peak rate to begin with.
	Suggested float64 `json:"suggested"`
	// Lowest is where the mean loss is least. Rates from there on are too large.
	Lowest float64 `json:"lowest"`
}

// ErrNoRate says that the loss fell with no learning rate.
var ErrNoRate = errors.New("the loss falls with none of the learning rates")

// How FindRate smooths the loss, and how far above its least it may rise.
const (
	rateMemory = 0.9
	rateRise   = 4
)

// FindRate trains a copy of cfg's model for some steps, at a rate that grows
// exponentially from step to step, until the loss explodes (Smith, Cyclical
// Learning Rates for Training Neural Networks, 2017, section 3.3). The batches
// are the first of cfg's run; its schedule, Val and Dir are not used.
func FindRate(ctx context.Context, cfg Config, r RateRange) (*RateCurve, error) {
	if r == (RateRange{}) {
		r = RateRange{1e-6, 1, 100}
	}
	if !(r.From > 0 && r.To > r.From) || math.IsInf(r.To, 0) || r.Steps < 10 || r.Steps > 1e6 {
		return nil, fmt.Errorf("learning rates from %g to %g in %d steps: want 0 < from < to, and at least 10 steps", r.From, r.To, r.Steps)
	}
	cfg.Val = nil
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	loader, err := cfg.loader()
	if err != nil {
		return nil, err
	}
	s, err := newStepper(StepConfig{
		Graph: cfg.Model.Graph, Values: cfg.Model.Values.Clone(), Recipe: cfg.Recipe, Task: cfg.Task, Shape: loader.Shape(), Threads: cfg.Threads,
	})
	if err != nil {
		return nil, err
	}
	c := &RateCurve{}
	parts := cfg.Recipe.Accumulate
	part := 0
	for b, err := range loader.Batches(ctx, 0, r.Steps*parts) {
		if err != nil {
			return nil, fmt.Errorf("training data: %w", err)
		}
		if err := s.Accumulate(nil, b); errors.Is(err, ErrDiverged) {
			break
		} else if err != nil {
			return nil, err
		}
		if part++; part < parts {
			continue
		}
		part = 0
		rate := r.From * math.Pow(r.To/r.From, float64(s.Steps())/float64(r.Steps-1))
		if err := s.Update(rate); err != nil {
			return nil, err
		}
		if !c.add(rate, s.Means()[0].Value) {
			break
		}
		s.Reset()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c, c.choose()
}

// add appends a step, and reports whether it makes sense to go on.
func (c *RateCurve) add(rate, loss float64) bool {
	mean := loss
	if n := len(c.Points); n > 0 {
		// The weights of a moving average add up to 1-memory^n.
		before, weight := c.Points[n-1].Mean, 1-math.Pow(rateMemory, float64(n))
		mean = (rateMemory*before*weight + (1-rateMemory)*loss) / (1 - math.Pow(rateMemory, float64(n+1)))
	}
	c.Points = append(c.Points, RatePoint{rate, loss, mean})
	least := mean
	for _, p := range c.Points {
		least = min(least, p.Mean)
	}
	return loss <= rateRise*least
}

// choose finds the rates of interest.
func (c *RateCurve) choose() error {
	lowest := 0
	for i, p := range c.Points {
		if p.Mean < c.Points[lowest].Mean {
			lowest = i
		}
	}
	steepest, slope := 0, 0.0
	for i := 1; i < lowest; i++ {
		if d := (c.Points[i+1].Mean - c.Points[i-1].Mean) / math.Log(c.Points[i+1].LR/c.Points[i-1].LR); d < slope {
			steepest, slope = i, d
		}
	}
	if steepest == 0 {
		return ErrNoRate
	}
	c.Suggested, c.Lowest = c.Points[steepest].LR, c.Points[lowest].LR
	return nil
}
