package command

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

type runsCmd struct {
	Runs   []string `arg:"" optional:"" name:"run" help:"Run folders to compare, with the settings that differ; all in --dir by default."`
	Dir    string   `default:"runs" placeholder:"DIR" help:"The folder that holds the runs. Default: runs."`
	Groups bool     `help:"Only the groups of runs that differ in their seed alone: mean, standard deviation and number."`
	Plot   string   `placeholder:"FILE" help:"Draw top-1 of the runs (.png, .svg, .pdf)."`
	X      string   `name:"x" default:"epoch" enum:"epoch,time,macs,params" help:"What --plot draws top-1 over: a curve for each run over epochs or time, or its result against the network's multiply-adds or parameters."`
	JSON   bool     `name:"json" help:"Print JSON."`
}

// Help explains the columns.
func (c *runsCmd) Help() string {
	return `TOP-1 is the result and OF the images that it was measured on; a run that has not ended shows its last epoch. BEST is the highest
top-1 after an epoch, on the images that are measured then: those that choose, else those that judge. Of runs that find objects, AP and
BEST are COCO's average precision.`
}

func (c *runsCmd) Run(e *env) error {
	dirs := c.Runs
	if len(dirs) == 0 {
		var err error
		if dirs, err = runFolders(e, c.Dir); err != nil {
			return err
		}
	}
	var all []runSummary
	for _, dir := range dirs {
		all = append(all, summarize(dir))
	}
	if c.Plot != "" {
		if err := c.plot(all); err != nil {
			return err
		}
	}
	groups := seedGroups(all)
	switch {
	case c.JSON && c.Groups:
		return errors.Join(e.json(groups), c.failed(all))
	case c.JSON:
		return errors.Join(e.json(all), c.failed(all))
	case c.Groups && len(groups) == 0:
		e.printf("no two runs differ in their seed alone\n")
		return c.failed(all)
	case !c.Groups:
		if err := e.table(runTable(e, all), "OPTIMIZER", "BATCH", "LR", "BEST", "DATA", "TIME", "OF"); err != nil {
			return err
		}
	}
	if len(groups) > 0 {
		if !c.Groups {
			e.printf("\nRuns that differ in their seed alone:\n")
		}
		if err := e.table(groupTable(groups), "RUNS", "DATA", "RANGE"); err != nil {
			return err
		}
	}
	if err := c.failed(all); err != nil || len(c.Runs) < 2 || c.Groups {
		return err
	}
	rows := differences(all)
	if len(rows) == 1 {
		e.printf("\nThe recipes are the same.\n")
		return nil
	}
	e.printf("\nWhere the recipes differ:\n")
	return e.table(rows)
}

func runTable(e *env, all []runSummary) [][]string {
	rows := [][]string{{"RUN", "NETWORK", "DATA", "EPOCHS", "BATCH", "OPTIMIZER", "LR", "TOP-1", "AP", "OF", "BEST", "TIME", "STATE"}}
	for _, r := range all {
		if r.Error != "" {
			rows = append(rows, []string{r.Run, "", "", "", "", "", "", "", "", "", "", "", r.Error})
			continue
		}
		epochs := strconv.Itoa(r.Recipe.Epochs)
		if len(r.Epochs) < r.Recipe.Epochs {
			epochs = fmt.Sprintf("%d/%d", len(r.Epochs), r.Recipe.Epochs)
		}
		top1, ap, best := "–", "", ""
		if r.Top1 != nil {
			top1 = inPercent(*r.Top1)
		}
		if r.AP != nil {
			top1, ap = "", inPercent(*r.AP)
		}
		if b := cmp.Or(r.BestTop1, r.BestAP); b != nil {
			best = inPercent(*b)
		}
		rows = append(rows, []string{
			r.Run, r.Network, r.Source, epochs, strconv.Itoa(r.Recipe.Batch), string(r.Recipe.Optimizer.Kind),
			strconv.FormatFloat(r.Recipe.Schedule.LR, 'g', 3, 64), top1, ap, r.Split, best, formatSeconds(r.Seconds), cmp.Or(r.State, "done"),
		})
	}
	if !slices.ContainsFunc(all, func(r runSummary) bool { return r.AP != nil }) {
		at := slices.Index(rows[0], "AP")
		for i := range rows {
			rows[i] = slices.Delete(rows[i], at, at+1)
		}
	}
	return rows
}

// failed reports runs that cannot be read.
func (c *runsCmd) failed(all []runSummary) error {
	n := 0
	for _, r := range all {
		if r.Error != "" {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d of %s cannot be read", n, plural(len(all), "run"))
}
