package train

import (
	"fmt"
	"math"
)

// Schedule is the learning rate as a function of the step. Lengths are in
// epochs and may be fractions.
type Schedule struct {
	// Kind is "step" (falls by Factor every Every epochs), "cosine" (falls
	// along half a cosine to Final) or "constant".
	Kind string `json:"kind" toml:"kind"`
	// LR is the peak rate, for the recipe's batch.
	LR float64 `json:"lr" toml:"lr"`
	// Warmup is the time of linear growth from 0 to LR.
	Warmup float64 `json:"warmup" toml:"warmup"`
	// Factor and Every describe a step schedule; 0.97 and 2.4, the paper's.
	// Steps are counted from the start, so that a warm-up hides the first.
	Factor float64 `json:"factor,omitempty" toml:"factor,omitzero"`
	Every  float64 `json:"every,omitempty" toml:"every,omitzero"`
	// Final is the rate at the end of a cosine.
	Final float64 `json:"final,omitempty" toml:"final,omitzero"`
}

// The schedule kinds.
const (
	StepDecay = "step"
	Cosine    = "cosine"
	Constant  = "constant"
)

func (s Schedule) withDefaults() Schedule {
	if s.Kind == "" {
		s.Kind = Cosine
	}
	if s.Kind == StepDecay {
		if s.Factor == 0 {
			s.Factor = 0.97
		}
		if s.Every == 0 {
			s.Every = 2.4
		}
	}
	return s
}

func (s Schedule) validate() error {
	switch s.Kind {
	case StepDecay:
		if !(s.Factor > 0 && s.Factor <= 1 && s.Every > 0) {
			return fmt.Errorf("schedule: ×%g every %g epochs: want a factor in (0, 1] and a positive time", s.Factor, s.Every)
		}
	case Cosine, Constant:
	default:
		return fmt.Errorf("schedule %q: want %s, %s or %s", s.Kind, StepDecay, Cosine, Constant)
	}
	if !(s.LR > 0 && s.Final >= 0 && s.Warmup >= 0) || math.IsInf(s.LR, 0) {
		return fmt.Errorf("schedule: rate %g, final rate %g, warm-up %g: want a positive rate and nothing negative", s.LR, s.Final, s.Warmup)
	}
	return nil
}

// Rate returns the learning rate of a step, counted from 0, of a run of epochs
// epochs of perEpoch steps each.
func (s Schedule) Rate(step, perEpoch, epochs int) float64 {
	warm := s.Warmup * float64(perEpoch)
	t := float64(step)
	if t < warm {
		return s.LR * t / warm
	}
	switch s.Kind {
	case StepDecay:
		return s.LR * math.Pow(s.Factor, math.Floor(t/(s.Every*float64(perEpoch))))
	case Cosine:
		rest := max(float64(perEpoch*epochs)-warm, 1)
		return s.Final + (s.LR-s.Final)*(1+math.Cos(math.Pi*(t-warm)/rest))/2
	}
	return s.LR
}
