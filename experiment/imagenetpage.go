package experiment

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// imagenetPage is Table 2 with what is counted and measured beside it.
func imagenetPage(g *Page, b *strings.Builder) {
	g.unfinished(b)
	b.WriteString("## In short\n\n")
	for _, line := range imagenetConclusions(g) {
		fmt.Fprintf(b, "- %s\n", line)
	}
	fmt.Fprintf(b, "\nNothing is trained for this page. Preset `%s`: %s. %s.\n\n", g.Plan.Preset, g.presetAbout(), g.Made)
	b.WriteString("## Figure 7\n\n")
	g.pictures(b, tablePanel)
	g.rows(b)
	g.weights(b)
	b.WriteString("## How to read this\n\nFLOPS and parameters on the left are as the paper prints them, those on the right as they are counted of the networks' graphs: multiply-adds of convolutions and of the classifier, at 224×224 pixels. The paper counts more than that of MixNet and MobileNet, by about 9 to 21 M. It copies rows of others from their publications, which count in ways of their own. ")
	b.WriteString("Intervals are Wilson's of 95 % over the images; published accuracies of weights are those that timm lists, on all 50,000 validation images.\n")
}

// rows is the table.
func (g *Page) rows(b *strings.Builder) {
	b.WriteString("## Table 2\n\n| | design | parameters: paper | counted | FLOPS: paper | multiply-adds counted | top-1: paper | top-5 | |\n|---|---|--:|--:|--:|--:|--:|--:|---|\n")
	for i := range g.Results {
		r := &g.Results[i]
		if r.Panel != tablePanel {
			continue
		}
		p := r.Row
		if p == nil {
			p = &Row{}
		}
		name := r.Label
		if p.Figure {
			name += " (figure 7 only)"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", name, p.Kind, printedOf(p.Params, " M"), grouped(r.Params), printedOf(r.FLOPS, " M"), grouped(r.MACs),
			printedOf(100*r.Arm.Top1, ""), printedOf(100*p.Top5, ""), p.Note)
	}
	b.WriteString("\n")
}

// printedOf is a printed number; nothing for 0.
func printedOf(v float64, unit string) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%.6g%s", v, strings.ReplaceAll(unit, " ", "\u00a0"))
}

