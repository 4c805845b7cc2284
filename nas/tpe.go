package nas

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// TPE is the tree-structured Parzen estimator (Bergstra et al., Algorithms for
// Hyper-Parameter Optimization, 2011) for choices: it draws every decision from
// how often the best tenth of the trials chose each option, and of some draws
// takes the one that the other trials chose least.
type TPE struct {
	Start      int // trials drawn at random; 0 means 10
	Candidates int // draws for each decision; 0 means 24
}

// Propose draws at random first, then from the estimate.
func (e TPE) Propose(p *Problem, h *History) (Proposal, error) {
	rng := p.rng(h)
	all := h.scored()
	if len(h.Trials) < cmp.Or(e.Start, 10) || len(all) < 2 {
		return p.random(h, rng)
	}
	slices.SortStableFunc(all, func(a, b Trial) int { return cmp.Compare(b.Score, a.Score) })
	n := min(int(math.Ceil(0.1*float64(len(all)))), 25)
	good, bad := all[:n], all[n:]
	decisions := p.Space.Decisions()
	likely, unlikely := make([][]float64, len(decisions)), make([][]float64, len(decisions))
	for i, d := range decisions {
		likely[i], unlikely[i] = parzen(good, i, len(d.Options)), parzen(bad, i, len(d.Options))
	}
	draws := cmp.Or(e.Candidates, 24)
	for range 200 {
		a := make(Arch, len(decisions))
		for i := range decisions {
			best := math.Inf(-1)
			for range draws {
				o := pick(likely[i], rng)
				if r := likely[i][o] / unlikely[i][o]; r > best {
					best, a[i] = r, uint8(o)
				}
			}
		}
		if a = p.Space.Canonical(a); p.Allows(a) && !h.seen(a) {
			return Proposal{Arch: a, Fidelity: p.Fidelity, Parent: -1}, nil
		}
		draws = max(draws-1, 1) // what is thought best was tried: look further away
	}
	return p.random(h, rng)
}

// parzen returns the probability of each option of a decision: the mean of one
// distribution for each trial, mostly on its option, and of an even one. Trials
// older than the last 25 weigh less.
func parzen(trials []Trial, decision, options int) []float64 {
	byAge := slices.Clone(trials)
	slices.SortFunc(byAge, func(a, b Trial) int { return cmp.Compare(a.Number, b.Number) })
	n := len(byAge) + 1
	weights := make([]float64, n)
	sum := 0.0
	for i := range weights {
		weights[i] = 1
		if ramp := n - 25; ramp > 0 && i < ramp {
			lo := 1 / float64(n)
			weights[i] = lo
			if ramp > 1 {
				weights[i] += (1 - lo) * float64(i) / float64(ramp-1)
			}
		}
		sum += weights[i]
	}
	prob := make([]float64, options)
	prior := 1 / float64(n) // each option's share in a trial's distribution, before its own
	whole := 1 + prior*float64(options)
	for i, t := range byAge {
		w := weights[i] / sum
		for o := range prob {
			prob[o] += w * prior / whole
		}
		prob[t.Arch[decision]] += w / whole
	}
	for o := range prob {
		prob[o] += weights[n-1] / sum / float64(options)
	}
	return prob
}

// pick draws an index with the given probabilities.
func pick(prob []float64, rng *rand.Rand) int {
	x := rng.Float64()
	for i, p := range prob {
		if x -= p; x < 0 {
			return i
		}
	}
	return len(prob) - 1
}
