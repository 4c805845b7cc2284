package nas

import (
	"cmp"
	"slices"
)

// Halving is asynchronous successive halving (Li et al., A System for Massively
// Parallel Hyperparameter Tuning, 2020) around another strategy: what that one
// proposes is trained for a short time, and of every Eta architectures the best
// goes on to the next of the Rungs, as soon as there are so many results.
type Halving struct {
	Of    Strategy
	Rungs []int // fidelities, from short to long
	Eta   int   // 0 means 3
}

// Propose returns an architecture that is to go on, from the longest rung down,
// or else one that Of proposes for the first rung.
func (s Halving) Propose(p *Problem, h *History) (Proposal, error) {
	eta := cmp.Or(s.Eta, 3)
	for r := len(s.Rungs) - 2; r >= 0; r-- {
		var here []Trial
		for _, t := range h.scored() {
			if t.Fidelity == s.Rungs[r] {
				here = append(here, t)
			}
		}
		slices.SortStableFunc(here, func(a, b Trial) int { return cmp.Compare(b.Score, a.Score) })
		for _, t := range here[:len(here)/eta] {
			if h.of(t.Arch).Fidelity == t.Fidelity {
				return Proposal{Arch: t.Arch, Fidelity: s.Rungs[r+1], Parent: t.Number}, nil
			}
		}
	}
	return atFidelity(s.Of, s.Rungs[0], p, h)
}

// atFidelity asks a strategy that knows of the trials of one fidelity alone.
func atFidelity(of Strategy, fidelity int, p *Problem, h *History) (Proposal, error) {
	inner := &History{}
	var numbers []int             // in h, of inner's trials
	places := map[int]int{-1: -1} // in inner, of h's trials
	for _, t := range h.Trials {
		if t.Fidelity == fidelity {
			places[t.Number] = len(numbers)
			numbers = append(numbers, t.Number)
			t.Parent = places[t.Parent]
			inner.Add(t)
		}
	}
	q := *p
	q.Fidelity = fidelity
	next, err := of.Propose(&q, inner)
	if err == nil && next.Parent >= 0 {
		next.Parent = numbers[next.Parent]
	}
	return next, err
}
