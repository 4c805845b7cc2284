package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/model"
)

type reportCmd struct {
	Dir   string `arg:"" name:"run" help:"The run folder."`
	Worst int    `default:"24" placeholder:"N" help:"How many mistakes to show. Default: ${default}."`
	JSON  bool   `name:"json" help:"Print JSON: the files written, and the result."`
}

// The files of a run folder for people.
const (
	reportFile = "report.html"
	cardFile   = "README.md" // where the Hugging Face hub looks for it
)

// runMistakes is how many mistakes the report of a run shows.
const runMistakes = 24

// reportResult is the outcome in JSON.
type reportResult struct {
	evalReport
	Report string `json:"report"`
	Card   string `json:"card"`
}

// Run judges a run again and writes its report and its card.
func (c *reportCmd) Run(e *env) error {
	if c.Worst < 0 {
		return usagef("--worst %d: at least 0", c.Worst)
	}
	dir := runOf(c.Dir)
	if dir == "" {
		return fmt.Errorf("%s: no run folder: want one that \"%s\" or \"%s\" has made", c.Dir, e.command("train"), e.command("finetune"))
	}
	of, err := imagesOfRun(e, dir)
	if err != nil {
		return err
	}
	m, err := model.Open(runCheckpoint(dir), model.Options{})
	if err != nil {
		return err
	}
	if m.Graph.Levels() > 0 {
		return c.objects(e, of, m)
	}
	j, err := of.measure(e, m)
	if err != nil {
		return err
	}
	if err := writeReport(e, of, m, j, c.Worst); err != nil {
		return err
	}
	path, card := filepath.Join(dir, reportFile), filepath.Join(dir, cardFile)
	if c.JSON {
		out := reportResult{Report: path, Card: card}
		if j != nil {
			out.evalReport = evalReport{Report: j.Report(j.labels, of.seed), Confused: confused(j.Outcomes, j.labels)}
		}
		out.Run, out.Model, out.Network, out.Data, out.Split = dir, runCheckpoint(dir), m.Network, of.source, of.part
		return e.json(out)
	}
	e.printf("%s\n%s\n", path, card)
	return nil
}

// measure judges a model of the run on the images held out; it returns nil if
// there are none.
func (r *runImages) measure(e *env, m *model.Model) (*judged, error) {
	if r.judge == nil {
		return nil, nil
	}
	set, err := matchClasses(e, r.judge, m)
	if err != nil {
		return nil, err
	}
	return measure(e, m, set, r.maxBad)
}

// reportAtEnd writes the report of a run that has just ended with m. A report
// that cannot be written does not make the run fail.
func reportAtEnd(e *env, dir string, m *model.Model, j *judged) error {
	of, err := imagesOfRun(e, dir)
	if err == nil && j == nil {
		j, err = of.measure(e, m)
	}
	if err == nil {
		err = writeReport(e, of, m, j, runMistakes)
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	if err != nil {
		e.warn("no report: %v", err)
	}
	return nil
}

// writeReport writes the report and the card into a run's folder.
func writeReport(e *env, of *runImages, m *model.Model, j *judged, worst int) error {
	told, err := tellRun(e, of, m, j)
	if err != nil {
		return err
	}
	page, err := told.page(e, worst)
	if err != nil {
		return err
	}
	return errors.Join(
		atomicfile.Write(filepath.Join(of.dir, reportFile), page.WriteHTML),
		atomicfile.Write(filepath.Join(of.dir, cardFile), func(w io.Writer) error { return told.card().WriteMarkdown(w) }),
	)
}
