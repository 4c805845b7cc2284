package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
)

type runsCmd struct {
	Runs []string `arg:"" optional:"" name:"run" help:"Run folders to compare, with the settings that differ; all in --dir by default."`
	Dir  string   `default:"runs" placeholder:"DIR" help:"The folder that holds the runs."`
	Plot string   `placeholder:"FILE" help:"Draw top-1 of the runs (.png, .svg, .pdf)."`
	X    string   `name:"x" default:"epoch" enum:"epoch,time,macs,params" help:"What --plot draws top-1 over: a curve for each run over epochs or time, or its best against the network's multiply-adds or parameters."`
	JSON bool     `name:"json" help:"Print JSON."`
}

// runSummary is one run in the list.
type runSummary struct {
	Run     string        `json:"run"`
	Network string        `json:"network"`
	Recipe  recipe.Recipe `json:"recipe"`
	Source  string        `json:"source"`
	Done    bool          `json:"done"`
	Epochs  []train.Epoch `json:"epochs"`
	Best    float64       `json:"best_top1"` // per cent
	Last    float64       `json:"last_top1"`
	Seconds float64       `json:"seconds"`
	Error   string        `json:"error,omitempty"`
}

func (c *runsCmd) Run(e *env) error {
	dirs := c.Runs
	if len(dirs) == 0 {
		var err error
		if dirs, err = runFolders(c.Dir); err != nil {
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
	if c.JSON {
		return errors.Join(e.json(all), c.failed(all))
	}
	rows := [][]string{{"RUN", "NETWORK", "DATA", "EPOCHS", "BATCH", "OPTIMIZER", "LR", "BEST TOP-1", "LAST TOP-1", "TIME", ""}}
	for _, r := range all {
		if r.Error != "" {
			rows = append(rows, []string{r.Run, "", "", "", "", "", "", "", "", "", r.Error})
			continue
		}
		state := ""
		if !r.Done {
			state = "not finished"
		}
		rows = append(rows, []string{
			r.Run, r.Network, r.Source, fmt.Sprintf("%d/%d", len(r.Epochs), r.Recipe.Epochs), strconv.Itoa(r.Recipe.Batch),
			string(r.Recipe.Optimizer.Kind), strconv.FormatFloat(r.Recipe.Schedule.LR, 'g', 3, 64),
			fmt.Sprintf("%.2f %%", r.Best), fmt.Sprintf("%.2f %%", r.Last), formatDuration(time.Duration(r.Seconds * float64(time.Second))), state,
		})
	}
	if err := e.table(rows, "OPTIMIZER", "BATCH", "LR", "TIME", "DATA", "LAST TOP-1"); err != nil {
		return err
	}
	if err := c.failed(all); err != nil || len(c.Runs) < 2 {
		return err
	}
	rows = differences(all)
	if len(rows) == 1 {
		e.printf("\nThe recipes are the same.\n")
		return nil
	}
	e.printf("\nWhere the recipes differ:\n")
	return e.table(rows)
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

// differences returns a table of the settings that are not the same in all
// runs.
func differences(all []runSummary) [][]string {
	header := []string{"SETTING"}
	var settings []map[string]string
	names := map[string]bool{}
	for _, r := range all {
		if r.Error != "" {
			continue
		}
		header = append(header, r.Run)
		s := recipeSettings(r.Recipe)
		for name := range s {
			names[name] = true
		}
		settings = append(settings, s)
	}
	rows := [][]string{header}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		row := []string{name}
		for _, s := range settings {
			row = append(row, cmp.Or(s[name], "-"))
		}
		if len(slices.Compact(slices.Clone(row[1:]))) > 1 {
			rows = append(rows, row)
		}
	}
	return rows
}

// recipeSettings returns the settings of a recipe, with those of a table below
// its name.
func recipeSettings(r recipe.Recipe) map[string]string {
	settings := map[string]string{}
	text, err := json.Marshal(r)
	var tree map[string]any
	if err != nil || json.Unmarshal(text, &tree) != nil {
		return settings
	}
	var walk func(prefix string, tree map[string]any)
	walk = func(prefix string, tree map[string]any) {
		for name, v := range tree {
			if inner, ok := v.(map[string]any); ok {
				walk(prefix+name+".", inner)
				continue
			}
			settings[prefix+name] = fmt.Sprint(v)
		}
	}
	walk("", tree)
	return settings
}

// runFolders lists the folders in dir that hold a run.
func runFolders(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no runs yet: \"mixnet train\" makes the first", dir)
	}
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, entry := range entries {
		if path := filepath.Join(dir, entry.Name()); exists(filepath.Join(path, train.ConfigFile)) || exists(filepath.Join(path, planFile)) {
			dirs = append(dirs, path)
		}
	}
	if len(dirs) == 0 {
		return nil, fmt.Errorf("%s: no runs in this folder", dir)
	}
	return dirs, nil
}

// summarize reads what a run folder records.
func summarize(dir string) runSummary {
	s := runSummary{Run: dir}
	saved, err := train.ReadRecord(dir)
	if errors.Is(err, fs.ErrNotExist) && exists(filepath.Join(dir, planFile)) {
		return summarizeHead(dir)
	}
	if err != nil {
		s.Error = err.Error()
		return s
	}
	s.Network, s.Recipe, s.Source, s.Done, s.Epochs = saved.Network, saved.Recipe, saved.Source, saved.Done, saved.Epochs
	for _, ep := range s.Epochs {
		s.Seconds += ep.Seconds
		if ep.Validated {
			s.Best = max(s.Best, 100*ep.Top1)
			s.Last = 100 * ep.Top1
		}
	}
	return s
}

// summarizeHead reads what a run folder records that trained a classifier alone,
// or has not come further than that.
func summarizeHead(dir string) runSummary {
	s := runSummary{Run: dir}
	j := finetuneJob{dir: dir}
	if err := j.read(); err != nil {
		s.Error = err.Error()
		return s
	}
	p := &j.plan
	s.Network, s.Recipe, s.Source = "from "+p.Weights, p.Recipe, source(p.Data)
	s.Recipe.Epochs = 0
	s.Done = p.result(p.main()) != nil
	if r := p.result(frozen); r != nil && r.Outcomes != nil {
		s.Last, s.Seconds = 100*r.Outcomes.Score(p.Recipe.Seed).Top1.Value, r.Seconds
		s.Best = s.Last
	}
	return s
}

// summaryFile holds the result of a finished run.
const summaryFile = "summary.json"

func writeSummary(dir string, r any) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(filepath.Join(dir, summaryFile), append(text, '\n'))
}
