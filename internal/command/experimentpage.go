package command

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/mixnet-go/mixnet/experiment"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/internal/chart"
	"github.com/mixnet-go/mixnet/nas/store"
)

// experimentResult is what a run or a page prints.
type experimentResult struct {
	Experiment string              `json:"experiment"`
	Preset     string              `json:"preset"`
	Done       int                 `json:"done"`
	Trials     int                 `json:"trials"`
	Page       string              `json:"page"`
	CSV        string              `json:"csv"`
	Results    []experiment.Result `json:"results"`
}

// writeExperiment writes page, table and figures of an experiment into a folder.
func writeExperiment(x experiment.Experiment, plan *experiment.Plan, trials []store.Trial, dir string) (*experimentResult, error) {
	all, err := experiment.Results(plan, trials)
	if err != nil {
		return nil, err
	}
	out := &experimentResult{
		Experiment: plan.Experiment, Preset: plan.Preset, Trials: plan.Trials(),
		Page: filepath.Join(dir, plan.Experiment+".md"), CSV: filepath.Join(dir, plan.Experiment+".csv"), Results: all,
	}
	for _, r := range all {
		out.Done += len(r.Top1)
	}
	page := experiment.Page{
		Experiment: x, Plan: plan, Results: all, Command: commandOf(plan), Data: "the training images of the " + base(plan.Data), Judged: thousands(int64(experiment.Judged(all))) + " images", Made: madeBy(), Figures: x.Figures(all),
	}
	for _, f := range page.Figures {
		if err := drawFigure(&f, dir); err != nil {
			return nil, err
		}
	}
	if err := atomicfile.Write(out.CSV, func(w io.Writer) error { return experiment.WriteCSV(w, plan, all) }); err != nil {
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
	c := &chart.Chart{Title: f.Title, X: chart.Axis{Label: f.X, Log: f.LogX}, Y: chart.Axis{Label: f.Y}, Labels: f.Labels, Note: f.Note}
	for _, k := range f.Curves {
		s := chart.Series{Name: k.Name, Scatter: k.Scatter, Strong: k.Strong}
		for _, p := range k.Points {
			s.Points = append(s.Points, chart.Point{X: p.X, Y: p.Y, Label: p.Label})
		}
		c.Series = append(c.Series, s)
	}
	return c.WriteFile(filepath.Join(dir, f.File))
}

func (r *experimentResult) show(e *env, asJSON bool) error {
	if asJSON {
		return e.json(r)
	}
	rows := [][]string{{"NETWORK", "", "", "PARAMS", "MACS", "TOP-1", "±", "DIFFERENCE", "RESOLVED"}}
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
	e.printf("%d of %s done\n%s\n%s\n", r.Done, plural(r.Trials, "trial"), r.Page, r.CSV)
	return nil
}
