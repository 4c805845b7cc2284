package command

import (
	"cmp"
	"context"
	"errors"
	"os"

	"github.com/mixnet-go/mixnet/pretrained/photo"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/transfer"
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
	NewHead   bool      `help:"Start with a new classifier even where the classes are the network's own, whose classifier is kept otherwise."`
	HeadOnly  bool      `help:"Train the classifier alone, on features computed once: a few thousand images take a minute."`
	Frozen    *bool     `negatable:"" help:"Compare with a frozen backbone, whose classifier alone is trained. Default: yes."`
	Scratch   *bool     `negatable:"" help:"Compare with the same network trained from scratch for as long. Default: for up to 5,000 training images."`
	Grid      string    `default:"auto" enum:"auto,none,small,paper" help:"Rates and weight decays to choose from on held-out images: none, small (3) or paper (56). Default: those of the recipe, if it has any."`
	Rates     []float64 `placeholder:"F" help:"Learning rates to choose from instead."`
	JSON      bool      `name:"json" help:"Print one JSON object a line: every epoch, then the result."`

	leakFlags
	recipeFlags `set:"recipe=finetune"`
}

func (c *finetuneCmd) Run(e *env) error {
	if c.PrintConfig && c.Weights == "" {
		r, err := c.recipe(0)
		if err != nil {
			return err
		}
		return c.printConfig(e, r)
	}
	if err := e.join(); err != nil {
		return err
	}
	view := &finetuneView{e: e, json: c.JSON}
	j, err := c.job(e, view)
	if err != nil {
		return err
	}
	if c.Output == "" && c.Resume == "" && e.leads() {
		defer func() { _ = os.Remove(j.Dir()) }() // if nothing is in it
	}
	if c.PrintConfig {
		return c.printConfig(e, j.Plan().Recipe)
	}
	defer e.hold()()
	view.introduce(j)
	r, err := j.Run(e.ctx)
	view.close()
	if err != nil {
		if errors.Is(err, context.Canceled) {
			e.note("saved; continue with: %s\n", e.launched("finetune", "--resume", j.Dir()))
		}
		return err
	}
	if !e.leads() {
		return nil
	}
	return view.report(j, r)
}

// job prepares the work, or the rest of what was interrupted.
func (c *finetuneCmd) job(e *env, view *finetuneView) (*transfer.Job, error) {
	if c.Resume != "" {
		if err := e.onlyResume("offline", "json"); err != nil {
			return nil, err
		}
		p, err := transfer.ReadPlan(c.Resume)
		if err != nil {
			return nil, err
		}
		m, splits, err := openSource(e, p.Source, c.Offline)
		if err != nil {
			return nil, err
		}
		return transfer.Resume(c.Resume, m, splits, c.running(e, view, p.Data))
	}
	o, err := c.options(e, view)
	if err != nil {
		return nil, err
	}
	m, splits, err := openSource(e, o.Source, c.Offline)
	if err != nil {
		return nil, err
	}
	if o.Dir = c.Output; o.Dir == "" && e.leads() {
		if o.Dir, err = train.Claim(runsDir, runName(m.Network)); err != nil {
			return nil, err
		}
	}
	j, err := transfer.New(m, splits, o)
	if err == nil {
		err = c.checkLeaks(e, j.Images().Parts(), true) // training keeps decoded images
	}
	if err != nil && c.Output == "" && e.leads() {
		train.Unclaim(o.Dir)
	}
	return j, err
}

// options turns the flags into those of the job.
func (c *finetuneCmd) options(e *env, view *finetuneView) (o transfer.Options, err error) {
	switch {
	case c.Data == "" && c.Weights == "":
		return o, usagef("which images? give --data DIR, with a folder for each class")
	case c.HeadOnly && c.Frozen != nil && !*c.Frozen:
		return o, usagef("--head-only is what --no-frozen leaves out")
	case c.HeadOnly && c.Scratch != nil && *c.Scratch:
		return o, usagef("--scratch: --head-only takes no steps that training from scratch could be as long as")
	case c.HeadOnly && (len(c.Rates) > 0 || c.Grid == "small" || c.Grid == "paper"):
		return o, usagef("--rates, --grid: --head-only fits the classifier without a rate to choose")
	case c.Size < 0:
		return o, usagef("--size %d: at least 1", c.Size)
	case !(c.TestSplit > 0 && c.TestSplit < 1):
		return o, usagef("--test-split %v: want more than 0 and less than 1", c.TestSplit)
	}
	r, err := c.recipe(0)
	if err != nil {
		return o, err
	}
	o = transfer.Options{
		Recipe: r, Grid: c.grid(), TestSplit: c.TestSplit, Size: c.Size, DropPath: c.DropPath, NewHead: c.NewHead, HeadOnly: c.HeadOnly,
		Frozen: c.Frozen, Scratch: c.Scratch,
		Source:  transfer.Source{Weights: runCheckpoint(cmp.Or(c.Weights, photo.Name)), Network: c.Network, Data: c.Data, Command: e.command(e.args...)},
		Running: c.running(e, view, c.Data),
	}
	if g := cmp.Or(o.Grid, &r.Grid); !c.HeadOnly && !g.IsZero() {
		if r.Patience > 0 {
			return o, usagef("--patience with a grid: the last run has no validation images to stop by")
		}
		for _, candidate := range g.Candidates(r) {
			if err := candidate.Validate(); err != nil {
				return o, usageError{err}
			}
		}
	}
	return o, nil
}

// grid returns what the rates are chosen from; nil for the recipe's own.
func (c *finetuneCmd) grid() *recipe.Grid {
	var g recipe.Grid
	switch {
	case len(c.Rates) > 0:
		g = recipe.SmallGrid()
		g.Rates = c.Rates
	case c.Grid == "small":
		g = recipe.SmallGrid()
	case c.Grid == "paper":
		g = recipe.PaperGrid()
	case c.Grid == "auto":
		return nil
	}
	return &g
}

func (c *finetuneCmd) running(e *env, view *finetuneView, path string) transfer.Running {
	how := transfer.Running{Threads: e.threads, DataName: source(path), Trace: view.trace(), Ranks: e.shared()}
	if !e.leads() {
		how.Trace = transfer.Trace{Warning: how.Trace.Warning}
	}
	return how
}
