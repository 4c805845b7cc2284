package nas

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// slice is all networks of NAS-Bench-Macro that begin with some choices.
type slice struct {
	prefix string
	m      measured
	all    []Arch
}

func sliceOf(t *testing.T, prefix string) slice {
	t.Helper()
	s := slice{prefix: prefix, m: readTable(t, "nas-bench-macro.csv.gz")}
	free := 8 - len(prefix)
	for n := range int(math.Pow(3, float64(free))) {
		a := make(Arch, free)
		for i := range a {
			a[i] = uint8(n % 3)
			n /= 3
		}
		s.all = append(s.all, a)
	}
	return s
}

// loss is the share of images that the network gets wrong.
func (s slice) loss(a Arch) float64 { return 1 - s.m[s.prefix+a.String()][0]/100 }

// mixed is the loss of a mixture: the mean over the networks, each with the
// product of its options' shares.
func (s slice) mixed(z Mixture) float64 {
	sum := 0.0
	for _, a := range s.all {
		share := 1.0
		for i, o := range a {
			share *= z[i][o]
		}
		sum += share * s.loss(a)
	}
	return sum
}

// slope is the gradient of mixed.
func (s slice) slope(z Mixture) Mixture {
	g := make(Mixture, len(z))
	for i := range z {
		g[i] = make([]float64, len(z[i]))
	}
	for _, a := range s.all {
		for i, o := range a {
			share := 1.0
			for j, q := range a {
				if j != i {
					share *= z[j][q]
				}
			}
			g[i][o] += share * s.loss(a)
		}
	}
	return g
}

// policies are of 4 and 5 free decisions: 81 and 243 networks.
func policies() map[string]*Policy {
	return map[string]*Policy{
		"2221": {Logits: [][]float64{{0.3, -0.2, 0.5}, {0, 0.1, -0.4}, {1, 0.2, 0.1}, {-0.3, 0.6, 0}}},
		"022":  {Logits: [][]float64{{0.3, -0.2, 0.5}, {0, 0.1, -0.4}, {1, 0.2, 0.1}, {-0.3, 0.6, 0}, {0.2, 0.2, -1}}},
	}
}

func (p *Policy) shares() Mixture {
	z := make(Mixture, len(p.Logits))
	for i := range z {
		z[i] = p.Probabilities(i)
	}
	return z
}

func zeros(p *Policy) [][]float64 {
	g := make([][]float64, len(p.Logits))
	for i := range g {
		g[i] = make([]float64, len(p.Logits[i]))
	}
	return g
}

// numerically compares a gradient with the derivative of f by the logits.
func numerically(t *testing.T, p *Policy, grad [][]float64, f func() float64) {
	t.Helper()
	for i := range grad {
		for j := range grad[i] {
			const d = 1e-5
			was := p.Logits[i][j]
			p.Logits[i][j] = was + d
			up := f()
			p.Logits[i][j] = was - d
			down := f()
			p.Logits[i][j] = was
			if want := (up - down) / (2 * d); math.Abs(grad[i][j]-want) > 1e-8*(1+math.Abs(want)) {
				t.Errorf("decision %d, option %d: %v, want %v", i, j, grad[i][j], want)
			}
		}
	}
}

// The expectation of path sampling's estimate, by enumeration of networks and
// rivals, is the gradient of the expected loss.
func TestPairGradient(t *testing.T) {
	for prefix, p := range policies() {
		s, grad := sliceOf(t, prefix), zeros(p)
		for _, a := range s.all {
			q := 1.0
			for i, o := range a {
				q *= p.Probabilities(i)[o]
			}
			for d := range a {
				probabilities := p.Probabilities(d)
				for rival := range uint8(3) {
					if rival == a[d] {
						continue
					}
					b := slices.Clone(a)
					b[d] = rival
					p.PairGradient(d, a[d], rival, q*probabilities[rival]/(1-probabilities[a[d]])*(s.loss(a)-s.loss(b)), grad)
				}
			}
		}
		numerically(t, p, grad, func() float64 { return s.mixed(p.shares()) })
	}
}

