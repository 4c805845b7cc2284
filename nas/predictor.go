package nas

import (
	"cmp"
	"math"
	"slices"
)

// Predictor fits a score to the trials that is a sum of what each choice adds,
// by ridge regression, and proposes the architecture that it predicts to be the
// best of many drawn. It starts with some drawn at random, and draws one again
// every few trials, so that it learns of choices that it thinks little of.
type Predictor struct {
	Start      int     // trials drawn at random; 0 means 20
	Every      int     // one of so many later ones is; 0 means 5
	Candidates int     // predicted for each proposal; 0 means 2000
	Ridge      float64 // weight of the squared effects against the squared errors; 0 means 1
}

// Propose returns the best of the candidates.
func (r Predictor) Propose(p *Problem, h *History) (Proposal, error) {
	rng := p.rng(h)
	start, every := cmp.Or(r.Start, 20), cmp.Or(r.Every, 5)
	all := h.scored()
	n := len(h.Trials)
	if n < start || len(all) < 2 || (n-start)%every == every-1 {
		return p.random(h, rng)
	}
	m := fitAdditive(p.Space, all, cmp.Or(r.Ridge, 1))
	top := slices.Clone(all)
	slices.SortStableFunc(top, func(a, b Trial) int { return cmp.Compare(b.Score, a.Score) })
	top = top[:min(len(top), 10)]
	best, value := Proposal{}, math.Inf(-1)
	consider := func(a Arch, parent int) {
		if v := m.Predict(a); v > value && p.Allows(a) && !h.seen(a) {
			best, value = Proposal{Arch: a, Fidelity: p.Fidelity, Parent: parent}, v
		}
	}
	for i := range cmp.Or(r.Candidates, 2000) {
		if i%4 == 3 {
			t := top[rng.IntN(len(top))]
			consider(Mutate(p.Space, t.Arch, rng), t.Number)
			continue
		}
		consider(Random(p.Space, rng), -1)
	}
	if best.Arch == nil {
		return p.random(h, rng)
	}
	return best, nil
}

// Additive predicts an architecture's score as a sum over its choices.
type Additive struct {
	Mean    float64
	Effects [][]float64 // by decision and option
}

// Predict returns the score of an architecture in canonical form.
func (m *Additive) Predict(a Arch) float64 {
	v := m.Mean
	for i, o := range a {
		v += m.Effects[i][o]
	}
	return v
}

// FitAdditive fits an additive model to the scored trials of a history. A
// larger ridge draws the effects towards 0.
func FitAdditive(s Space, h *History, ridge float64) *Additive {
	return fitAdditive(s, h.scored(), ridge)
}

func fitAdditive(s Space, all []Trial, ridge float64) *Additive {
	decisions := s.Decisions()
	at := make([]int, len(decisions)+1) // where the options of a decision begin
	for i, d := range decisions {
		at[i+1] = at[i] + len(d.Options)
	}
	n := at[len(decisions)]
	m := &Additive{Effects: make([][]float64, len(decisions))}
	for _, t := range all {
		m.Mean += t.Score / float64(max(len(all), 1))
	}
	// (XᵀX + ridge·I) w = Xᵀ(y - mean), X one-hot.
	a, b := make([]float64, n*n), make([]float64, n)
	for i := range n {
		a[i*n+i] = ridge
	}
	for _, t := range all {
		for i, o := range t.Arch {
			row := at[i] + int(o)
			b[row] += t.Score - m.Mean
			for j, q := range t.Arch {
				a[row*n+at[j]+int(q)]++
			}
		}
	}
	w := solve(a, b, n)
	for i := range decisions {
		m.Effects[i] = w[at[i]:at[i+1]]
	}
	return m
}

// solve returns the solution of a·x = b for a symmetric positive definite n×n
// matrix, by Cholesky's decomposition, which it leaves in a.
func solve(a, b []float64, n int) []float64 {
	for j := range n {
		for i := j; i < n; i++ {
			sum := a[i*n+j]
			for k := range j {
				sum -= a[i*n+k] * a[j*n+k]
			}
			if i == j {
				a[j*n+j] = math.Sqrt(sum)
			} else {
				a[i*n+j] = sum / a[j*n+j]
			}
		}
	}
	x := slices.Clone(b)
	for i := range n {
		for k := range i {
			x[i] -= a[i*n+k] * x[k]
		}
		x[i] /= a[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			x[i] -= a[k*n+i] * x[k]
		}
		x[i] /= a[i*n+i]
	}
	return x
}
