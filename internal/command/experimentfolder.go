package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mixnet-go/mixnet/experiment"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/train"
)

type experimentPageCmd struct {
	Dir    string `arg:"" help:"The experiment's folder, or one with the pages of several: those are made again from their tables."`
	DB     string `name:"db" placeholder:"ADDRESS" help:"Its PostgreSQL database, if it has one."`
	Output string `short:"o" placeholder:"DIR" help:"Folder for the page and what belongs to it; README.md there lists all pages in it. Default: the experiment's."`
	Commit string `placeholder:"ID" help:"The commit of the program that did the trials, where the program did not know it."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

func (c *experimentPageCmd) Run(e *env) error {
	found, err := c.read(e)
	if err != nil {
		return err
	}
	to := c.Output
	if to == "" {
		to = c.Dir
	} else if err := os.MkdirAll(to, 0o777); err != nil {
		return err
	}
	var all []*experimentResult
	for _, k := range found {
		page, err := writeExperiment(k.record, k.trials, to)
		if err != nil {
			return err
		}
		all = append(all, page)
	}
	if c.Output != "" || len(all) > 1 {
		if err := writeExperimentIndex(to); err != nil {
			return err
		}
	}
	if c.JSON && len(all) > 1 {
		return e.json(all)
	}
	for _, page := range all {
		if err := page.show(e, c.JSON); err != nil {
			return err
		}
	}
	return nil
}

// keptExperiment is an experiment in a folder.
type keptExperiment struct {
	record *experiment.Record
	trials []store.Trial
}

// read reads the experiment of a database, or those that are kept as tables.
func (c *experimentPageCmd) read(e *env) ([]keptExperiment, error) {
	file := target(c.DB, c.Dir)
	if _, err := os.Stat(file); c.DB == "" && errors.Is(err, fs.ErrNotExist) {
		if kept, err := keptExperiments(c.Dir); err != nil || len(kept) > 0 {
			return kept, err
		}
	}
	db, err := store.Open(e.ctx, file, true)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	s, err := db.Search(e.ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	plan, err := experiment.Load(s)
	if err != nil {
		return nil, err
	}
	trials, err := db.Trials(e.ctx)
	return []keptExperiment{{recordOf(plan, trials, c.Commit), trials}}, err
}

// keptExperiments reads the experiments whose records and tables lie in a
// folder, by name.
func keptExperiments(dir string) ([]keptExperiment, error) {
	var all []keptExperiment
	for _, x := range experiment.List() {
		text, err := os.ReadFile(filepath.Join(dir, x.Name+".json"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		record, err := experiment.ReadRecord(text)
		if err != nil {
			return nil, fmt.Errorf("%s.json: %w", x.Name, err)
		}
		table, err := os.ReadFile(filepath.Join(dir, x.Name+".csv"))
		if err != nil {
			return nil, err
		}
		trials, err := experiment.ReadCSV(bytes.NewReader(table), record.Plan)
		if err != nil {
			return nil, err
		}
		all = append(all, keptExperiment{record, trials})
	}
	return all, nil
}

// recordOf describes the trials of a plan.
func recordOf(p *experiment.Plan, trials []store.Trial, commit string) *experiment.Record {
	r := &experiment.Record{Plan: p, Command: commandOf(p), Data: base(p.Data), Version: p.Version, Machine: machineOf(trials)}
	if x, err := experiment.Lookup(p.Experiment); err == nil && x.Needs == experiment.Objects && p.Data == "" {
		r.Data = madePictures
	}
	if commit != "" {
		r.Version = commit
	}
	if r.Version == "" {
		r.Version = "of an unknown version"
	}
	last := time.Time{}
	for _, t := range trials {
		if t.Finished.After(last) {
			last = t.Finished
		}
	}
	if last.IsZero() {
		last = time.Now()
	}
	r.Date = last.UTC().Format(time.DateOnly)
	return r
}

// machineOf says where the first trial that is done ran; "" if its run folder is
// not here.
func machineOf(trials []store.Trial) string {
	for _, t := range trials {
		o, err := experiment.OutcomeOf(t)
		if t.State != store.Done || err != nil {
			continue
		}
		var config struct {
			Environment environmentRecord `json:"environment"`
		}
		text, err := os.ReadFile(filepath.Join(o.Run, train.ConfigFile))
		if err != nil || json.Unmarshal(text, &config) != nil {
			continue
		}
		v := config.Environment
		return fmt.Sprintf("%s, %d cores, %s, %s", v.Platform, v.Cores, v.Kernels, v.Go)
	}
	return ""
}

// commandOf is the command line that makes an experiment.
func commandOf(p *experiment.Plan) string {
	words := []string{"mixnet", "experiment", "run", p.Experiment, "--preset", p.Preset}
	for _, w := range p.Given {
		words = append(words, shellQuote(w))
	}
	return strings.Join(words, " ")
}

// indexMark begins an index that may be written again.
const indexMark = "<!-- written by mixnet experiment page -->\n"

// writeExperimentIndex lists the experiments of a folder in its README.md.
func writeExperimentIndex(dir string) error {
	file := filepath.Join(dir, "README.md")
	old, err := os.ReadFile(file)
	if err == nil && !bytes.HasPrefix(old, []byte(indexMark)) || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("%s is there and no list of experiments: give another folder", file), err)
	}
	kept, err := keptExperiments(dir)
	if err != nil {
		return err
	}
	var pages []*experiment.Page
	for _, k := range kept {
		page, err := k.record.Page(k.trials)
		if err != nil {
			return err
		}
		pages = append(pages, page)
	}
	return atomicfile.Write(file, func(w io.Writer) error {
		if _, err := io.WriteString(w, indexMark); err != nil {
			return err
		}
		return experiment.WriteIndex(w, slices.Clip(pages))
	})
}