// Rivals are drawn as often as the enumeration assumes.
func TestRival(t *testing.T) {
	p, rng := policies()["022"], rand.New(rand.NewPCG(1, 2))
	var counts [3]int
	const n = 20000
	for range n {
		counts[p.Rival(0, 1, rng)]++
	}
	q := p.Probabilities(0)
	if got, want := float64(counts[0])/n, q[0]/(1-q[1]); counts[1] != 0 || math.Abs(got-want) > 0.015 {
		t.Errorf("%v: a share of %.3f, want %.3f", counts, got, want)
	}
}

// The gradient for one draw of noise is the derivative of the relaxed loss with
// that noise.
func TestRelaxedGradient(t *testing.T) {
	for prefix, p := range policies() {
		s := sliceOf(t, prefix)
		for _, temperature := range []float64{5, 1, 0.5} {
			draw := func() Mixture { return p.Relax(temperature, rand.New(rand.NewPCG(3, 4))) }
			z, grad := draw(), zeros(p)
			p.RelaxedGradient(z, s.slope(z), temperature, grad)
			numerically(t, p, grad, func() float64 { return s.mixed(draw()) })
		}
	}
}

// expectedShare returns the expectation of the first share of a decision of
// three options, and of its derivative by the first two logits. It integrates
// over the differences of two Gumbel variables from a third, whose density is
// 2·e^-x·e^-y/(1+e^-x+e^-y)³.
func expectedShare(logits []float64, temperature float64) (share float64, slope [3]float64) {
	const from, to, steps = -14.0, 26.0, 200
	h := (to - from) / steps
	for i := range steps {
		x := from + h*(float64(i)+0.5)
		ex := math.Exp(-x)
		for j := range steps {
			y := from + h*(float64(j)+0.5)
			ey := math.Exp(-y)
			weight := 2 * ex * ey / math.Pow(1+ex+ey, 3) * h * h
			z := softmax([]float64{(logits[0] + x) / temperature, (logits[1] + y) / temperature, logits[2] / temperature})
			share += weight * z[0]
			slope[0] += weight * z[0] * (1 - z[0]) / temperature
			slope[1] -= weight * z[0] * z[1] / temperature
			slope[2] -= weight * z[0] * z[2] / temperature
		}
	}
	return share, slope
}

// The mean of Gumbel's estimates is the gradient of the expected relaxed loss. As
// decisions are drawn apart and the loss of a mixture is linear in each, that is
// the enumeration over networks with the expected shares.
func TestGumbelExpectation(t *testing.T) {
	const temperature, draws = 1.0, 8000
	for prefix, p := range policies() {
		if len(p.Logits) != 4 {
			continue
		}
		s := sliceOf(t, prefix)
		shares, exact := make(Mixture, 4), zeros(p)
		slopes := make([][3][3]float64, 4)
		for i, logits := range p.Logits {
			shares[i] = make([]float64, 3)
			for o := range 3 {
				order := []int{o, (o + 1) % 3, (o + 2) % 3}
				var d [3]float64
				shares[i][o], d = expectedShare([]float64{logits[order[0]], logits[order[1]], logits[order[2]]}, temperature)
				for k, j := range order {
					slopes[i][o][j] = d[k]
				}
			}
			if sum := shares[i][0] + shares[i][1] + shares[i][2]; math.Abs(sum-1) > 1e-4 {
				t.Fatalf("expected shares add up to %v", sum)
			}
		}
		byShare := s.slope(shares)
		for i := range exact {
			for o := range 3 {
				for j := range 3 {
					exact[i][j] += byShare[i][o] * slopes[i][o][j]
				}
			}
		}
		rng := rand.New(rand.NewPCG(9, 9))
		sum, squares, loss := zeros(p), zeros(p), 0.0
		for range draws {
			z, grad := p.Relax(temperature, rng), zeros(p)
			loss += s.mixed(z) / draws
			p.RelaxedGradient(z, s.slope(z), temperature, grad)
			for i := range grad {
				for j, g := range grad[i] {
					sum[i][j] += g / draws
					squares[i][j] += g * g / draws
				}
			}
		}
		if want := s.mixed(shares); math.Abs(loss-want) > 2e-3 {
			t.Errorf("a mean loss of %v, want %v", loss, want)
		}
		for i := range exact {
			for j, want := range exact[i] {
				se := math.Sqrt((squares[i][j] - sum[i][j]*sum[i][j]) / draws)
				if math.Abs(sum[i][j]-want) > 4*se+1e-6 {
					t.Errorf("decision %d, option %d: a mean of %v ± %v, want %v", i, j, sum[i][j], se, want)
				}
			}
		}
	}
}

