package command

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

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
		Experiment: x, Plan: plan, Results: all, Command: commandOf(plan), Data: "the training images of the " + base(plan.Data), Judged: thousands(int64(experiment.Judged(all))) + " images", Made: madeBy(),
	}
	for _, panel := range experiment.Panels(all) {
		for _, paper := range []bool{true, false} {
			file, err := writeFigure(x, all, panel, paper, dir)
			if err != nil {
				return nil, err
			}
			page.Figures = append(page.Figures, file)
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

// writeFigure draws a panel, with the paper's values or with ours, and returns
// the file's name; "" where there is nothing to draw.
func writeFigure(x experiment.Experiment, all []experiment.Result, panel string, paper bool, dir string) (string, error) {
	c := &chart.Chart{Title: panel, X: chart.Axis{Label: x.XLabel}, Y: chart.Axis{Label: "top-1 (%)"}}
	name := x.Name + "-" + strings.ToLower(panel)
	if x.XLabel == "" {
		c.X.Label = "multiply-adds (M)"
	}
	if paper {
		c.Title += ", the paper's"
		name += "-paper"
		if x.XLabel == "" {
			c.X.Label = "FLOPS (M)"
		}
		for _, a := range x.Arms() {
			drawArm(c, &x, panel, &a, 100*a.Top1, a.FLOPS)
		}
	} else {
		for _, r := range all {
			drawArm(c, &x, panel, &r.Arm, 100*r.Mean, float64(r.MACs)/1e6)
		}
	}
	if len(c.Series) == 0 {
		return "", nil
	}
	return name + ".svg", c.WriteFile(filepath.Join(dir, name+".svg"))
}

// drawArm adds an arm of a panel to the chart, if it has a value.
func drawArm(c *chart.Chart, x *experiment.Experiment, panel string, a *experiment.Arm, top1, cost float64) {
	if a.Panel != panel || top1 == 0 {
		return
	}
	p := chart.Point{X: cost, Y: top1, Label: fmt.Sprintf("%s %s: %.2f", a.Series, a.Label, top1)}
	if x.XLabel != "" {
		p.X = float64(a.X)
	}
	i := slices.IndexFunc(c.Series, func(s chart.Series) bool { return s.Name == a.Series })
	if i < 0 {
		i = len(c.Series)
		c.Series = append(c.Series, chart.Series{Name: a.Series})
	}
	c.Series[i].Points = append(c.Series[i].Points, p)
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
