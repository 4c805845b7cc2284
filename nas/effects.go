package nas

import (
	"math/rand/v2"
	"slices"
)

// Effect is by how much an option of a decision moves the score, beside the
// mean of the decision's other options.
type Effect struct {
	Decision, Option string
	Trials           int // that chose it
	Mean             float64
	Low, High        float64 // hold the effect in 95 of 100 samples of the trials
}

// Effects estimates what every option adds: the coefficients of FitAdditive,
// less their mean over the options that were tried, with intervals from samples
// of the trials with replacement. Options that no trial chose are left out.
func Effects(s Space, h *History, ridge float64, samples int, seed uint64) []Effect {
	all := h.scored()
	if len(all) == 0 {
		return nil
	}
	decisions := s.Decisions()
	counts := make([][]int, len(decisions))
	for i, d := range decisions {
		counts[i] = make([]int, len(d.Options))
		for _, t := range all {
			counts[i][t.Arch[i]]++
		}
	}
	center := func(m *Additive) [][]float64 {
		for i, effects := range m.Effects {
			sum, n := 0.0, 0
			for o, v := range effects {
				if counts[i][o] > 0 {
					sum, n = sum+v, n+1
				}
			}
			for o := range effects {
				effects[o] -= sum / float64(max(n, 1))
			}
		}
		return m.Effects
	}
	mean := center(fitAdditive(s, all, ridge))
	rng := rand.New(rand.NewPCG(seed, 0))
	drawn := make([][][]float64, samples)
	for k := range drawn {
		sample := make([]Trial, len(all))
		for i := range sample {
			sample[i] = all[rng.IntN(len(all))]
		}
		drawn[k] = center(fitAdditive(s, sample, ridge))
	}
	var out []Effect
	values := make([]float64, samples)
	for i, d := range decisions {
		for o, option := range d.Options {
			if counts[i][o] == 0 {
				continue
			}
			e := Effect{Decision: d.Name, Option: option, Trials: counts[i][o], Mean: mean[i][o]}
			for k := range drawn {
				values[k] = drawn[k][i][o]
			}
			slices.Sort(values)
			if samples > 0 {
				e.Low, e.High = values[samples*25/1000], values[(samples-1)*975/1000]
			}
			out = append(out, e)
		}
	}
	return out
}
