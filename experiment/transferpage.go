package experiment

import (
	"fmt"
	"slices"
	"strings"
)

// transferPage tells which method is best, on what and how sure that is.
func transferPage(g *Page, b *strings.Builder) {
	p := g.Plan
	ranking := rankMethods(g.Results, p.Seed)
	g.unfinished(b)
	b.WriteString("## In short\n\n")
	for _, line := range transferConclusions(g) {
		fmt.Fprintf(b, "- %s\n", line)
	}
	fmt.Fprintf(b, "\n## How it was made\n\nPreset `%s`: %s. %s\n\n", p.Preset, g.presetAbout(), g.how())
	g.ranking(b, ranking)
	g.sets(b)
	for _, panel := range Panels(g.Results) {
		fmt.Fprintf(b, "## %s\n\n", panel)
		g.pictures(b, panel)
		g.transferTable(b, ranking, panel)
	}
	g.paperTransfer(b)
	g.transferReading(b)
}

// how says what was done, in sentences.
func (g *Page) how() string {
	p := g.Plan
	var s strings.Builder
	if p.PerClass > 0 {
		fmt.Fprintf(&s, "Every trial trains on %d images a class on average, drawn by its seed, ", p.PerClass)
	} else {
		s.WriteString("Every trial trains on all training images, ")
	}
	fmt.Fprintf(&s, "with the recipe `%s`", p.Recipe.Name)
	if p.Recipe.Epochs > 0 {
		fmt.Fprintf(&s, ", %s", count(p.Recipe.Epochs, "epoch"))
	}
	fmt.Fprintf(&s, ", %s. ", count(p.Seeds, "seed"))
	if rates := p.Recipe.Grid.Rates; len(rates) > 1 {
		fmt.Fprintf(&s, "Of %d rates that which is best on a fifth of the training images is taken, and all of them are trained on with it. ", len(rates))
	}
	s.WriteString("From scratch is the same network with new weights, as many epochs, and larger rates chosen likewise; the last layer only is a regression on the features, whose penalty is chosen by cross-validation. ")
	fmt.Fprintf(&s, "The images that judge are the same for all and choose nothing. %s.", g.Made)
	return s.String()
}

// ranking is the result: which method is best.
func (g *Page) ranking(b *strings.Builder, r *ranking) {
	b.WriteString("## Ranking of methods\n\n")
	if r.complete == 0 {
		b.WriteString("No network has results of all methods on a set yet.\n\n")
		return
	}
	fmt.Fprintf(b, "Over %s of a network and a set that have results of all methods:\n\n", count(r.complete, "combination"))
	b.WriteString("| | mean rank | mean top-1 |\n|---|--:|--:|\n")
	for _, s := range r.standings {
		fmt.Fprintf(b, "| %s | %.2f | %.2f |\n", s.method, s.rank, 100*s.mean)
	}
	b.WriteString("\n| lead, in points of top-1 | mean | by seeds | by sets | resolved ahead | resolved behind |\n|---|--:|--:|--:|--:|--:|\n")
	for _, l := range r.leads {
		mean, seeds, sets := "", "", ""
		if l.seeds != nil {
			mean, seeds = fmt.Sprintf("%+.2f", 100*l.seeds.Value), span(l.seeds)
			if l.seeds.Resolved() && (l.sets == nil || l.sets.Resolved()) {
				mean = "**" + mean + "**"
			}
		}
		if l.sets != nil {
			sets = span(l.sets)
		}
		fmt.Fprintf(b, "| %s over %s | %s | %s | %s | %d of %d | %d |\n", l.method, l.other, mean, seeds, sets, l.ahead, l.combinations, l.behind)
	}
	b.WriteString("\n")
}

// transferConclusions are what the leads are worth.
func transferConclusions(g *Page) []string {
	r := rankMethods(g.Results, g.Plan.Seed)
	if r.complete == 0 {
		return []string{"No network has results of all methods on a set yet."}
	}
	var order []string
	for _, s := range r.standings {
		order = append(order, fmt.Sprintf("%s (mean rank %.2f, top-1 %.1f)", s.method, s.rank, 100*s.mean))
	}
	lines := []string{fmt.Sprintf("**Order of methods** over %s of a network and a set: %s.", count(r.complete, "combination"), strings.Join(order, ", "))}
	for _, l := range r.leads {
		lines = append(lines, capital(l.verdict())+".")
	}
	return lines
}