// At a low temperature a mixture is one option, drawn with its probability.
func TestRelaxCold(t *testing.T) {
	p, rng := policies()["022"], rand.New(rand.NewPCG(2, 2))
	var counts [3]float64
	const n = 20000
	for range n {
		for o, v := range p.Relax(0.01, rng)[2] {
			counts[o] += v / n
		}
	}
	for o, q := range p.Probabilities(2) {
		if math.Abs(counts[o]-q) > 0.015 {
			t.Errorf("option %d has a share of %.3f, want %.3f", o, counts[o], q)
		}
	}
}

// The expected multiply-adds are those of the table, by enumeration, and their
// gradient its derivative.
func TestExpectedCost(t *testing.T) {
	space, err := Lookup("nas-bench-macro")
	if err != nil {
		t.Fatal(err)
	}
	macs := Split(NewCosts(space), func(c Cost) float64 { return float64(c.MACs) }, 3, 1)
	m := readTable(t, "nas-bench-macro.csv.gz")
	for key, row := range m {
		a, err := ReadArch(key)
		if err != nil {
			t.Fatal(err)
		}
		if got := macs.Predict(a); math.Abs(got-row[4]) > 1 {
			t.Fatalf("%s: %v multiply-adds, want %v", key, got, row[4])
		}
	}
	p := NewPolicy(space)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range p.Logits {
		for j := range p.Logits[i] {
			p.Logits[i][j] = rng.NormFloat64()
		}
	}
	expected := func() float64 {
		sum := 0.0
		for key, row := range m {
			q := 1.0
			for i, o := range key {
				q *= p.Probabilities(i)[o-'0']
			}
			sum += q * row[4]
		}
		return sum
	}
	if got, want := p.Expected(macs), expected(); math.Abs(got/want-1) > 1e-6 {
		t.Errorf("%v, want %v", got, want)
	}
	grad := zeros(p)
	p.ExpectedGradient(macs, 1, grad)
	for _, i := range []int{0, 3, 7} {
		const d = 1e-4
		p.Logits[i][1] += d
		up := expected()
		p.Logits[i][1] -= 2 * d
		down := expected()
		p.Logits[i][1] += d
		if want := (up - down) / (2 * d); math.Abs(grad[i][1]/want-1) > 1e-5 {
			t.Errorf("decision %d: %v, want %v", i, grad[i][1], want)
		}
	}
}

// Path sampling finds what the policy gradient finds, and a weight on the cost
// leads it to cheaper networks.
func TestPaths(t *testing.T) {
	m := readTable(t, "nas-bench-macro.csv.gz")
	space, err := Lookup("nas-bench-macro")
	if err != nil {
		t.Fatal(err)
	}
	macs := Split(NewCosts(space), func(c Cost) float64 { return float64(c.MACs) / 1e6 }, 1, 1)
	sum, plain, cheap := 0.0, 0.0, 0.0
	const runs = 5
	for seed := range runs {
		p := Problem{Space: macro{cells{8, 3}}, Seed: uint64(seed)}
		sum += run(t, m, p, Paths{}, seed%3, 100)[0] / runs
		for _, c := range []struct {
			mean *float64
			s    Paths
		}{{&plain, Paths{}}, {&cheap, Paths{Cost: macs, CostWeight: 0.002}}} {
			h := &History{}
			for n := range 40 {
				next, err := c.s.Propose(&p, h)
				if err != nil {
					t.Fatal(err)
				}
				h.Add(Trial{Arch: next.Arch, Parent: next.Parent})
				h.Tell(n, m[next.Arch.String()][seed%3]/100)
				if n >= 25 {
					*c.mean += m[next.Arch.String()][4] / 15 / runs
				}
			}
		}
	}
	if sum < 92.9 {
		t.Errorf("%.2f after 100 trials", sum)
	}
	if cheap > 0.85*plain {
		t.Errorf("%.1f M multiply-adds with a weight on them, %.1f M without", cheap/1e6, plain/1e6)
	}
	t.Logf("%.2f after 100 trials; %.1f M multiply-adds, with a weight on them %.1f M", sum, plain/1e6, cheap/1e6)
}
