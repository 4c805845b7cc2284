package nas

import (
	"cmp"
	"math"
	"math/rand/v2"
)

// Reinforce learns the probabilities of the options by policy gradient
// (Williams 1992; Zoph and Le, Neural Architecture Search with Reinforcement
// Learning, 2017). What it learned is a function of the trials, which it goes
// through again when they are not a continuation of those it knows.
type Reinforce struct {
	Rate     float64 // learning rate; 0 means 1
	Baseline float64 // weight of the past in the moving mean of rewards; 0 means 0.9
	Scale    float64 // rewards are in units of it; 0 means 0.01, one per cent of accuracy
	// Reward turns a trial into what is maximised; nil means its score.
	Reward func(Trial) float64

	policy   *Policy
	baseline float64
	used     []Trial
}

// Policy draws every decision by itself, from the softmax of the logits.
type Policy struct{ Logits [][]float64 }

// NewPolicy returns a policy under which all options are as likely.
func NewPolicy(s Space) *Policy {
	p := &Policy{}
	for _, d := range s.Decisions() {
		p.Logits = append(p.Logits, make([]float64, len(d.Options)))
	}
	return p
}

// Probabilities returns the softmax of one decision's logits.
func (p *Policy) Probabilities(decision int) []float64 {
	return softmax(p.Logits[decision])
}

// Draw returns an architecture.
func (p *Policy) Draw(s Space, rng *rand.Rand) Arch {
	a := make(Arch, len(p.Logits))
	for i := range p.Logits {
		a[i] = uint8(pick(p.Probabilities(i), rng))
	}
	return a
}

// Gradient adds weight times the gradient of log π(a) to grad: for every
// decision, 1 at the choice less the probabilities.
func (p *Policy) Gradient(a Arch, weight float64, grad [][]float64) {
	for i, o := range a {
		for j, q := range p.Probabilities(i) {
			grad[i][j] -= weight * q
		}
		grad[i][o] += weight
	}
}

// Propose draws from the policy that the trials so far have led to.
func (r *Reinforce) Propose(p *Problem, h *History) (Proposal, error) {
	r.learn(p, h.scored())
	rng := p.rng(h)
	for range attempts {
		a := p.Space.Canonical(r.policy.Draw(p.Space, rng))
		if p.Allows(a) && !h.seen(a) {
			return Proposal{Arch: a, Fidelity: p.Fidelity, Parent: -1}, nil
		}
		if rng.IntN(100) == 0 { // a policy that is sure of itself draws the same again and again
			return p.random(h, rng)
		}
	}
	return p.random(h, rng)
}

// learn brings the policy up to date.
func (r *Reinforce) learn(p *Problem, all []Trial) {
	known := len(r.used) <= len(all) && r.policy != nil
	for i := 0; known && i < len(r.used); i++ {
		known = r.used[i].Number == all[i].Number && r.used[i].Score == all[i].Score
	}
	if !known {
		r.policy, r.used = NewPolicy(p.Space), nil
	}
	rate, past, scale := cmp.Or(r.Rate, 1), cmp.Or(r.Baseline, 0.9), cmp.Or(r.Scale, 0.01)
	for _, t := range all[len(r.used):] {
		reward := t.Score
		if r.Reward != nil {
			reward = r.Reward(t)
		}
		if len(r.used) == 0 {
			r.baseline = reward
		}
		advantage := (reward - r.baseline) / scale
		r.policy.Gradient(t.Arch, rate*max(min(advantage, 1), -1)/math.Sqrt(float64(len(t.Arch))), r.policy.Logits)
		r.baseline = past*r.baseline + (1-past)*reward
		r.used = append(r.used, t)
	}
}

// Reward is MnasNet's (Tan et al. 2019, section 3.1): accuracy times
// (cost/target)^w, with the exponent below while the target is kept, and above
// beyond it. MnasNet's soft constraint has -0.07 for both, its hard one 0 and -1.
func Reward(accuracy, cost, target, below, above float64) float64 {
	w := below
	if cost > target {
		w = above
	}
	return accuracy * math.Pow(cost/target, w)
}

func softmax(logits []float64) []float64 {
	peak := math.Inf(-1)
	for _, v := range logits {
		peak = max(peak, v)
	}
	sum := 0.0
	out := make([]float64, len(logits))
	for i, v := range logits {
		out[i] = math.Exp(v - peak)
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}
