package nas

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Mixture is the shares of the options of every decision: each decision's add up
// to 1.
type Mixture [][]float64

// Relax draws a mixture by the Gumbel softmax (Jang et al. 2017; Wu et al.,
// FBNet, 2019, section 3.2): the softmax of the logits with Gumbel noise, over a
// temperature. The lower that is, the closer the mixture is to one option, which
// is then drawn with the policy's probability.
func (p *Policy) Relax(temperature float64, rng *rand.Rand) Mixture {
	z := make(Mixture, len(p.Logits))
	for i, logits := range p.Logits {
		noisy := make([]float64, len(logits))
		for j, v := range logits {
			noisy[j] = (v - math.Log(rng.ExpFloat64())) / temperature
		}
		z[i] = softmax(noisy)
	}
	return z
}

// RelaxedGradient adds to grad the gradient, with respect to the logits, of what
// has the gradient slope with respect to a mixture that Relax drew.
func (p *Policy) RelaxedGradient(z, slope Mixture, temperature float64, grad [][]float64) {
	for i := range z {
		mean := 0.0
		for j, v := range z[i] {
			mean += v * slope[i][j]
		}
		for j, v := range z[i] {
			grad[i][j] += v * (slope[i][j] - mean) / temperature
		}
	}
}

// Rival draws another option for a decision, by the policy's probabilities of
// the others. There must be another.
func (p *Policy) Rival(decision int, active uint8, rng *rand.Rand) uint8 {
	others := slices.Clone(p.Logits[decision])
	others[active] = math.Inf(-1)
	return uint8(pick(softmax(others), rng))
}

// PairGradient adds to grad the gradient, with respect to a decision's logits,
// of the expectation of what is higher by a difference with the active option,
// drawn by Draw, than with the rival, drawn by Rival. This is path sampling (Cai
// et al., ProxylessNAS, 2019, section 3.2.1), where two paths at a time stand for
// all, with the weight that makes the estimate unbiased.
func (p *Policy) PairGradient(decision int, active, rival uint8, difference float64, grad [][]float64) {
	w := (1 - p.Probabilities(decision)[active]) / 2 * difference
	grad[decision][active] += w
	grad[decision][rival] -= w
}

// Expected returns the expectation of what is a sum over the choices, such as a
// cost (FBNet, section 3.3; ProxylessNAS, section 3.3.1).
func (p *Policy) Expected(m *Additive) float64 {
	v := m.Mean
	for i := range p.Logits {
		for o, q := range p.Probabilities(i) {
			v += q * m.Effects[i][o]
		}
	}
	return v
}

// ExpectedGradient adds to grad weight times the gradient of Expected.
func (p *Policy) ExpectedGradient(m *Additive, weight float64, grad [][]float64) {
	for i := range p.Logits {
		q := p.Probabilities(i)
		mean := 0.0
		for o := range q {
			mean += q[o] * m.Effects[i][o]
		}
		for o := range q {
			grad[i][o] += weight * q[o] * (m.Effects[i][o] - mean)
		}
	}
}

// Likeliest returns the architecture of the most probable options, the first of
// equals.
func (p *Policy) Likeliest() Arch {
	a := make(Arch, len(p.Logits))
	for i, logits := range p.Logits {
		a[i] = uint8(slices.Index(logits, slices.Max(logits)))
	}
	return a
}

// Split returns what a cost is made of: what every choice adds to it, on the mean
// over architectures drawn at random. It is exact where the cost is such a sum.
// Architectures that cannot be built are passed over.
func Split(costs *Costs, of func(Cost) float64, samples int, seed uint64) *Additive {
	decisions := costs.space.Decisions()
	m := &Additive{Effects: make([][]float64, len(decisions))}
	counts := make([][]float64, len(decisions))
	for i, d := range decisions {
		m.Effects[i], counts[i] = make([]float64, len(d.Options)), make([]float64, len(d.Options))
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	var drawn []Arch
	var bases []float64
	for range samples {
		a := make(Arch, len(decisions))
		for i, d := range decisions {
			a[i] = uint8(rng.IntN(len(d.Options)))
		}
		c, err := costs.Of(a)
		if err != nil {
			continue
		}
		base := of(c)
		drawn, bases = append(drawn, slices.Clone(a)), append(bases, base)
		for i, d := range decisions {
			was := a[i]
			for o := range d.Options {
				a[i] = uint8(o)
				if c, err := costs.Of(a); err == nil {
					m.Effects[i][o] += of(c) - base
					counts[i][o]++
				}
			}
			a[i] = was
		}
	}
	for i, effects := range m.Effects {
		mean := 0.0
		for o := range effects {
			effects[o] /= max(counts[i][o], 1)
			mean += effects[o] / float64(len(effects))
		}
		for o := range effects {
			effects[o] -= mean
		}
	}
	rest := 0.0
	for i, a := range drawn {
		rest += bases[i] - m.Predict(a)
	}
	m.Mean = rest / float64(max(len(drawn), 1))
	return m
}
