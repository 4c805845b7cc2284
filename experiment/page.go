package experiment

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/internal/stats"
)

// noiseFloor is by how much single runs of the paper differ for no reason, in
// points: at two groups the equal and the exponential partition are one network,
// and figure 6 has 72.015 and 71.98, 73.48 and 73.32 for it.
const noiseFloor = 0.2

// Page is what an experiment says, in words.
type Page struct {
	Experiment Experiment
	Plan       *Plan
	Results    []Result
	Command    string   // that makes it
	Data       string   // what it was trained on
	Judged     string   // what the images that judged are
	Made       string   // when and by which version
	Figures    []Figure // their files are beside the page
}

// Panels returns the panels of results, in order.
func Panels(all []Result) []string {
	var panels []string
	for _, r := range all {
		if !slices.Contains(panels, r.Panel) {
			panels = append(panels, r.Panel)
		}
	}
	return panels
}

// WriteMarkdown writes the page.
func (g *Page) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	e := g.Experiment
	fmt.Fprintf(&b, "# %s\n\n%s of the MixConv paper: %s.\n\n", e.Title, capital(e.Source), e.About)
	fmt.Fprintf(&b, "```\n%s\n```\n\n", g.Command)
	write := e.kind.page
	if write == nil {
		write = changesPage
	}
	write(g, &b)
	_, err := io.WriteString(w, b.String())
	return err
}

// changesPage is that of networks that differ in a change to a base.
func changesPage(g *Page, b *strings.Builder) {
	p := g.Plan
	fmt.Fprintf(b, "Preset `%s`: %s. Trained on %s, %s with the recipe `%s`, batch %d, %s each; the weights of the last epoch are judged by %s, which chose nothing. Made %s.\n\n",
		p.Preset, g.presetAbout(), g.Data, count(p.Recipe.Epochs, "epoch"), p.Recipe.Name, p.Recipe.Batch, count(p.Seeds, "seed"), g.Judged, g.Made)
	g.unfinished(b)
	for _, panel := range Panels(g.Results) {
		fmt.Fprintf(b, "## %s\n\n", panel)
		g.pictures(b, panel)
		g.table(b, panel)
		g.verdict(b, panel)
	}
	g.reading(b)
}

// unfinished says how many trials are done where some are not.
func (g *Page) unfinished(b *strings.Builder) {
	if done, all := g.done(); done < all {
		fmt.Fprintf(b, "**%d of %d trials are done.**\n\n", done, all)
	}
}

// pictures shows the figures of a panel.
func (g *Page) pictures(b *strings.Builder, panel string) {
	for _, f := range g.Figures {
		if f.Panel == panel {
			fmt.Fprintf(b, "![%s](%s)\n", g.Experiment.Title+", "+f.Title, f.File)
		}
	}
	b.WriteString("\n")
}

// done counts trials.
func (g *Page) done() (done, all int) {
	for _, r := range g.Results {
		done += len(r.Top1)
	}
	return done, g.Plan.Trials()
}

func (g *Page) table(b *strings.Builder, panel string) {
	b.WriteString("| | | parameters | multiply-adds | top-1 | difference | by seeds | by seeds and images | paper |\n|---|---|--:|--:|--:|--:|--:|--:|--:|\n")
	var base float64
	for _, r := range g.Results {
		if r.Panel != panel {
			continue
		}
		if base == 0 {
			base = r.Arm.Top1
		}
		top1 := "–"
		if len(r.Top1) > 0 {
			top1 = fmt.Sprintf("%.2f ± %.2f", 100*r.Mean, 100*r.SD)
		}
		difference, student, images := "", "", ""
		if r.Difference != nil {
			difference, student, images = fmt.Sprintf("%+.2f", 100*r.Difference.Value), span(r.Difference), span(r.Images)
			if r.Resolved() {
				difference = "**" + difference + "**"
			}
		}
		paper := ""
		if r.Arm.Top1 > 0 && r.Arm.Top1 != base {
			paper = fmt.Sprintf("%+.2f", 100*(r.Arm.Top1-base))
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", r.Series, r.Label, grouped(r.Params), grouped(r.MACs), top1, difference, student, images, paper)
	}
	b.WriteString("\n")
}

func span(v *stats.Interval) string { return fmt.Sprintf("%+.2f to %+.2f", 100*v.Low, 100*v.High) }

// verdict says which differences agree with the paper's.
func (g *Page) verdict(b *strings.Builder, panel string) {
	var base float64
	var agree, differ, open, small, own, unresolved []string
	for _, r := range g.Results {
		if r.Panel != panel {
			continue
		}
		name := r.Series + " " + r.Label
		paper := 100 * (r.Arm.Top1 - base)
		switch {
		case base == 0 && r.Arm.Top1 > 0:
			base = r.Arm.Top1
		case r.Difference == nil:
		case r.Arm.Top1 == 0 && r.Resolved():
			own = append(own, fmt.Sprintf("%s %+.2f", name, 100*r.Difference.Value))
		case r.Arm.Top1 == 0:
			unresolved = append(unresolved, name)
		case math.Abs(paper) < noiseFloor:
			small = append(small, name)
		case !r.Resolved():
			open = append(open, name)
		case paper > 0 == (r.Difference.Value > 0):
			agree = append(agree, name)
		default:
			differ = append(differ, name)
		}
	}
	for _, group := range []struct {
		text  string
		names []string
	}{
		{"Agree with the paper, resolved and of the same sign", agree},
		{"Do not agree: resolved and of the other sign", differ},
		{"Not resolved here: an interval holds zero", open},
		{fmt.Sprintf("Below the paper's own noise of %.1f points", noiseFloor), small},
		{"Resolved, where the paper has no value", own},
		{"Not resolved, where the paper has no value", unresolved},
	} {
		if len(group.names) > 0 {
			fmt.Fprintf(b, "- %s: %s.\n", group.text, strings.Join(group.names, "; "))
		}
	}
	b.WriteString("\n")
}

// reading says how the table is read.
func (g *Page) reading(b *strings.Builder) {
	b.WriteString("## How to read this\n\n")
	fmt.Fprintf(b, "Differences are in points of top-1 to the first row of the panel, paired by seed: both networks saw the same images in the same order. Two intervals of 95 %%: Student's over the seeds, and that of %d samples of seeds and images. A difference counts as resolved, and is printed bold, where both hold no zero. ", samples)
	fmt.Fprintf(b, "The paper's column are its differences, read off the figure to about 0.02 points, of one run each: below %.1f points they tell nothing, since one network stands in its figure 6 under two names that far apart.", noiseFloor)
	if g.Plan.Seeds < 3 {
		b.WriteString(" With so few seeds nothing is resolved by right.")
	}
	b.WriteString("\n")
}

func (g *Page) presetAbout() string {
	p, err := g.Experiment.Preset(g.Plan.Preset)
	if err != nil {
		return "of another version"
	}
	return p.About
}

func count(n int, what string) string {
	if n == 1 {
		return "one " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// grouped writes a number with commas.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
