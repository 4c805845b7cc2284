package nas

import (
	"cmp"
	"math/rand/v2"
)

// RandomSearch draws architectures at random, never one twice.
type RandomSearch struct{}

// Propose draws an architecture.
func (RandomSearch) Propose(p *Problem, h *History) (Proposal, error) {
	return p.random(h, p.rng(h))
}

// Evolution is regularised evolution (Real et al., Regularized Evolution for
// Image Classifier Architecture Search, 2019): the best of a sample of the
// population is changed in one decision, and the youngest are the population.
type Evolution struct {
	Population int // 0 means 20
	Sample     int // 0 means 10
}

// Propose draws at random until there is a population, then a child.
func (e Evolution) Propose(p *Problem, h *History) (Proposal, error) {
	rng := p.rng(h)
	size, sample := cmp.Or(e.Population, 20), cmp.Or(e.Sample, 10)
	all := h.scored()
	if len(h.Trials) < size || len(all) == 0 {
		return p.random(h, rng)
	}
	population := all[max(len(all)-size, 0):]
	for range 100 {
		parent := population[rng.IntN(len(population))]
		for range sample - 1 {
			if t := population[rng.IntN(len(population))]; t.Score > parent.Score {
				parent = t
			}
		}
		for range 20 {
			if a := Mutate(p.Space, parent.Arch, rng); p.Allows(a) && !h.seen(a) {
				return Proposal{Arch: a, Fidelity: p.Fidelity, Parent: parent.Number}, nil
			}
		}
	}
	return p.random(h, rng)
}

// LocalSearch moves from an architecture to a better neighbor until there is
// none, and starts anew (White et al., Exploring the Loss Landscape in Neural
// Architecture Search, 2020).
type LocalSearch struct {
	// Whole evaluates all neighbors and moves to the best of them, instead of
	// to the first that is better.
	Whole bool
}

// Propose walks through the trials since the last start and returns the first
// neighbor on the way that was not tried.
func (l LocalSearch) Propose(p *Problem, h *History) (Proposal, error) {
	center := -1
	for i := len(h.Trials) - 1; i >= 0 && center < 0; i-- {
		if h.Trials[i].Parent < 0 {
			center = i
		}
	}
	for center >= 0 && h.Trials[center].Done {
		next, move := l.step(p, h, center)
		if move {
			center = next.Parent
			continue
		}
		if next.Arch != nil {
			return next, nil
		}
		break
	}
	return p.random(h, p.rng(h))
}

// step returns a neighbor of a trial to try, or as Parent the trial to move to.
func (l LocalSearch) step(p *Problem, h *History, center int) (next Proposal, move bool) {
	t := h.Trials[center]
	best := -1
	around := Neighbors(p.Space, t.Arch)
	rng := rand.New(rand.NewPCG(p.Seed, 1<<63|uint64(center)))
	rng.Shuffle(len(around), func(i, j int) { around[i], around[j] = around[j], around[i] })
	var untried Arch
	for _, a := range around {
		if !p.Allows(a) {
			continue
		}
		seen := h.of(a)
		if seen == nil {
			if untried == nil {
				untried = a
			}
			if !l.Whole {
				break
			}
			continue
		}
		if !seen.Done || seen.Failed || !t.Failed && seen.Score <= t.Score {
			continue
		}
		if !l.Whole {
			return Proposal{Parent: seen.Number}, true
		}
		if best < 0 || seen.Score > h.Trials[best].Score {
			best = seen.Number
		}
	}
	if untried != nil {
		return Proposal{Arch: untried, Fidelity: p.Fidelity, Parent: center}, false
	}
	if best >= 0 {
		return Proposal{Parent: best}, true
	}
	return Proposal{}, false
}
