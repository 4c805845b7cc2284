package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/mixnet-go/mixnet/pretrained/photo"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
)

type finetuneCmd struct {
	Weights   string    `short:"w" placeholder:"FILE|NAME" help:"The trained network to start from: a checkpoint, a run folder, timm's .safetensors or .pth, or a name such as mixnet_s.ft_in1k, which is fetched once. Default: the built-in photo, EfficientNet-Lite0 trained on ImageNet."`
	Network   string    `placeholder:"NAME" help:"The network of a weight file that does not say."`
	Offline   bool      `env:"MIXNET_OFFLINE" help:"Never use the internet: weights must be in the cache."`
	Data      string    `short:"d" placeholder:"DIR" help:"Class folders (with or without train, val, test above them), Oxford Pets, Food-101, IDX, CIFAR and others. Default: the built-in Fashion-MNIST subset."`
	Output    string    `short:"o" placeholder:"DIR" help:"The run folder; a new one in ./runs by default."`
	Resume    string    `placeholder:"DIR" help:"Continue the run in this folder exactly where it stopped. It knows its weights, data and flags."`
	TestSplit float64   `default:"0.2" placeholder:"F" help:"Part of the images to hold out for the result, where the data has neither test nor val."`
	Size      int       `placeholder:"PX" help:"Input size; the network's own by default."`
	HeadOnly  bool      `help:"Train the classifier alone, on features computed once: a few thousand images take a minute."`
	Frozen    *bool     `negatable:"" help:"Compare with a frozen backbone, whose classifier alone is trained. Default: yes."`
	Scratch   *bool     `negatable:"" help:"Compare with the same network trained from scratch for as long. Default: for up to 5,000 training images."`
	Grid      string    `default:"auto" enum:"auto,none,small,paper" help:"Rates and weight decays to choose from on held-out images: none, small (3) or paper (56). Default: those of the recipe, if it has any."`
	Rates     []float64 `placeholder:"F" help:"Learning rates to choose from instead."`
	JSON      bool      `name:"json" help:"Print one JSON object a line: every epoch, then the result."`

	recipeFlags `set:"recipe=finetune"`
}

// smallData is the number of training images up to which training from scratch
// for comparison is on by default.
const smallData = 5000

func (c *finetuneCmd) Run(e *env) error {
	if c.PrintConfig && c.Weights == "" {
		r, err := c.recipe(0)
		if err != nil {
			return err
		}
		return c.printConfig(e, r)
	}
	j, err := c.job(e)
	if err != nil {
		return err
	}
	if c.PrintConfig {
		return c.printConfig(e, j.plan.Recipe)
	}
	defer e.hold()()
	if err := j.run(); err != nil {
		if errors.Is(err, context.Canceled) {
			e.note("saved; continue with: %s\n", e.command("finetune", "--resume", j.dir))
		}
		return err
	}
	return j.report()
}

// job plans the work, or reads the plan of a run to continue.
func (c *finetuneCmd) job(e *env) (*finetuneJob, error) {
	j := &finetuneJob{e: e, json: c.JSON, dir: c.Resume}
	if c.Resume != "" {
		if err := e.onlyResume("offline", "json"); err != nil {
			return nil, err
		}
		if err := j.read(); err != nil {
			return nil, err
		}
	} else if err := c.plan(&j.plan); err != nil {
		return nil, err
	} else {
		j.plan.Command = e.command(e.args...)
	}
	if err := j.open(c.Offline); err != nil {
		return nil, err
	}
	if c.Resume != "" {
		return j, j.check()
	}
	if err := c.settle(&j.plan, j.train.Len(), j.test.Len()); err != nil {
		return nil, err
	}
	if j.dir = c.Output; j.dir == "" {
		var err error
		if j.dir, err = newRunDir(j.source.Network); err != nil {
			return nil, err
		}
	}
	for _, file := range []string{planFile, train.LastFile} {
		if path := filepath.Join(j.dir, file); exists(path) {
			return nil, fmt.Errorf("%w: %s", train.ErrOccupied, path)
		}
	}
	return j, nil
}

// plan settles what does not depend on the data.
func (c *finetuneCmd) plan(p *finetunePlan) error {
	if c.HeadOnly && (c.Frozen != nil && !*c.Frozen) {
		return usagef("--head-only is what --no-frozen leaves out")
	}
	if c.Size < 0 {
		return usagef("--size %d: at least 1", c.Size)
	}
	first, err := c.recipe(1)
	if err != nil {
		return err
	}
	*p = finetunePlan{
		Version: planVersion, Weights: runCheckpoint(cmp.Or(c.Weights, photo.Name)), Network: c.Network, Data: c.Data,
		TestSplit: c.TestSplit, Size: c.Size, DropPath: c.DropPath, HeadOnly: c.HeadOnly, Recipe: first, Frozen: true,
	}
	change(&p.Frozen, c.Frozen)
	return c.grid(p)
}

// grid settles what the rates are chosen from.
func (c *finetuneCmd) grid(p *finetunePlan) error {
	kind := c.Grid
	if kind == "auto" {
		kind = "none"
		if !p.Recipe.Grid.IsZero() {
			kind = "recipe"
		}
	}
	var g recipe.Grid
	switch {
	case c.HeadOnly:
		return nil
	case len(c.Rates) > 0:
		g = recipe.SmallGrid()
		g.Rates = c.Rates
	case kind == "recipe":
		g = p.Recipe.Grid
	case kind == "small":
		g = recipe.SmallGrid()
	case kind == "paper":
		g = recipe.PaperGrid()
	default:
		return nil
	}
	for _, r := range g.Candidates(p.Recipe) {
		if err := r.Validate(); err != nil {
			return usageError{err}
		}
	}
	if p.Recipe.Patience > 0 {
		return usagef("--patience with a grid: the last run has no validation images to stop by")
	}
	p.Grid = &g
	return nil
}

// settle settles the rest, given the numbers of images.
func (c *finetuneCmd) settle(p *finetunePlan, images, test int) (err error) {
	if p.Recipe, err = c.recipe(images); err != nil {
		return err
	}
	p.Images, p.Test = images, test
	p.Scratch = images <= smallData && !p.HeadOnly
	change(&p.Scratch, c.Scratch)
	return nil
}
