package main

import (
	"fmt"

	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

// run is a training run of the command.
type run struct {
	*train.Trainer
	dir           string
	set           *trainingSet
	height, width int // of the pictures, their median
	model         *model.Model
	recipe        recipe.Recipe
	view          *trainView
}

// begin starts a run.
func (c *trainCmd) begin(e *env) (*run, error) {
	r := &run{}
	var err error
	if r.recipe, err = c.recipe(0); err != nil {
		return nil, err
	}
	if r.recipe.Pretrained {
		return nil, usagef("the recipe %s is for pretrained weights: use %q", c.Recipe, e.command("finetune"))
	}
	if c.Model != "" { // before the data is read
		if err := e.checkUntrained(c.Model); err != nil {
			return nil, err
		}
	}
	if r.set, err = c.prepare(r.recipe.Seed, r.recipe.Patience > 0); err != nil {
		return nil, err
	}
	e.tell(r.set.splits)
	r.height, r.width = pictureSize(r.set.Fit)
	batch := r.recipe.Batch
	if r.recipe, err = c.fitted(r.set.Fit.Len()); err != nil {
		return nil, err
	}
	name, err := c.networkName(e, r)
	if err != nil {
		return nil, err
	}
	spec, err := netfile.Lookup(name)
	if err != nil {
		return nil, err
	}
	if r.model, err = newModel(spec, zoo.Options{DropPath: c.DropPath, Aux: len(r.recipe.Sizes.Pixels) == 0}, r.set.Fit, r.recipe.Seed); err != nil {
		return nil, err
	}
	release := func() {}
	if r.dir = c.Output; r.dir == "" {
		if r.dir, err = newRunDir(r.model.Network); err != nil {
			return nil, err
		}
		release = func() { train.Unclaim(r.dir) }
	}
	r.view = newTrainView(e, c.JSON, r.dir, r.set.watchedName, r.set.Choose != nil, nil)
	cfg := r.config(e, c.MaxSteps)
	cfg.Model, cfg.Recipe, cfg.Source, cfg.Args, cfg.Dir = r.model, r.recipe, r.set.source, c.args(e), r.dir
	if r.Trainer, err = train.New(cfg); err != nil {
		release()
		return nil, err
	}
	if !c.JSON {
		c.introduce(e, r, batch)
	}
	return r, nil
}

// fitted returns the recipe for a number of images. A batch that is larger than
// the set is made smaller, unless the user has set it.
func (c *trainCmd) fitted(images int) (recipe.Recipe, error) {
	r, err := c.recipe(images)
	if err != nil || r.Batch <= images {
		return r, err
	}
	if c.changes("batch") {
		return r, usagef("--batch-size %d: there are %s only", r.Batch, plural(images, "training image"))
	}
	batch := 1
	for 2*batch <= images {
		batch *= 2
	}
	smaller := *c
	smaller.Set = append([]string{fmt.Sprintf("batch=%d", batch)}, c.Set...)
	return smaller.recipe(images)
}

// config is what a new run and a resumed one have in common.
func (r *run) config(e *env, maxSteps int) train.Config {
	return train.Config{
		Train: r.set.Fit, Val: r.set.watched, Threads: e.cores(), KeepBest: r.set.Choose != nil, MaxSteps: maxSteps,
		OnStep: r.view.step, OnEpoch: r.view.epoch, OnWarning: r.view.warning,
	}
}

// introduce says what is about to happen.
func (c *trainCmd) introduce(e *env, r *run, batch int) {
	in := r.model.Preprocess()
	e.printf("%s, %s parameters, input %d×%d×%d, on %s: %d training images, %d classes\n", r.model.Network, thousands(r.model.Graph.ParamCount()),
		in.Size[0], in.Size[1], in.Channels, r.set.source, r.set.Fit.Len(), len(r.set.Fit.Classes()))
	if r.height > 0 && r.width > 0 && (min(r.height, r.width) >= 2*in.Size[0] || r.height >= photoSide && r.width >= photoSide) {
		e.printf("pictures of about %d×%d are scaled to %d×%d; --model NAME@size=PX takes another size, and %s needs fewer pictures and less time\n",
			r.height, r.width, in.Size[0], in.Size[1], e.command("finetune", "--data", c.Data))
	}
	e.printf("%s\n", r.set.roles())
	if r.recipe.Batch != batch && r.recipe.Batch < batch && !c.changes("batch") {
		e.printf("batches of %d instead of %d, for the set has %s\n", r.recipe.Batch, batch, plural(r.set.Fit.Len(), "training image"))
	}
	long := plural(r.recipe.Epochs, "epoch")
	if c.MaxSteps > 0 {
		long = "at most " + plural(c.MaxSteps, "step") + " of " + long
	}
	e.printf("%s of batches of %d, %d threads, run folder %s\n\n", long, r.recipe.Batch, e.cores(), r.dir)
}

// resume opens a run to continue.
func (c *trainCmd) resume(e *env) (*run, error) {
	if err := e.onlyResume("data", "val-split", "max-steps", "json"); err != nil {
		return nil, err
	}
	saved, err := train.Open(c.Resume)
	if err != nil {
		return nil, err
	}
	if err := c.recall(c.Resume, saved.Args); err != nil {
		return nil, err
	}
	r := &run{dir: c.Resume, model: saved.Model, recipe: saved.Recipe}
	if r.set, err = c.prepare(saved.Recipe.Seed, saved.Recipe.Patience > 0); err != nil {
		return nil, err
	}
	r.view = newTrainView(e, c.JSON, c.Resume, r.set.watchedName, r.set.Choose != nil, saved.Epochs())
	if r.Trainer, err = saved.Resume(r.config(e, c.MaxSteps)); err != nil {
		return nil, err
	}
	if !c.JSON {
		e.printf("%s: %s, %d of %d epochs done\n%s\n\n", c.Resume, saved.Model.Network, len(saved.Epochs()), saved.Recipe.Epochs, r.set.roles())
	}
	return r, nil
}

// run trains to the end, or for the number of steps asked for.
func (r *run) run(e *env) error {
	defer r.view.close()
	return r.Run(e.ctx)
}
