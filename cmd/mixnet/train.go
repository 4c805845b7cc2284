package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/zoo"
)

type trainCmd struct {
	Data     string  `short:"d" placeholder:"DIR" help:"Class folders (with or without train, val, test above them), IDX or CIFAR files. Default: the built-in Fashion-MNIST subset."`
	Model    string  `short:"m" placeholder:"NAME" help:"The network; \"mixnet models\" lists them. Default: mixnet_tiny."`
	Output   string  `short:"o" placeholder:"DIR" help:"The run folder; a new one in ./runs by default."`
	Resume   string  `placeholder:"DIR" help:"Continue the run in this folder exactly where it stopped. It knows its data and recipe."`
	ValSplit float64 `placeholder:"F" help:"Part of the training images to hold out, where the data has neither val nor test. Default: 0.1."`
	MaxSteps int     `placeholder:"N" help:"Stop after so many steps."`
	JSON     bool    `name:"json" help:"Print one JSON object a line: every epoch, then the result."`

	recipeFlags `set:"recipe=small"`
}

// trainingData is a set as training uses it.
type trainingData struct {
	source string
	train  data.Dataset
	// watch is measured after every epoch; choose says that it may decide
	// which epoch is the best, which test images must not.
	watch  data.Dataset
	choose bool
	final  data.Dataset // what the result is measured on
	part   string       // its name
}

// prepare opens the set and settles its parts.
func (c *trainCmd) prepare(seed uint64) (*trainingData, error) {
	splits, err := openData(c.Data)
	if err != nil {
		return nil, err
	}
	t := &trainingData{source: source(c.Data), train: splits.Train, watch: splits.Val, choose: true}
	if t.train == nil {
		return nil, fmt.Errorf("%s: no training images: want a folder train, or class folders", t.source)
	}
	switch {
	case splits.Val != nil && splits.Test != nil:
		t.final, t.part = splits.Test, "test"
	case splits.Val != nil:
		t.final, t.part = splits.Val, "val"
	case splits.Test != nil:
		t.watch, t.choose = splits.Test, false
		t.final, t.part = splits.Test, "test"
	default:
		if t.train, t.watch, err = data.Split(splits.Train, cmp.Or(c.ValSplit, 0.1), seed); err != nil {
			return nil, err
		}
		t.final, t.part = t.watch, "held out"
	}
	return t, nil
}

func (c *trainCmd) Run(e *env) error {
	if c.PrintConfig {
		r, err := c.recipe(0)
		if err != nil {
			return err
		}
		return c.printConfig(e, r)
	}
	started := time.Now()
	t, set, err := c.trainer(e)
	if err != nil {
		return err
	}
	defer e.hold()()
	before := t.Trained()
	if err := t.run(e, c.MaxSteps); err != nil {
		switch {
		case errors.Is(err, context.Canceled):
			e.note("saved; continue with: %s\n", e.command("train", "--resume", t.dir))
		case !errors.Is(err, train.ErrOccupied) && !errors.Is(err, train.ErrDiverged) && exists(filepath.Join(t.dir, train.LastFile)):
			e.note("once that is mended, continue with: %s\n", e.command("train", "--resume", t.dir))
		}
		return err
	}
	m, path := t.model, filepath.Join(t.dir, modelFile)
	if err := m.Save(path); err != nil {
		return err
	}
	r, err := measure(e, m, set.final, t.maxBad)
	if err != nil {
		return err
	}
	took := before + time.Since(started)
	res := r.Report(nil, t.seed)
	res.Run, res.Model, res.Network, res.Data, res.Split = t.dir, path, m.Network, set.source, set.part
	res.Seconds = took.Seconds()
	if err := writeSummary(t.dir, res); err != nil {
		return err
	}
	if err := reportAtEnd(e, t.dir, m, r); err != nil {
		return err
	}
	if c.JSON {
		return e.jsonLine(res)
	}
	sample, err := sampleImage(set.final, t.dir)
	if err != nil {
		return err
	}
	e.printf("\n%s: %s, %s parameters, trained in %s\n", path, m.Network, thousands(m.Graph.ParamCount()), formatDuration(took))
	e.next(t.dir, sample)
	e.printf("%s images, %d of them:\n", res.Split, res.Images)
	e.printf("top-1 %.2f %%  top-5 %.2f %%\n", 100*res.Top1, 100*res.Top5)
	return nil
}

// run is a training run of the command.
type run struct {
	*train.Trainer
	dir    string
	model  *model.Model
	maxBad int
	seed   uint64
	view   *trainView
}