// verdict says what a lead is worth.
func (l *lead) verdict() string {
	names := l.method + " against " + l.other
	if l.seeds != nil && l.seeds.Resolved() {
		names += fmt.Sprintf(", %+.1f points (%s over seeds)", 100*l.seeds.Value, span(l.seeds))
	}
	switch {
	case l.seeds == nil:
		return names + ": fewer than two seeds, so nothing is known of the spread"
	case !l.seeds.Resolved():
		return names + fmt.Sprintf(", %+.1f points: not resolved on these sets, the interval over seeds holds zero", 100*l.seeds.Value)
	case l.sets == nil:
		return names + fmt.Sprintf(": %s is better on this set; one set says nothing of others", l.better())
	case !l.sets.Resolved():
		return names + fmt.Sprintf(": %s is better on average over these sets, but sets differ so much that another could turn it round", l.better())
	}
	return names + fmt.Sprintf(": %s is better, over seeds and over sets", l.better())
}

func (l *lead) better() string {
	if l.seeds.Value > 0 {
		return l.method
	}
	return l.other
}

// sets is Table 3 beside the sets that are there.
func (g *Page) sets(b *strings.Builder) {
	b.WriteString("## The sets\n\n| | training images | to judge by | classes | in Table 3 of the paper |\n|---|--:|--:|--:|---|\n")
	seen := map[int]bool{}
	for _, s := range g.Plan.Sets {
		paper := "–"
		if i := figure9Set(s.Name); i >= 0 {
			seen[i] = true
			paper = fmt.Sprintf("%s: %s, %s, %d", figure9Sets[i].name, grouped(int64(figure9Sets[i].train)), grouped(int64(figure9Sets[i].test)), figure9Sets[i].classes)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", s.Name, grouped(int64(s.Train)), grouped(int64(s.Test)), grouped(int64(s.Classes)), paper)
	}
	b.WriteString("\n")
	var absent []string
	for i, s := range figure9Sets {
		if !seen[i] {
			absent = append(absent, s.name)
		}
	}
	if len(absent) > 0 {
		fmt.Fprintf(b, "Of the paper's sets there was no %s.", strings.Join(absent, ", no "))
	}
	if len(g.Plan.Sets) == 1 && g.Plan.Sets[0].Address == "" {
		b.WriteString(" The built-in set is the only one: a ranking on one set says little of others.")
	}
	b.WriteString("\n\nThe networks:\n\n")
	for _, w := range g.Plan.Weights {
		fmt.Fprintf(b, "- %s: %s\n", w.Name, w.About)
	}
	for _, l := range g.Plan.LeftOut {
		fmt.Fprintf(b, "- left out: %s\n", l)
	}
	b.WriteString("\n")
}

// transferTable is what came of a set.
func (g *Page) transferTable(b *strings.Builder, r *ranking, panel string) {
	b.WriteString("| | | parameters | multiply-adds | top-1 | rank | paper |\n|---|---|--:|--:|--:|--:|--:|\n")
	for _, c := range r.combos {
		if c.panel != panel {
			continue
		}
		for _, m := range slices.Backward(methods) {
			v := c.arms[methodLabels[m]]
			if v == nil {
				continue
			}
			top1, rank, paper := "–", "", ""
			if len(v.Top1) > 0 {
				top1, rank = fmt.Sprintf("%.2f", 100*v.Mean), fmt.Sprint(c.rank(v.Label))
			}
			if len(v.Top1) > 1 {
				top1 += fmt.Sprintf(" ± %.2f", 100*v.SD)
			}
			if v.Arm.Top1 > 0 {
				paper = fmt.Sprintf("%.2f", 100*v.Arm.Top1)
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", c.series, v.Label, grouped(v.Params), grouped(v.MACs), top1, rank, paper)
		}
	}
	head := "\n| | lead | points | by seeds | by seeds and images |\n|---|---|--:|--:|--:|\n"
	for _, c := range r.combos {
		if c.panel != panel {
			continue
		}
		for _, l := range r.leads {
			d := c.difference(l.method, l.other, g.Plan.Seed)
			if d == nil {
				continue
			}
			b.WriteString(head)
			head = ""
			value := fmt.Sprintf("%+.2f", 100*d.Difference.Value)
			if d.Resolved() {
				value = "**" + value + "**"
			}
			fmt.Fprintf(b, "| %s | %s over %s | %s | %s | %s |\n", c.series, l.method, l.other, value, span(d.Difference), span(d.Images))
		}
	}
	b.WriteString("\n")
}

// paperTransfer says what the paper has, and what of it can be compared.
func (g *Page) paperTransfer(b *strings.Builder) {
	b.WriteString("## Beside the paper\n\n")
	g.pictures(b, "")
	b.WriteString("The paper trains all weights of every network with rates chosen on held-out images, one run each, so that its figure ranks networks and not methods. ")
	b.WriteString("MixNet's values are read off it to about 0.05 points, those of the others, which are of Kornblith et al. (2019), to 0.1. ")
	compared := false
	for _, v := range g.Results {
		if v.Arm.Top1 == 0 || len(v.Top1) == 0 {
			continue
		}
		compared = true
		fmt.Fprintf(b, "%s on %s: %.2f here, %.2f there. ", v.Series, v.Panel, 100*v.Mean, 100*v.Arm.Top1)
	}
	if !compared {
		b.WriteString("None of its networks on one of its sets is among these trials, so no value is compared; what is checked is what the section rests on: that a network that was trained elsewhere is worth more than a new one, and all weights more than the last layer. ")
	}
	b.WriteString("Its text says that MixNet \"significantly outperforms\" on all four sets; its own figure has ResNet-50 and DenseNet-121 above MixNet-M on Pets and on Food-101.\n\n")
}

func (g *Page) transferReading(b *strings.Builder) {
	b.WriteString("## How to read this\n\n")
	fmt.Fprintf(b, "Leads are paired by seed: both methods trained on the same images, in the same order. By seeds is Student's interval of 95 %% over them, by seeds and images that of %d samples of both; a lead of one network on one set counts as resolved, and is printed bold, where both hold no zero. By sets is Student's over the sets' means: how far the lead may lie on other sets of the kind. ", samples)
	b.WriteString("The paper's own runs are single: below 0.2 points they tell nothing.")
	if g.Plan.Seeds < 3 {
		b.WriteString(" With so few seeds nothing is resolved by right.")
	}
	b.WriteString("\n")
}

// transferFigures are figure 9: accuracy over cost on every set, ours and where
// the set is one of the paper's, its.
func transferFigures(e Experiment, all []Result) []Figure {
	var figures []Figure
	shown := map[int]bool{}
	for _, panel := range Panels(all) {
		if i := figure9Set(panel); i >= 0 {
			shown[i] = true
			figures = append(figures, paperTransferFigure(e, i, panel))
		}
		f := Figure{Panel: panel, File: e.Name + "-" + word(panel) + ".svg", Title: panel, X: "multiply-adds (M)", Y: "top-1 (%)", Labels: true, Legend: true}
		for _, m := range slices.Backward(methods) {
			for _, r := range all {
				if r.Panel == panel && r.Label == methodLabels[m] && len(r.Top1) > 0 {
					f.add(r.Label, Point{X: float64(r.MACs) / 1e6, Y: 100 * r.Mean, Label: fmt.Sprintf("%s %.1f", r.Series, 100*r.Mean), Spread: 100 * r.SD})
				}
			}
		}
		figures = append(figures, f)
	}
	for i := range figure9Sets {
		if !shown[i] {
			figures = append(figures, paperTransferFigure(e, i, ""))
		}
	}
	return figures
}

// paperTransferFigure is a panel of figure 9.
func paperTransferFigure(e Experiment, set int, panel string) Figure {
	s := figure9Sets[set]
	f := Figure{Panel: panel, File: e.Name + "-" + word(s.name) + "-paper.svg", Title: s.name + ", the paper's", X: "FLOPS (M)", Y: "top-1 (%)", Labels: true, Legend: true}
	for i, v := range figure9Values {
		curve := "others, by Kornblith et al."
		if strings.HasPrefix(v.system, "MixNet") {
			curve = "MixNet"
		}
		f.add(curve, Point{X: v.flops, Y: s.value(i), Label: fmt.Sprintf("%s %.1f", v.system, s.value(i))})
	}
	for i := range f.Curves {
		f.Curves[i].Scatter = f.Curves[i].Name != "MixNet"
		f.Curves[i].Strong = f.Curves[i].Name == "MixNet"
	}
	f.LogX = true
	return f
}
