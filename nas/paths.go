package nas

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// Paths learns the probabilities of the options by path sampling (Cai et al.,
// ProxylessNAS, 2019): of two networks that differ in one choice, the better one
// makes its option more likely. What it learned is a function of the trials.
type Paths struct {
	Rate  float64 // learning rate; 0 means 4
	Scale float64 // differences of scores are in units of it, and count as 1 at most; 0 means 0.003
	// Cost is what choices cost, of which the expectation times CostWeight counts
	// against the score; nil for nothing.
	Cost       *Additive
	CostWeight float64
}

// Propose returns the first network of the pairs drawn so far that has not been
// tried.
func (s Paths) Propose(p *Problem, h *History) (Proposal, error) {
	policy := NewPolicy(p.Space)
	rate, scale := cmp.Or(s.Rate, 4), cmp.Or(s.Scale, 0.003)
	for n := range uint64(attempts) {
		rng := rand.New(rand.NewPCG(p.Seed, n))
		a := policy.Draw(p.Space, rng)
		d := rng.IntN(len(a))
		if len(policy.Logits[d]) < 2 {
			continue
		}
		b := slices.Clone(a)
		b[d] = policy.Rival(d, a[d], rng)
		first, second := p.Space.Canonical(a), p.Space.Canonical(b)
		if slices.Equal(first, second) || !p.Allows(first) || !p.Allows(second) {
			continue
		}
		x, y := h.of(first), h.of(second)
		switch {
		case x == nil:
			return Proposal{Arch: first, Fidelity: p.Fidelity, Parent: -1}, nil
		case y == nil:
			return Proposal{Arch: second, Fidelity: p.Fidelity, Parent: x.Number}, nil
		case x.Done && !x.Failed && y.Done && !y.Failed:
			better := max(min((x.Score-y.Score)/scale, 1), -1)
			policy.PairGradient(d, a[d], b[d], rate*better, policy.Logits)
			if s.Cost != nil {
				policy.ExpectedGradient(s.Cost, -rate*s.CostWeight/scale/float64(len(a)), policy.Logits)
			}
		}
	}
	return p.random(h, p.rng(h))
}