// trainer starts a run, or opens one to continue.
func (c *trainCmd) trainer(e *env) (*run, *trainingData, error) {
	if c.Resume != "" {
		return c.resume(e)
	}
	recipe, err := c.recipe(0)
	if err != nil {
		return nil, nil, err
	}
	if recipe.Pretrained {
		return nil, nil, usagef("the recipe %s is for pretrained weights: use \"mixnet finetune\"", c.Recipe)
	}
	set, err := c.prepare(recipe.Seed)
	if err != nil {
		return nil, nil, err
	}
	if recipe, err = recipe.Complete(set.train.Len()); err != nil {
		return nil, nil, err
	}
	spec, err := zoo.Lookup(cmp.Or(c.Model, "mixnet_tiny"))
	if err != nil {
		return nil, nil, err
	}
	m, err := newModel(spec, zoo.Options{DropPath: c.DropPath, Aux: len(recipe.Sizes.Pixels) == 0}, set.train, recipe.Seed)
	if err != nil {
		return nil, nil, err
	}
	dir := c.Output
	if dir == "" {
		if dir, err = newRunDir(m.Network); err != nil {
			return nil, nil, err
		}
	}
	view := newTrainView(e, c.JSON, dir, nil)
	t, err := train.New(train.Config{
		Model: m, Recipe: recipe, Train: set.train, Val: set.watch, Source: set.source, Args: c.args(e), Dir: dir, Threads: e.cores(), KeepBest: set.choose,
		OnStep: view.step, OnEpoch: view.epoch, OnWarning: view.warning,
	})
	if err != nil {
		return nil, nil, err
	}
	if !c.JSON {
		e.printf("%s, %s parameters, on %s: %d images, %d classes\n", m.Network, thousands(m.Graph.ParamCount()), set.source, set.train.Len(), len(set.train.Classes()))
		e.printf("%d epochs of batches of %d, %d threads, run folder %s\n\n", recipe.Epochs, recipe.Batch, e.cores(), dir)
	}
	return &run{t, dir, m, recipe.MaxBad, recipe.Seed, view}, set, nil
}

// The arguments that a run records for the command.
const (
	argData     = "data"
	argValSplit = "val_split"
	argCommand  = "command"
)

func (c *trainCmd) args(e *env) map[string]string {
	return map[string]string{argCommand: e.command(e.args...), argData: c.Data, argValSplit: strconv.FormatFloat(c.ValSplit, 'g', -1, 64)}
}

// recall takes what was not given from the arguments of a run to continue.
func (c *trainCmd) recall(args map[string]string) error {
	if c.Data == "" {
		c.Data = args[argData]
	}
	if text := args[argValSplit]; text != "" && c.ValSplit == 0 {
		var err error
		if c.ValSplit, err = strconv.ParseFloat(text, 64); err != nil {
			return fmt.Errorf("%w: %s: %w", train.ErrCheckpoint, c.Resume, err)
		}
	}
	return nil
}

func (c *trainCmd) resume(e *env) (*run, *trainingData, error) {
	if err := e.onlyResume("data", "val-split", "max-steps", "json"); err != nil {
		return nil, nil, err
	}
	saved, err := train.Open(c.Resume)
	if err != nil {
		return nil, nil, err
	}
	if err := c.recall(saved.Args); err != nil {
		return nil, nil, err
	}
	set, err := c.prepare(saved.Recipe.Seed)
	if err != nil {
		return nil, nil, err
	}
	view := newTrainView(e, c.JSON, c.Resume, saved.Epochs())
	t, err := saved.Resume(train.Config{
		Train: set.train, Val: set.watch, Threads: e.threads, KeepBest: set.choose,
		OnStep: view.step, OnEpoch: view.epoch, OnWarning: view.warning,
	})
	if err != nil {
		return nil, nil, err
	}
	if !c.JSON {
		e.printf("%s: %s, %d of %d epochs done\n\n", c.Resume, saved.Model.Network, len(saved.Epochs()), saved.Recipe.Epochs)
	}
	return &run{t, c.Resume, saved.Model, saved.Recipe.MaxBad, saved.Recipe.Seed, view}, set, nil
}

// newModel builds a network for the classes and the channels of a set, with
// auxiliary classifiers if they are asked for and fit.
func newModel(spec zoo.Spec, o zoo.Options, d data.Dataset, seed uint64) (*model.Model, error) {
	o.Classes = len(d.Classes())
	info := spec.About()
	if sized, ok := d.(data.Sized); ok {
		if _, _, channels := sized.Size(); channels != info.Input.WithDefaults().Channels {
			o.Channels = channels
		}
	} else if info.Input.WithDefaults().Channels == 1 {
		o.Channels = 3
	}
	o.Aux = o.Aux && zoo.AuxFits(spec, o)
	return model.New(spec, o, d.Classes(), seed)
}

// run trains to the end, or for a number of steps.
func (t *run) run(e *env, maxSteps int) error {
	ctx, stop := context.WithCancel(e.ctx)
	defer stop()
	t.view.limit(maxSteps, stop)
	err := t.Run(ctx)
	t.view.close()
	if maxSteps > 0 && errors.Is(err, context.Canceled) && e.ctx.Err() == nil {
		return nil
	}
	return err
}
