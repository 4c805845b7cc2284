package experiment

import (
	"math"

	"github.com/mixnet-go/mixnet/internal/stats"
)

// noiseFloor is by how much single runs of the paper differ for no reason, as a
// fraction: at two groups the equal and the exponential partition are one
// network, and figure 6 has 72.015 and 71.98, 73.48 and 73.32 for it.
const noiseFloor = 0.002

// Verdict is what a comparison says beside the paper.
type Verdict string

// The verdicts. A difference is resolved where both of its intervals hold no
// zero, and the paper has one where it is no less than its noise.
const (
	Agrees     Verdict = "agrees"       // resolved, with the paper's sign
	Disagrees  Verdict = "disagrees"    // resolved, with the other sign
	Unresolved Verdict = "not resolved" // whatever the paper has
	Better     Verdict = "better"       // resolved, where the paper has none
	Worse      Verdict = "worse"        // likewise
	Pending    Verdict = "pending"      // fewer than two seeds of both are done
)

// Comparison is a network beside another, by the seeds that both have.
type Comparison struct {
	Panel string `json:"panel"`
	A     string `json:"network"`
	B     string `json:"than"`
	// Difference is of A to B, as fractions: paired by seed, with the interval of
	// Student's distribution. Images is the same with the interval of samples of
	// seeds and images, nil where scores are no shares of images. Nil before there
	// are two seeds.
	Difference *stats.Interval `json:"difference"`
	Images     *stats.Interval `json:"difference_by_images"`
	// Paper is the paper's difference; 0 where it has none.
	Paper   float64 `json:"paper_difference,omitempty"`
	Verdict Verdict `json:"verdict"`
}

// Resolved reports whether both intervals hold no zero.
func (c *Comparison) Resolved() bool {
	return c.Difference != nil && c.Difference.Resolved() && (c.Images == nil || c.Images.Resolved())
}

// Judgement is what became of a claim about the networks of an experiment.
type Judgement struct {
	Claim       string       `json:"claim"`
	Comparisons []Comparison `json:"comparisons"`

	claim *claim
}

// Judge compares the networks of which an experiment claims something.
func Judge(e Experiment, p *Plan, all []Result) []Judgement {
	var out []Judgement
	claims := append(e.claims[:len(e.claims):len(e.claims)], claim{
		title: "Your own networks", says: "The first network of the panel is what they are compared with.",
		pair: func(a, b *Arm) bool { return a.Series == ownSeries && b.first() },
	})
	for i := range claims {
		c := &claims[i]
		j := Judgement{Claim: c.title, claim: c}
		for a := range all {
			for b := range all {
				if x, y := &all[a].Arm, &all[b].Arm; a != b && x.Panel == y.Panel && c.pair(x, y) {
					j.Comparisons = append(j.Comparisons, compare(&all[a], &all[b], p.Seed))
				}
			}
		}
		if len(j.Comparisons) > 0 {
			out = append(out, j)
		}
	}
	return out
}

// compare sets a network beside another.
func compare(a, b *Result, seed uint64) Comparison {
	c := Comparison{Panel: a.Panel, A: a.Series + " " + a.Label, B: b.Series + " " + b.Label}
	c.Difference, c.Images = difference(a, b, seed)
	if a.Arm.Top1 > 0 && b.Arm.Top1 > 0 {
		c.Paper = a.Arm.Top1 - b.Arm.Top1
	}
	switch heard := math.Abs(c.Paper) >= noiseFloor; {
	case c.Difference == nil:
		c.Verdict = Pending
	case !c.Resolved():
		c.Verdict = Unresolved
	case heard && c.Paper > 0 == (c.Difference.Value > 0):
		c.Verdict = Agrees
	case heard:
		c.Verdict = Disagrees
	case c.Difference.Value > 0:
		c.Verdict = Better
	default:
		c.Verdict = Worse
	}
	return c
}

// difference is of one network to another, from the seeds and images that both
// have; nil before there are two seeds.
func difference(a, b *Result, seed uint64) (bySeeds, byImages *stats.Interval) {
	var own, other []float64
	var rows [][]int8
	for i, s := range a.seeds {
		for j, t := range b.seeds {
			x, y := &a.outcomes[i], &b.outcomes[j]
			if s != t || x.Images != y.Images {
				continue
			}
			own, other = append(own, a.Top1[i]), append(other, b.Top1[j])
			if x.Images == 0 {
				continue
			}
			row := make([]int8, x.Images)
			for k := range row {
				switch p, q := x.right(k), y.right(k); {
				case p && !q:
					row[k] = 1
				case q && !p:
					row[k] = -1
				}
			}
			rows = append(rows, row)
		}
	}
	d, ok := stats.Paired(own, other)
	if !ok {
		return nil, nil
	}
	if len(rows) == 0 {
		return &d, nil
	}
	by := stats.Bootstrap(rows, samples, seed)
	return &d, &by
}
