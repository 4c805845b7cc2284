package command

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/train"
)

type trainCmd struct {
	setFlags
	Model    string `short:"m" aliases:"network" placeholder:"NAME" help:"The network, or a network file; \"mixnet models\" lists them. Default: the recipe's, else mixnet_tiny for pictures below 64 pixels and mixnet_s at up to 128 pixels for others; to detect, that of --weights, else mobilenetv2_100_ssdlite192."`
	Weights  string `placeholder:"FILE|NAME" help:"With --task detect: weights to start from, of a network that finds other objects, such as person, or of a classifier, such as tf_efficientnet_lite0.in1k or photo."`
	Output   string `short:"o" placeholder:"DIR" help:"The run folder; a new one in ./runs by default."`
	Resume   string `placeholder:"DIR" help:"Continue the run in this folder exactly where it stopped. It knows its data and recipe. One that has ended goes on with --epochs, how many there are to be in all, and --lr, by default a tenth of the recipe's."`
	LRFind   bool   `name:"lr-find" help:"Try ever higher learning rates for 100 steps and suggest one; nothing is kept."`
	DryRun   bool   `help:"With --task detect: say what would be trained on what, and stop."`
	Draw     string `placeholder:"DIR|FILE" help:"With --dry-run: draw training pictures, as augmented, with their boxes: into a folder, or on one sheet (.png)."`
	MaxSteps int    `placeholder:"N" help:"Stop after so many steps."`
	JSON     bool   `name:"json" help:"Print one JSON object a line: every epoch, then the result."`

	recipeFlags `set:"recipe=small"`
}

func (c *trainCmd) Run(e *env) error {
	if err := c.checkTask(e); err != nil {
		return err
	}
	if c.PrintConfig {
		r, err := c.recipe(0)
		if err != nil {
			return err
		}
		return c.printConfig(e, r)
	}
	if err := e.join(); err != nil {
		return err
	}
	if c.LRFind {
		if err := e.alone("--lr-find"); err != nil {
			return err
		}
		if c.Resume != "" {
			return usagef("--lr-find is for runs that have not begun")
		}
		return c.findRate(e)
	}
	started := time.Now()
	open := c.begin
	if c.Resume != "" {
		open = c.resume
	}
	if c.DryRun {
		return c.rehearse(e)
	}
	r, err := open(e)
	if err != nil {
		return err
	}
	defer e.hold()()
	before := r.Trained()
	if err := r.run(e); err != nil {
		r.advise(e, err)
		return err
	}
	if !e.leads() {
		return nil
	}
	if err := r.model.Save(filepath.Join(r.dir, modelFile)); err != nil {
		return err
	}
	if c.detects() {
		return c.finishObjects(e, r, (before + time.Since(started)).Seconds())
	}
	return c.finish(e, r, (before + time.Since(started)).Seconds())
}

// finish judges the result of a run that classifies, and reports it.
func (c *trainCmd) finish(e *env, r *run, seconds float64) error {
	path := filepath.Join(r.dir, modelFile)
	var found *judged
	res := evaluate.Report{}
	if r.set.Judge != nil {
		var err error
		if found, err = measure(e, r.model, r.set.Judge, r.recipe.MaxBad); err != nil {
			return err
		}
		res = found.Report(nil, r.recipe.Seed)
	}
	res.Run, res.Model, res.Network, res.Data, res.Split = r.dir, path, r.model.Network, r.set.source, partName(r.set.JudgeName)
	res.Seconds = seconds
	if err := writeSummary(r.dir, res); err != nil {
		return err
	}
	if err := reportAtEnd(e, r.dir, r.model, found); err != nil {
		return err
	}
	if c.JSON {
		return e.jsonLine(res)
	}
	return r.report(e, res)
}

// partName is what machines read of a role's name: "test", "val" or "held-out".
func partName(role string) string {
	name := strings.TrimSuffix(role, " images")
	if name == "validation" {
		return "val"
	}
	return name
}

// advise says how a run that an error ended goes on.
func (r *run) advise(e *env, err error) {
	again := e.launched("train", "--resume", r.dir)
	if errors.Is(err, data.ErrTooManyBad) {
		e.note("--max-bad N skips up to N images that cannot be read\n")
	}
	switch {
	case errors.Is(err, context.Canceled):
		e.note("saved; continue with: %s\n", again)
	case !errors.Is(err, train.ErrOccupied) && !errors.Is(err, train.ErrBusy) && !errors.Is(err, train.ErrDiverged) && exists(filepath.Join(r.dir, train.LastFile)):
		e.note("once that is mended, continue with: %s\n", again)
	}
}

// introduce says what was trained, and writes an image to try it on.
func (r *run) introduce(e *env, file, network string, seconds float64) (sample string, err error) {
	from := r.set.Judge
	if from == nil {
		from = r.set.Fit
	}
	if sample, err = sampleImage(from, r.dir); err != nil {
		return "", err
	}
	e.printf("\n%s: %s, %s parameters, trained in %s\n", file, network, thousands(r.model.Graph.ParamCount()), formatSeconds(seconds))
	return sample, nil
}

// report prints the result, its figures last.
func (r *run) report(e *env, res evaluate.Report) error {
	sample, err := r.introduce(e, res.Model, res.Network, res.Seconds)
	if err != nil {
		return err
	}
	if r.set.Judge == nil {
		e.printf("Next:\n  %s\n\nnothing was held out to measure the result on\n", e.command("predict", "--model", r.dir, sample))
		return nil
	}
	e.next(r.dir, sample)
	e.printf("%s images, %d of them:\n", res.Split, res.Images)
	e.printf("top-1 %s  top-5 %s\n", inPercent(res.Top1), inPercent(res.Top5))
	return nil
}

func formatSeconds(s float64) string { return formatDuration(time.Duration(s * float64(time.Second))) }

// networkName is the network to train.
func (c *trainCmd) networkName(e *env, r *run) (string, error) {
	if c.Model != "" {
		return c.Model, e.checkUntrained(c.Model)
	}
	return defaultNetwork(r.recipe, r.height, r.width), nil
}