// weights is what images say of published weights.
func (g *Page) weights(b *strings.Builder) {
	if len(g.Plan.Weights) == 0 {
		return
	}
	fmt.Fprintf(b, "## Published weights\n\nOn %s of %s.\n\n", g.Judged, g.Plan.Data)
	b.WriteString("| | parameters | multiply-adds | top-1 measured | interval | published | top-5 measured | published |\n|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for i := range g.Results {
		r := &g.Results[i]
		if r.Panel != weightsPanel {
			continue
		}
		top1, interval, top5 := "–", "", ""
		if m, ok := measuredOf(r); ok {
			top1, interval = fmt.Sprintf("%.2f", 100*m.top1), fmt.Sprintf("%.2f to %.2f", 100*m.interval.Low, 100*m.interval.High)
			if top5 = fmt.Sprintf("%.2f", 100*m.top5); r.agrees(m) {
				top1 = "**" + top1 + "**"
			}
		}
		five := ""
		if r.Row != nil {
			five = printedOf(100*r.Row.Top5, "")
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", r.Label, grouped(r.Params), grouped(r.MACs), top1, interval, printedOf(100*r.Arm.Top1, ""), top5, five)
	}
	b.WriteString("\nBold: the published top-1 lies in the interval.\n\n")
}

// agrees reports whether the published top-1 lies in the interval measured.
func (r *Result) agrees(m measured) bool {
	return r.Arm.Top1 >= m.interval.Low && r.Arm.Top1 <= m.interval.High
}

// imagenetConclusions say which counts are the printed ones, and which weights
// reach what is published of them.
func imagenetConclusions(g *Page) []string {
	var same, noted, differ, none, far []string
	for i := range g.Results {
		r := &g.Results[i]
		if off := math.Abs(float64(r.MACs)/1e6/r.FLOPS - 1); r.Row != nil && r.MACs > 0 && off > 0.08 {
			far = append(far, r.Label)
		}
		switch {
		case r.Panel != tablePanel || r.Row == nil:
		case r.Params == 0:
			none = append(none, r.Label)
		case r.asPrinted():
			same = append(same, r.Label)
		case r.Row.Note != "":
			noted = append(noted, r.Label)
		default:
			differ = append(differ, r.Label)
		}
	}
	lines := []string{fmt.Sprintf("**Counts.** Of %d networks %d have the printed parameters and FLOPS when counts are rounded as those are: %s. Multiply-adds are within 8 %% of the printed FLOPS in all but %s.", len(same)+len(noted)+len(differ), len(same), list(same), list(far))}
	if len(noted) > 0 {
		lines = append(lines, fmt.Sprintf("**Other counts.** The table says why for each: %s.", list(noted)))
	}
	if len(differ) > 0 {
		lines = append(lines, fmt.Sprintf("**Not explained.** %s.", list(differ)))
	}
	if len(none) > 0 {
		lines = append(lines, fmt.Sprintf("**Not counted.** No architecture is published of %s.", list(none)))
	}
	return append(lines, g.weightsConclusions()...)
}

// weightsConclusions say what images say of weights.
func (g *Page) weightsConclusions() []string {
	if len(g.Plan.Weights) == 0 {
		return []string{"**Accuracies.** Nothing was evaluated, for want of ImageNet's images, so the accuracies are the published ones: the folder of its validation images as `--data` has published weights judged."}
	}
	var agree, off, own []string
	for i := range g.Results {
		r := &g.Results[i]
		m, ok := measuredOf(r)
		if r.Panel != weightsPanel || !ok {
			continue
		}
		switch says := fmt.Sprintf("%s (%.2f, published %.2f)", r.Label, 100*m.top1, 100*r.Arm.Top1); {
		case r.Arm.Top1 == 0:
			own = append(own, fmt.Sprintf("%s (%.2f)", r.Label, 100*m.top1))
		case r.agrees(m):
			agree = append(agree, says)
		default:
			off = append(off, says)
		}
	}
	var lines []string
	if len(agree) > 0 {
		lines = append(lines, fmt.Sprintf("**As published.** Within the interval: %s.", list(agree)))
	}
	if len(off) > 0 {
		lines = append(lines, fmt.Sprintf("**Not as published.** Outside of the interval: %s.", list(off)))
	}
	if len(own) > 0 {
		lines = append(lines, fmt.Sprintf("**Your own.** %s.", list(own)))
	}
	return lines
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// asPrinted reports whether counts rounded as printed are what is printed.
func (r *Result) asPrinted() bool {
	params := math.Round(float64(r.Params)/1e5) / 10
	if r.Row.Params >= 10 {
		params = math.Round(params)
	}
	return (r.Row.Params == 0 || params == r.Row.Params) && math.Round(float64(r.MACs)/1e6) == r.FLOPS
}

// order is higher for curves that are drawn in the first colors, the same in all
// figures.
func (c *Curve) order() int { return slices.Index([]string{"measured here", "MixNet"}, c.Name) }

// figure7Most is the millions of FLOPS up to which Figure 7 goes: it leaves out
// ResNet.
const figure7Most = 700

// imagenetFigures are Figure 7 over FLOPS and the same over parameters, as the
// paper prints them and as they are counted, with what was measured.
func imagenetFigures(e Experiment, all []Result) []Figure {
	of := func(file, title, x string) Figure {
		return Figure{Panel: tablePanel, File: e.Name + "-" + file + ".svg", Title: title, X: x, Y: "ImageNet top-1 (%)", Labels: true, Width: wideWidth}
	}
	figures := []Figure{
		of("flops-paper", "Over FLOPS, the paper's", "FLOPS (M)"), of("flops", "Over multiply-adds counted", "multiply-adds (M)"),
		of("params-paper", "Over parameters, the paper's", "parameters (M)"), of("params", "Over parameters counted", "parameters (M)"),
	}
	for i := range all {
		r := &all[i]
		top1, curve := 100*r.Arm.Top1, r.Series
		params, flops := 0.0, r.FLOPS
		if r.Row != nil {
			params = r.Row.Params
		}
		if r.Panel == weightsPanel {
			m, ok := measuredOf(r)
			if top1, curve, params, flops = 100*m.top1, "measured here", 0, 0; !ok {
				continue
			}
		}
		if top1 == 0 || r.FLOPS > figure7Most || r.MACs > figure7Most*1e6 {
			continue
		}
		for k, x := range []float64{flops, float64(r.MACs) / 1e6, params, float64(r.Params) / 1e6} {
			if x > 0 {
				figures[k].add(curve, Point{X: x, Y: top1, Label: fmt.Sprintf("%s %.1f", r.Label, top1)})
			}
		}
	}
	for i := range figures {
		slices.SortStableFunc(figures[i].Curves, func(a, b Curve) int { return cmp.Compare(b.order(), a.order()) })
		for j := range figures[i].Curves {
			c := &figures[i].Curves[j]
			c.Strong, c.Scatter = c.Name == "MixNet", c.Name == "measured here"
			slices.SortFunc(c.Points, func(a, b Point) int { return cmp.Compare(a.X, b.X) })
		}
	}
	return figures
}
