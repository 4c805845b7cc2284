package nas

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// OneShot searches by the scores of a supernet, which cost little, and trains
// few networks by themselves. Trials of fidelity 0 are scored by a supernet:
// evolution proposes Scored of them (Guo et al., Single Path One-Shot, 2020).
// Then come trials of the problem's fidelity, of those that the supernet ranks
// highest; one in Check is drawn from all that it scored, so that the two orders
// can be compared. A problem whose fidelity is 0 has the first part alone.
type OneShot struct {
	Scored     int // 0 means 200
	Check      int // 0 means 3
	Population int // of the evolution; 0 means 50
	Sample     int // 0 means 10
	// Policy draws the networks to score in place of evolution, the likeliest
	// first; nil for none.
	Policy *Policy
}

// Propose returns an architecture to score, or one to train by itself.
func (s OneShot) Propose(p *Problem, h *History) (Proposal, error) {
	scored := 0
	for _, t := range h.Trials {
		if t.Fidelity == 0 {
			scored++
		}
	}
	if p.Fidelity == 0 || scored < cmp.Or(s.Scored, 200) {
		if s.Policy != nil {
			return s.draw(p, h)
		}
		e := Evolution{Population: cmp.Or(s.Population, 50), Sample: cmp.Or(s.Sample, 10)}
		return atFidelity(e, 0, p, h)
	}
	return s.alone(p, h, len(h.Trials)-scored)
}

// draw proposes what the policy draws, the likeliest architecture first.
func (s OneShot) draw(p *Problem, h *History) (Proposal, error) {
	q := *p
	q.Fidelity = 0
	if a := p.Space.Canonical(s.Policy.Likeliest()); p.Allows(a) && !h.seen(a) {
		return Proposal{Arch: a, Parent: -1}, nil
	}
	rng := p.rng(h)
	for range attempts {
		a := p.Space.Canonical(s.Policy.Draw(p.Space, rng))
		if p.Allows(a) && !h.seen(a) {
			return Proposal{Arch: a, Parent: -1}, nil
		}
		if rng.IntN(100) == 0 { // a policy that is sure of itself draws the same again and again
			break
		}
	}
	return q.random(h, rng)
}

// alone proposes the next network to train by itself, after some others.
func (s OneShot) alone(p *Problem, h *History, trained int) (Proposal, error) {
	var left []Trial
	for _, t := range h.scored() {
		if t.Fidelity == 0 && h.of(t.Arch).Fidelity == 0 && p.Allows(t.Arch) {
			left = append(left, t)
		}
	}
	if len(left) == 0 {
		return Proposal{}, ErrExhausted
	}
	slices.SortStableFunc(left, func(a, b Trial) int { return cmp.Compare(b.Score, a.Score) })
	next := left[0]
	if check := cmp.Or(s.Check, 3); trained%check == check-1 {
		next = left[p.rng(h).IntN(len(left))]
	}
	return Proposal{Arch: next.Arch, Fidelity: p.Fidelity, Parent: next.Number}, nil
}

// Agreement is how far two scores of the same networks have one order.
type Agreement struct {
	Networks int     `json:"networks"`
	Tau      float64 `json:"tau"` // Kendall's τ-b
	Low      float64 `json:"low"` // Low and High hold it in 95 of 100 samples of the networks
	High     float64 `json:"high"`
}

// Agree compares two scores of networks, with an interval from samples of them
// with replacement.
func Agree(x, y []float64, samples int, seed uint64) Agreement {
	a := Agreement{Networks: len(x), Tau: Kendall(x, y)}
	if a.Tau != a.Tau { // one of them is the same for all
		a.Tau = 0
	}
	rng := rand.New(rand.NewPCG(seed, uint64(len(x))))
	var taus []float64
	u, v := make([]float64, len(x)), make([]float64, len(x))
	for range samples {
		for i := range u {
			k := rng.IntN(len(x))
			u[i], v[i] = x[k], y[k]
		}
		if tau := Kendall(u, v); tau == tau {
			taus = append(taus, tau)
		}
	}
	slices.Sort(taus)
	a.Low, a.High = a.Tau, a.Tau
	if n := len(taus); n > 0 {
		a.Low, a.High = taus[n*25/1000], taus[(n-1)*975/1000]
	}
	return a
}
