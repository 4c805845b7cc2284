package recipe

import (
	"fmt"
	"math"
)

// ScheduleKind is a form of the learning rate over the steps.
type ScheduleKind string

const (
	// StepDecay falls by Factor every Every epochs.
	StepDecay ScheduleKind = "step"
	// Cosine falls along half a cosine to Final.
	Cosine ScheduleKind = "cosine"
	// Constant stays.
	Constant ScheduleKind = "constant"
)

// Schedule is the learning rate as a function of the step. Lengths are in
// epochs and may be fractions.
type Schedule struct {
	// Kind is the form; [Cosine] if unset.
	Kind ScheduleKind `json:"kind" toml:"kind"`
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

// schedules are the forms with their usual values.
var schedules = []struct {
	Schedule
	// ends says that the form has a Final.
	ends bool
	// rate is that of step t of all, after warm steps, of which perEpoch make
	// an epoch.
	rate func(s Schedule, t, warm, perEpoch, all float64) float64
}{
	{Schedule{Kind: StepDecay, Factor: 0.97, Every: 2.4}, false, func(s Schedule, t, _, perEpoch, _ float64) float64 {
		return s.LR * math.Pow(s.Factor, math.Floor(t/(s.Every*perEpoch)))
	}},
	{Schedule{Kind: Cosine}, true, func(s Schedule, t, warm, _, all float64) float64 {
		rest := max(all-warm, 1)
		return s.Final + (s.LR-s.Final)*(1+math.Cos(math.Pi*(t-warm)/rest))/2
	}},
	{Schedule{Kind: Constant}, false, func(s Schedule, _, _, _, _ float64) float64 { return s.LR }},
}

// ScheduleKinds returns the forms there are.
func ScheduleKinds() []ScheduleKind {
	var kinds []ScheduleKind
	for _, s := range schedules {
		kinds = append(kinds, s.Kind)
	}
	return kinds
}

func (s Schedule) withDefaults() Schedule {
	if s.Kind == "" {
		s.Kind = Cosine
	}
	for _, form := range schedules {
		if form.Kind != s.Kind {
			continue
		}
		if s.Factor == 0 {
			s.Factor = form.Factor
		}
		if s.Every == 0 {
			s.Every = form.Every
		}
	}
	return s
}

func (s Schedule) validate() error {
	known := false
	for _, form := range schedules {
		if form.Kind != s.Kind {
			continue
		}
		known = true
		surplus := map[string]float64{}
		if form.Every == 0 {
			surplus["factor"], surplus["every"] = s.Factor, s.Every
		} else if !(s.Factor > 0 && s.Factor <= 1 && s.Every > 0) {
			return fmt.Errorf("schedule: ×%g every %g epochs: want a factor in (0, 1] and a positive time", s.Factor, s.Every)
		}
		if !form.ends {
			surplus["final"] = s.Final
		}
		if err := unused("schedule", string(s.Kind), surplus); err != nil {
			return err
		}
	}
	if !known {
		return fmt.Errorf("schedule %q: want %s", s.Kind, choices(ScheduleKinds()...))
	}
	if !(s.LR > 0 && s.Final >= 0 && s.Warmup >= 0) || math.IsInf(s.LR+s.Final+s.Warmup, 0) {
		return fmt.Errorf("schedule: rate %g, final rate %g, warm-up %g: want a positive rate and nothing negative or infinite", s.LR, s.Final, s.Warmup)
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
	for _, form := range schedules {
		if form.Kind == s.Kind {
			return form.rate(s, t, warm, float64(perEpoch), float64(perEpoch*epochs))
		}
	}
	return s.LR
}
