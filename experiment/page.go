package experiment

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Page is what an experiment says, in words.
type Page struct {
	Experiment Experiment
	Plan       *Plan
	Results    []Result
	Claims     []Judgement
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
	g.unfinished(b)
	b.WriteString("## In short\n\n")
	for _, line := range g.conclusions() {
		fmt.Fprintf(b, "- %s\n", line)
	}
	b.WriteString("\n")
	g.making(b)
	for _, panel := range Panels(g.Results) {
		fmt.Fprintf(b, "## %s\n\n", panel)
		g.pictures(b, panel)
		g.table(b, panel)
		for i := range g.Claims {
			g.Claims[i].write(b, panel)
		}
	}
	g.reading(b)
}

// making says what was trained, how and where, and what was left out.
func (g *Page) making(b *strings.Builder) {
	p := g.Plan
	fmt.Fprintf(b, "## How it was made\n\nPreset `%s`: %s. Trained on %s, %s with the recipe `%s`, batch %d, %s each; the weights of the last epoch are judged by %s, which chose nothing. %s.\n\n",
		p.Preset, g.presetAbout(), g.Data, count(p.Recipe.Epochs, "epoch"), p.Recipe.Name, p.Recipe.Batch, count(p.Seeds, "seed"), g.Judged, capital(g.Made))
	for i, l := range p.Omitted() {
		if i == 0 {
			b.WriteString("Left out of the paper's:\n\n")
		}
		fmt.Fprintf(b, "- %s\n", l)
	}
	if len(p.Omitted()) > 0 {
		b.WriteString("\n")
	}
}

// unfinished says how many trials are done where some are not.
func (g *Page) unfinished(b *strings.Builder) {
	if done, all := g.done(); done < all {
		fmt.Fprintf(b, "**%d of %d trials are done.**\n\n", done, all)
	}
}

// PictureWidth is that of a figure, in pixels: two fit beside each other on a
// page, and on a narrow one they stand below each other.
const PictureWidth = 420

// wideWidth is that of a figure of many labels.
const wideWidth = 640

// drawingWidth is that of the drawing of a network.
const drawingWidth = 760

// pictures shows the figures of a panel, side by side where there is room.
func (g *Page) pictures(b *strings.Builder, panel string) {
	for _, f := range g.Figures {
		width := cmp.Or(int(f.Width), PictureWidth)
		if f.Network != "" {
			width = drawingWidth
		}
		if f.Panel == panel {
			fmt.Fprintf(b, "<img src=\"%s\" width=\"%d\" alt=\"%s\">\n", f.File, width, g.Experiment.Title+", "+f.Title)
		}
	}
	b.WriteString("\n")
}

// WriteIndex writes what a folder of pages has, with the conclusions.
func WriteIndex(w io.Writer, pages []*Page) error {
	var b strings.Builder
	b.WriteString("# Experiments of the paper, done again\n\nEach page is written by its command, with a table of all trials (CSV) from which every number in it comes.\n\n")
	for _, g := range pages {
		p := g.Plan
		trials := "no trials"
		if done, all := g.done(); all > 0 {
			trials = fmt.Sprintf("%d of %s", done, count(all, "trial"))
		}
		fmt.Fprintf(&b, "## [%s](%s.md)\n\n%s, preset `%s`, %s. %s.\n\n```\n%s\n```\n\n", g.Experiment.Title, p.Experiment,
			capital(g.Experiment.Source), p.Preset, trials, g.Made, g.Command)
		for _, line := range g.conclusions() {
			fmt.Fprintf(&b, "- %s\n", line)
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, strings.TrimRight(b.String(), "\n")+"\n")
	return err
}

// conclusions says in a line each what came of it.
func (g *Page) conclusions() []string {
	if say := g.Experiment.kind.conclusions; say != nil {
		return say(g)
	}
	return Conclusions(g.Claims)
}

// done counts trials.
func (g *Page) done() (done, all int) {
	for _, r := range g.Results {
		done += len(r.Top1)
	}
	return done, g.Plan.Trials()
}

// table lists the networks of a panel: here, and at the paper's size beside the
// paper's values.
func (g *Page) table(b *strings.Builder, panel string) {
	metric, paper := g.Experiment.metric(), "FLOPS"
	if slices.ContainsFunc(g.Results, func(r Result) bool { return r.printed > 0 }) {
		paper = "parameters, FLOPS"
	}
	fmt.Fprintf(b, "| | | parameters | multiply-adds | %s | parameters at the paper's size | multiply-adds | paper: %s | %s |\n|---|---|--:|--:|--:|--:|--:|--:|--:|\n", metric, paper, metric)
	for _, r := range g.Results {
		if r.Panel != panel {
			continue
		}
		top1 := "–"
		switch {
		case len(r.Top1) > 1:
			top1 = fmt.Sprintf("%.2f\u00a0±\u00a0%.2f", 100*r.Mean, 100*r.SD)
		case len(r.Top1) == 1:
			top1 = fmt.Sprintf("%.2f", 100*r.Mean)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", r.Series, r.Label, grouped(r.Params), present("%.2f\u00a0M", float64(r.MACs)/1e6), top1,
			grouped(r.PaperParams), present("%.1f\u00a0M", float64(r.PaperMACs)/1e6), strings.TrimSpace(present("%.2f\u00a0M, ", r.printed)+present("%.1f\u00a0M", r.FLOPS)), present("%.2f", 100*r.Arm.Top1))
	}
	b.WriteString("\n")
}

// present formats a value, nothing for zero.
func present(format string, v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf(format, v)
}

// reading says how the tables are read.
func (g *Page) reading(b *strings.Builder) {
	b.WriteString("## How to read this\n\n")
	e := &g.Experiment
	fmt.Fprintf(b, "%s is in per cent, ± the standard deviation between seeds. Differences are in points, paired by seed: both networks saw the same images in the same order. ", capital(e.metric()))
	if e.Metric == "" {
		fmt.Fprintf(b, "Each has two intervals of 95 %%: Student's over the seeds, and that of %d samples of seeds and images. A difference is resolved, and printed bold, where both hold no zero. ", samples)
	} else {
		b.WriteString("Each has Student's interval of 95 % over the seeds; how other images would judge is not in it. A difference is resolved, and printed bold, where it holds no zero. ")
	}
	b.WriteString("Of comparisons without any difference, one interval would call up to one in twenty resolved: the more are made, the more of them by chance. ")
	if e.Metric == "" {
		fmt.Fprintf(b, "The paper's values are read off its figures to about 0.02 points, of one run each. Its differences below %.1f points say nothing, since one network stands in its figure 6 under two names, 0.16 apart on MobileNetV2.", 100*noiseFloor)
	} else {
		fmt.Fprintf(b, "The paper's values are printed to 0.1 points, of one run each; how far its runs differ by chance it does not say, and differences below %.1f points are left out of what it claims here.", 100*noiseFloor)
	}
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

func capital(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// grouped writes a number with commas, nothing for zero.
func grouped(n int64) string {
	if n == 0 {
		return ""
	}
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
