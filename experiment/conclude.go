package experiment

import (
	"fmt"
	"math"
	"strings"

	"github.com/mixnet-go/mixnet/internal/stats"
)

// tally counts comparisons by what came of them.
type tally struct {
	all, pending, above, below, open int
	// heard are those of which the paper has a difference above its noise, and
	// what became of them.
	heard, agree, disagree int
	// least and most are the differences that are resolved, as fractions.
	least, most float64
}

// count sums up the comparisons of a panel, or of all for "".
func (j *Judgement) count(panel string) tally {
	t := tally{least: math.Inf(1), most: math.Inf(-1)}
	for i := range j.Comparisons {
		c := &j.Comparisons[i]
		if panel != "" && c.Panel != panel {
			continue
		}
		t.all++
		if math.Abs(c.Paper) >= noiseFloor {
			t.heard++
		}
		switch {
		case c.Verdict == Pending:
			t.pending++
			continue
		case c.Verdict == Unresolved:
			t.open++
			continue
		case c.Verdict == Agrees:
			t.agree++
		case c.Verdict == Disagrees:
			t.disagree++
		}
		if c.Difference.Value > 0 {
			t.above++
		} else {
			t.below++
		}
		t.least, t.most = min(t.least, c.Difference.Value), max(t.most, c.Difference.Value)
	}
	return t
}

// Conclusions says in a line for each claim what came of it.
func Conclusions(all []Judgement) []string {
	var lines []string
	for i := range all {
		j := &all[i]
		lines = append(lines, fmt.Sprintf("**%s.** %s.", j.Claim, capital(j.sentence(j.count("")))))
	}
	return lines
}

// sentence says what a tally means for the claim.
func (j *Judgement) sentence(t tally) string {
	if t.pending == t.all {
		return "not known yet"
	}
	var parts []string
	add := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(t.above, "better")
	add(t.below, "worse")
	add(t.open, "not resolved")
	add(t.pending, "pending")
	text := fmt.Sprintf("%s: %s", count(t.all, "comparison"), strings.Join(parts, ", "))
	if t.above+t.below > 0 {
		text += ", by " + between(t.least, t.most)
	}
	if c := j.claim; c.open != "" {
		if text += "; "; t.open > 0 && t.above+t.below > 0 {
			text += "where it is resolved, "
		}
		switch {
		case t.above > 0 && t.below > 0:
			text += "it depends on the network"
		case t.above > 0:
			text += c.better
		case t.below > 0:
			text += c.worse
		default:
			text += c.open
		}
	}
	if t.heard > 0 {
		parts = nil
		add(t.agree, "of the same sign here")
		add(t.disagree, "of the other sign")
		add(t.heard-t.agree-t.disagree, "not resolved here")
		text += fmt.Sprintf(". The paper has %s above its noise: %s", count(t.heard, "difference"), strings.Join(parts, ", "))
	}
	return text
}

// between writes a range of differences in points.
func between(low, high float64) string {
	if fmt.Sprintf("%.2f", 100*low) == fmt.Sprintf("%.2f", 100*high) {
		return points(low) + " points"
	}
	return points(low) + " to " + points(high) + " points"
}

// write writes what became of the claim in a panel.
func (j *Judgement) write(b *strings.Builder, panel string) {
	t := j.count(panel)
	if t.all == 0 {
		return
	}
	fmt.Fprintf(b, "### %s\n\n%s Here: %s.\n\n", j.Claim, j.claim.says, j.sentence(t))
	b.WriteString("| network | than | difference | by seeds | by seeds and images | paper | |\n|---|---|--:|--:|--:|--:|---|\n")
	for i := range j.Comparisons {
		c := &j.Comparisons[i]
		if c.Panel != panel {
			continue
		}
		difference, student, images := "", "", ""
		if c.Difference != nil {
			if difference, student = points(c.Difference.Value), span(c.Difference); c.Images != nil {
				images = span(c.Images)
			}
			if c.Resolved() {
				difference = "**" + difference + "**"
			}
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", c.A, c.B, difference, student, images, present("%+.2f", 100*c.Paper), c.said())
	}
	b.WriteString("\n")
}

// said is the verdict in words, with what it has to do with the paper.
func (c *Comparison) said() string {
	if c.Paper != 0 && math.Abs(c.Paper) < noiseFloor {
		return string(c.Verdict) + "; the paper's is within its noise"
	}
	return string(c.Verdict)
}

func span(v *stats.Interval) string { return points(v.Low) + " to " + points(v.High) }

// points writes a difference of fractions in points, zero without a sign.
func points(v float64) string {
	if s := fmt.Sprintf("%+.2f", 100*v); strings.Trim(s, "+-0.") != "" {
		return s
	}
	return "0.00"
}
