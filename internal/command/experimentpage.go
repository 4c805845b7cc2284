package command

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/mixnet-go/mixnet/experiment"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/internal/chart"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

// experimentResult is what a run or a page prints.
type experimentResult struct {
	Experiment string                 `json:"experiment"`
	Preset     string                 `json:"preset"`
	Metric     string                 `json:"metric"` // that the field top1 of results has
	Done       int                    `json:"done"`
	Trials     int                    `json:"trials"`
	Page       string                 `json:"page"`
	CSV        string                 `json:"csv"`
	Results    []experiment.Result    `json:"results"`
	Claims     []experiment.Judgement `json:"claims"`
	LeftOut    []experiment.LeftOut   `json:"left_out"`
}

// writeExperiment writes page, table, record and figures of an experiment into a
// folder.
func writeExperiment(record *experiment.Record, trials []store.Trial, dir string) (*experimentResult, error) {
	page, err := record.Page(trials)
	if err != nil {
		return nil, err
	}
	plan := record.Plan
	path := func(ext string) string { return filepath.Join(dir, plan.Experiment+ext) }
	out := &experimentResult{
		Experiment: plan.Experiment, Preset: plan.Preset, Metric: cmp.Or(page.Experiment.Metric, "top-1"), Trials: plan.Trials(), Page: path(".md"), CSV: path(".csv"),
		Results: page.Results, Claims: page.Claims, LeftOut: plan.Omitted(),
	}
	for _, r := range page.Results {
		out.Done += len(r.Top1)
	}
	for _, f := range page.Figures {
		if err := drawFigure(&f, dir); err != nil {
			return nil, err
		}
	}
	if err := atomicfile.Write(out.CSV, func(w io.Writer) error { return experiment.WriteCSV(w, plan, page.Results) }); err != nil {
		return nil, err
	}
	kept := *record
	kept.Plan = plan.Portable()
	if err := atomicfile.Write(path(".json"), kept.Write); err != nil {
		return nil, err
	}
	return out, atomicfile.Write(out.Page, page.WriteMarkdown)
}

// base names a set without its folder.
func base(path string) string {
	if path == "" {
		return source("")
	}
	return "set " + filepath.Base(path)
}

// drawFigure draws a figure into a folder.
func drawFigure(f *experiment.Figure, dir string) error {
	path := filepath.Join(dir, f.File)
	if f.Network != "" {
		spec, err := netfile.Parse(f.File, []byte(f.Network))
		if err != nil {
			return err
		}
		info, _, d, err := describe(spec, zoo.Options{})
		if err != nil {
			return err
		}
		return atomicfile.Write(path, func(w io.Writer) error { return drawNetwork(w, info, d) })
	}
	c := &chart.Chart{Title: f.Title, X: chart.Axis{Label: f.X, Log: f.LogX, Whole: f.WholeX}, Y: chart.Axis{Label: f.Y}, Labels: f.Labels, Legend: f.Legend, Note: f.Note, Width: cmp.Or(f.Width, experiment.PictureWidth)}
	for _, k := range f.Curves {
		s := chart.Series{Name: k.Name, Scatter: k.Scatter, Strong: k.Strong}
		for _, p := range k.Points {
			s.Points = append(s.Points, chart.Point{X: p.X, Y: p.Y, Label: p.Label})
			s.Spread = append(s.Spread, p.Spread)
		}
		c.Series = append(c.Series, s)
	}
	return c.WriteFile(path)
}

func (r *experimentResult) show(e *env, asJSON bool) error {
	if asJSON {
		return e.json(r)
	}
	rows := [][]string{{"NETWORK", "", "", "PARAMS", "MACS", strings.ToUpper(r.Metric), "±", "DIFFERENCE", "RESOLVED"}}
	for i := range r.Results {
		v := &r.Results[i]
		row := []string{v.Panel, v.Series, v.Label, millions(v.Params), millions(v.MACs), "–", "", "", ""}
		if len(v.Top1) > 0 {
			row[5], row[6] = inPercent(v.Mean), fmt.Sprintf("%.2f", 100*v.SD)
		}
		if v.Difference != nil {
			row[7], row[8] = fmt.Sprintf("%+.2f", 100*v.Difference.Value), "no"
			if v.Resolved() {
				row[8] = "yes"
			}
		}
		rows = append(rows, row)
	}
	if err := e.table(rows, "PARAMS", "RESOLVED"); err != nil {
		return err
	}
	if r.Trials > 0 {
		e.printf("%d of %s done\n", r.Done, plural(r.Trials, "trial"))
	}
	e.printf("%s\n%s\n", r.Page, r.CSV)
	return nil
}
