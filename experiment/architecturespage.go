package experiment

import (
	"fmt"
	"slices"
	"strings"
)

// architecturesFigures are Figure 8 of MixNet and of whoever's own networks, and
// the kernels of all over depth.
func architecturesFigures(e Experiment, all []Result) []Figure {
	var figures []Figure
	over := func(file, panel, title string) Figure {
		return Figure{Panel: panel, File: e.Name + "-" + file + ".svg", Title: title, X: "depthwise layers, first to last (%)", Y: "mean kernel size", Legend: true}
	}
	own, others := over("depth", mixnetPanel, "Kernels over depth"), over("others", "Others", "Kernels over depth, other searches")
	for i := range all {
		r := &all[i]
		blocks, err := blocksOf(&r.Planned)
		if err != nil {
			continue // reported where the table is written
		}
		drawn := r.Panel == mixnetPanel || r.Panel == ownSeries
		if drawn {
			figures = append(figures, Figure{Panel: r.Panel, File: e.Name + "-" + word(r.Series) + ".svg", Title: r.Label, Network: r.Network})
		}
		u := useOf(blocks)
		for k, mean := range u.means {
			p := Point{X: 100 * float64(k) / float64(max(len(u.means)-1, 1)), Y: mean}
			switch {
			case drawn:
				own.add(r.Label, p)
			case slices.Contains([]string{"atomnas_c", "proxylessnas_mobile", "semnasnet_100", "fbnet_c", "mobilenetv3_large_100"}, r.Series):
				others.add(r.Label, p)
			}
		}
	}
	return append(figures, own, others)
}

// architecturesPage shows the networks, and which use larger kernels later.
func architecturesPage(g *Page, b *strings.Builder) {
	b.WriteString("## In short\n\n")
	for _, line := range architecturesConclusions(g) {
		fmt.Fprintf(b, "- %s\n", line)
	}
	fmt.Fprintf(b, "\nNothing is trained for this page. %s. The table beside it (`%s.csv`) has every block with its kernels, channels, expansion, stride, parameters and multiply-adds; the blocks of a network sum up to its counts.\n\n", g.Made, g.Plan.Experiment)
	for _, panel := range []string{mixnetPanel, ownSeries, "Others"} {
		if slices.ContainsFunc(g.Figures, func(f Figure) bool { return f.Panel == panel }) {
			fmt.Fprintf(b, "## %s\n\n", capital(panel))
			g.pictures(b, panel)
		}
	}
	b.WriteString("## Kernels in the first and the last half of the layers\n\n")
	b.WriteString("| | parameters | multiply-adds | layers | mean kernel: first half | last half | channels of 5×5 and more: first | last | of 7×7 and more: first | last |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for i := range g.Results {
		r := &g.Results[i]
		blocks, err := blocksOf(&r.Planned)
		if err != nil {
			fmt.Fprintf(b, "| %s | %v | | | | | | | | |\n", r.Label, err)
			continue
		}
		u := useOf(blocks)
		fmt.Fprintf(b, "| %s | %s | %.1f\u00a0M | %d | %.2f | %.2f | %.0f\u00a0%% | %.0f\u00a0%% | %.0f\u00a0%% | %.0f\u00a0%% |\n", r.Label, grouped(r.Params), float64(r.MACs)/1e6, u.layers,
			u.early.mean, u.late.mean, 100*u.early.five, 100*u.late.five, 100*u.early.seven, 100*u.late.seven)
	}
	b.WriteString("\n## How to read this\n\nIn the drawings a bar is a block, divided among the kernels of its depthwise convolution by their channels, the image at the top. The kernel of a layer is the mean over its channels; a half is the mean over its layers, of which an odd one in the middle is left out. Networks of other searches are those of their released code whose layers form a chain; those of cells (NASNet, DARTS) have no depth in this sense.\n")
}

// architecturesConclusions say whose kernels are larger later, which is what the
// paper says of MixNet.
func architecturesConclusions(g *Page) []string {
	var lines, larger, not []string
	for i := range g.Results {
		r := &g.Results[i]
		blocks, err := blocksOf(&r.Planned)
		if err != nil {
			continue
		}
		u := useOf(blocks)
		says := fmt.Sprintf("%s (%.1f to %.1f)", r.Label, u.early.mean, u.late.mean)
		switch {
		case r.Panel == mixnetPanel || r.Panel == ownSeries:
			verdict := "larger in the last half, as the paper says of its own"
			if u.late.mean <= u.early.mean {
				verdict = "not larger in the last half, unlike in the paper's own"
			}
			lines = append(lines, fmt.Sprintf("**%s.** The mean kernel is %.2f in the first half of the layers and %.2f in the last: %s. Channels of 7×7 and more are %.0f %% and %.0f %%.", r.Label, u.early.mean, u.late.mean, verdict, 100*u.early.seven, 100*u.late.seven))
		case u.late.mean > u.early.mean:
			larger = append(larger, says)
		default:
			not = append(not, says)
		}
	}
	if len(larger)+len(not) > 0 {
		line := fmt.Sprintf("**Other searches.** Of %d networks %d have larger kernels in the last half: %s.", len(larger)+len(not), len(larger), strings.Join(larger, ", "))
		if len(not) > 0 {
			line += fmt.Sprintf(" Not: %s.", strings.Join(not, ", "))
		}
		lines = append(lines, line)
	}
	return lines
}
