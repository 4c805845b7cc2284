package recipe

import (
	"fmt"
	"math"
)

// Grid is a choice of learning rates and weight decays. The zero value is
// none.
type Grid struct {
	// Rates are learning rates.
	Rates []float64 `json:"rates,omitempty" toml:"rates,omitempty"`
	// Decays are weight decays as parts of the rate.
	Decays []float64 `json:"decays,omitempty" toml:"decays,omitempty"`
}

// PaperGrid is that of Kornblith et al. (Do Better ImageNet Models Transfer
// Better?, 2019, appendix A.5), which the MixNet paper follows.
func PaperGrid() Grid {
	return Grid{Rates: logSpaced(1e-4, 0.1, 7), Decays: append([]float64{0}, logSpaced(1e-6, 1e-3, 7)...)}
}

// SmallGrid is a part of PaperGrid that a laptop can go through.
func SmallGrid() Grid { return Grid{Rates: logSpaced(1e-3, 0.1, 3), Decays: []float64{1e-4}} }

func logSpaced(from, to float64, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = from * math.Pow(to/from, float64(i)/float64(n-1))
	}
	return v
}

// IsZero reports whether there is nothing to choose from.
func (g Grid) IsZero() bool { return len(g.Rates) == 0 && len(g.Decays) == 0 }

// Candidates returns r with every combination of g's rates, in order, and
// without a grid of its own.
func (g Grid) Candidates(r Recipe) []Recipe {
	var all []Recipe
	r.Grid = Grid{}
	for _, rate := range g.Rates {
		for _, decay := range g.Decays {
			r.Schedule.LR, r.Optimizer.WeightDecay = rate, rate*decay
			all = append(all, r)
		}
	}
	return all
}

func (g Grid) validate() error {
	if g.IsZero() {
		return nil
	}
	if len(g.Rates) == 0 || len(g.Decays) == 0 || len(g.Rates)*len(g.Decays) > 10_000 {
		return fmt.Errorf("grid of %d rates and %d decays: want some of each, and at most 10,000 combinations", len(g.Rates), len(g.Decays))
	}
	for _, rate := range g.Rates {
		if !(rate > 0) || math.IsInf(rate, 0) {
			return fmt.Errorf("grid: rate %g: want a positive one", rate)
		}
	}
	for _, decay := range g.Decays {
		if !(decay >= 0) || math.IsInf(decay, 0) {
			return fmt.Errorf("grid: weight decay %g times the rate: want 0 or more", decay)
		}
	}
	return nil
}
