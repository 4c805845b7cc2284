package experiment

import (
	"cmp"
	"slices"

	"github.com/mixnet-go/mixnet/internal/stats"
)

// combination is a network on a set: what came of each method.
type combination struct {
	panel, series string
	arms          map[string]*Result // by method
}

// combinations groups results.
func combinations(all []Result) []combination {
	var out []combination
	for i := range all {
		r := &all[i]
		at := slices.IndexFunc(out, func(c combination) bool { return c.panel == r.Panel && c.series == r.Series })
		if at < 0 {
			at = len(out)
			out = append(out, combination{r.Panel, r.Series, map[string]*Result{}})
		}
		out[at].arms[r.Label] = r
	}
	return out
}

// rank is the place of a method of a combination, 1 for the best; 0 before it has
// a result.
func (c *combination) rank(method string) int {
	r := c.arms[method]
	if r == nil || len(r.Top1) == 0 {
		return 0
	}
	rank := 1
	for _, other := range c.arms {
		if len(other.Top1) > 0 && other.Mean > r.Mean {
			rank++
		}
	}
	return rank
}

// difference compares two methods of a combination; nil if they have no two
// seeds in common.
func (c *combination) difference(method, other string, seed uint64) *Result {
	a, b := c.arms[method], c.arms[other]
	if a == nil || b == nil {
		return nil
	}
	d := *a
	if d.Difference, d.Images = difference(a, b, seed); d.Difference == nil {
		return nil
	}
	return &d
}

// standing is how a method did over all combinations.
type standing struct {
	method     string
	mean, rank float64
}

// lead is by how much a method is ahead of another, over all combinations.
type lead struct {
	method, other string
	seeds, sets   *stats.Interval // over seeds, and over sets; nil for fewer than two
	combinations  int             // that have both
	ahead, behind int             // of those that are resolved
}

// ranking is the order of methods.
type ranking struct {
	standings []standing // the best first
	leads     []lead
	combos    []combination
	complete  int // combinations with results of all methods
}

// rankMethods ranks the methods that results have.
func rankMethods(all []Result, seed uint64) *ranking {
	g := &ranking{combos: combinations(all)}
	var labels []string // as tables have them, the one with most training first
	for _, m := range slices.Backward(methods) {
		if label := methodLabels[m]; slices.ContainsFunc(all, func(r Result) bool { return r.Label == label }) {
			labels = append(labels, label)
		}
	}
	var whole []combination
	for _, c := range g.combos {
		if !slices.ContainsFunc(labels, func(l string) bool { return c.rank(l) == 0 }) {
			whole = append(whole, c)
		}
	}
	g.complete = len(whole)
	for _, l := range labels {
		s := standing{method: l}
		for _, c := range whole {
			s.mean += c.arms[l].Mean / float64(len(whole))
			s.rank += float64(c.rank(l)) / float64(len(whole))
		}
		g.standings = append(g.standings, s)
	}
	for i, a := range labels {
		for _, b := range labels[i+1:] {
			g.leads = append(g.leads, leadOf(whole, a, b, seed))
		}
	}
	slices.SortStableFunc(g.standings, func(a, b standing) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(b.mean, a.mean)) })
	return g
}

// leadOf compares two methods over combinations that have both.
func leadOf(whole []combination, method, other string, seed uint64) lead {
	l := lead{method: method, other: other, combinations: len(whole)}
	bySeed := map[int][]float64{}
	bySet := map[string][]float64{}
	var sets []string
	for _, c := range whole {
		a, b := c.arms[method], c.arms[other]
		for i, s := range a.seeds {
			if j := slices.Index(b.seeds, s); j >= 0 {
				bySeed[s] = append(bySeed[s], a.Top1[i]-b.Top1[j])
			}
		}
		if !slices.Contains(sets, c.panel) {
			sets = append(sets, c.panel)
		}
		bySet[c.panel] = append(bySet[c.panel], a.Mean-b.Mean)
		if d := c.difference(method, other, seed); d != nil && d.Resolved() {
			if d.Difference.Value > 0 {
				l.ahead++
			} else {
				l.behind++
			}
		}
	}
	var seeds, means []float64
	for s := range maxSeeds {
		if d := bySeed[s]; len(d) == len(whole) && len(d) > 0 {
			mean, _ := stats.MeanAndSD(d)
			seeds = append(seeds, mean)
		}
	}
	for _, name := range sets {
		mean, _ := stats.MeanAndSD(bySet[name])
		means = append(means, mean)
	}
	l.seeds, l.sets = interval(seeds), interval(means)
	return l
}

// maxSeeds is how many seeds an architecture's digits can name.
const maxSeeds = digit * digit

// interval is the mean of differences with Student's; nil for fewer than two.
func interval(d []float64) *stats.Interval {
	v, ok := stats.Paired(d, make([]float64, len(d)))
	if !ok {
		return nil
	}
	return &v
}
