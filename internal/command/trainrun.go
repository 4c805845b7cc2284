package command

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/train/objects"
	"github.com/mixnet-go/mixnet/train/task"
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
	start         warmStart // of a network that finds objects
	recipe        recipe.Recipe
	batch         int // before it was made to fit the set
	view          *trainView
}

// plan settles what is trained on what, and how.
func (c *trainCmd) plan(e *env) (*run, error) {
	r := &run{}
	var err error
	if r.recipe, err = c.recipe(0); err != nil {
		return nil, err
	}
	if r.recipe.Pretrained && !c.detects() {
		return nil, usagef("the recipe %s is for pretrained weights: use %q", c.Recipe, e.command("finetune"))
	}
	if c.Model != "" && !c.detects() { // before the data is read
		if err := e.checkUntrained(c.Model); err != nil {
			return nil, err
		}
	}
	if r.set, err = c.prepare(e, r.recipe.Seed, r.recipe.Patience > 0); err != nil {
		return nil, err
	}
	if !c.JSON || !c.detects() {
		e.tell(r.set.splits)
	}
	if !c.detects() {
		e.tellOneClass(r.set.splits)
	}
	if c.Data != "" { // the built-in images are known to have none
		if err := c.checkLeaks(e, r.set.Parts(), false); err != nil {
			return nil, err
		}
	}
	r.height, r.width = pictureSize(r.set.Fit)
	r.batch = r.recipe.Batch
	if r.recipe, err = c.fitted(r.set.Fit.Len()); err != nil {
		return nil, err
	}
	if c.detects() {
		return r, c.planObjects(e, r)
	}
	name, err := c.networkName(e, r)
	if err != nil {
		return nil, err
	}
	spec, err := netfile.Lookup(name)
	if err != nil {
		return nil, err
	}
	r.model, err = newModel(spec, zoo.Options{DropPath: c.DropPath, Aux: len(r.recipe.Sizes.Pixels) == 0}, r.set.Fit, r.recipe.Seed)
	return r, err
}

// begin starts a run.
func (c *trainCmd) begin(e *env) (*run, error) {
	r, err := c.plan(e)
	if err != nil {
		return nil, err
	}
	if r.dir = c.Output; r.dir == "" && e.leads() {
		if r.dir, err = train.Claim(runsDir, runName(r.model.Network)); err != nil {
			return nil, err
		}
	}
	r.view = newTrainView(e, c.JSON, r.dir, r.set.watchedName, r.set.Choose != nil, nil)
	cfg, err := r.config(e, c.MaxSteps)
	if err != nil {
		return nil, err
	}
	cfg.Model, cfg.Recipe, cfg.Source, cfg.Args, cfg.Dir = r.model, r.recipe, r.set.source, c.args(e), r.dir
	if r.Trainer, err = train.New(cfg); err != nil {
		if c.Output == "" && e.leads() {
			train.Unclaim(r.dir)
		}
		return nil, err
	}
	switch {
	case c.JSON:
	case c.detects():
		c.introduceObjects(e, r)
	default:
		c.introduce(e, r)
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
func (r *run) config(e *env, maxSteps int) (train.Config, error) {
	cfg := train.Config{
		Train: r.set.Fit, Val: r.set.watched, Threads: e.cores(), KeepBest: r.set.Choose != nil, MaxSteps: maxSteps,
		OnWarning: r.view.warning, Ranks: e.shared(),
	}
	if e.leads() {
		cfg.OnStep, cfg.OnEpoch = r.view.step, r.view.epoch
	}
	var err error
	cfg.Task, err = r.task()
	return cfg, err
}

// task is what the network is trained for; nil for classification.
func (r *run) task() (task.Task, error) {
	spec, err := r.model.Spec()
	if err != nil {
		return nil, err
	}
	if _, finds := zoo.Finds(spec); !finds {
		return nil, nil
	}
	return objects.New(spec, r.model.Options.Classes, r.recipe.Detection)
}

// introduce says what is about to happen.
func (c *trainCmd) introduce(e *env, r *run) {
	in := r.model.Preprocess()
	e.printf("%s, %s parameters, input %d×%d×%d\n", r.model.Network, thousands(r.model.Graph.ParamCount()), in.Size[0], in.Size[1], in.Channels)
	e.printf("trained on %s: %s\n", r.set.source, classSizes(r.set.Fit))
	if n := len(r.set.Single); n > 0 {
		e.printf("%s with one picture only, which cannot be held out: %s\n", plural(n, "class"), oneLine(strings.Join(r.set.Single[:min(n, 5)], ", ")))
	}
	if r.height > 0 && r.width > 0 && (min(r.height, r.width) >= 2*in.Size[0] || r.height >= photoSide && r.width >= photoSide) {
		e.printf("pictures of about %d×%d are scaled to %d×%d; --model NAME@size=PX takes another size, and %s needs fewer pictures and less time\n",
			r.height, r.width, in.Size[0], in.Size[1], e.command("finetune", "--data", c.Data))
	}
	e.printf("%s\n", r.set.roles())
	if r.recipe.Batch < r.batch && !c.changes("batch") {
		e.printf("batches of %d instead of %d, for the set has %s\n", r.recipe.Batch, r.batch, plural(r.set.Fit.Len(), "training image"))
	}
	long := plural(r.recipe.Epochs, "epoch")
	if c.MaxSteps > 0 {
		long = "at most " + plural(c.MaxSteps, "step") + " of " + long
	}
	e.printf("%s of batches of %d, %s, run folder %s\n\n", long, r.recipe.Batch, e.computing(), r.dir)
}

// resume opens a run to continue, or to give more epochs.
func (c *trainCmd) resume(e *env) (*run, error) {
	if err := e.onlyResume("data", "val-split", "allow-leaks", "max-steps", "max-bad", "epochs", "lr", "json"); err != nil {
		return nil, err
	}
	saved, err := train.Open(c.Resume)
	if err != nil {
		return nil, err
	}
	if err := c.recall(c.Resume, saved.Args); err != nil {
		return nil, err
	}
	if err := c.extend(e, saved); err != nil {
		return nil, err
	}
	r := &run{dir: c.Resume, model: saved.Model, recipe: saved.Recipe}
	if r.set, err = c.prepare(e, saved.Recipe.Seed, saved.Recipe.Patience > 0); err != nil {
		return nil, err
	}
	r.view = newTrainView(e, c.JSON, c.Resume, r.set.watchedName, r.set.Choose != nil, saved.Epochs())
	cfg, err := r.config(e, c.MaxSteps)
	if err != nil {
		return nil, err
	}
	if bad := c.maxBad(); bad != nil {
		var changed recipe.Recipe
		if err := changed.Set("max_bad=" + *bad); err != nil {
			return nil, usageError{err}
		}
		cfg.Recipe.MaxBad = changed.MaxBad
	}
	if r.Trainer, err = saved.Resume(cfg); err != nil {
		return nil, err
	}
	if !c.JSON {
		e.printf("%s: %s, %d of %d epochs done\n%s\n\n", c.Resume, saved.Model.Network, len(saved.Epochs()), saved.Length(), r.set.roles())
	}
	return r, nil
}

// extend gives a run that has ended more epochs, up to those of --epochs.
func (c *trainCmd) extend(e *env, saved *train.Saved) error {
	if c.Epochs == nil {
		if c.LR != nil {
			return usagef("--resume continues a run as it began: leave out --lr, or give --epochs as well for more epochs at that rate")
		}
		return nil
	}
	all, err := strconv.Atoi(*c.Epochs)
	done := len(saved.Epochs())
	switch {
	case err != nil:
		return usagef("--epochs %s: want a whole number", *c.Epochs)
	case all == saved.Length() && c.LR == nil:
		return nil
	case !saved.Done():
		return usagef("--epochs %d: the run goes to epoch %d first: %s", all, saved.Length(), e.command("train", "--resume", c.Resume))
	case all <= done:
		return usagef("--epochs %d: the run has %s already: give how many there are to be in all", all, plural(done, "epoch"))
	}
	var schedule recipe.Schedule
	if c.LR != nil {
		rate, err := strconv.ParseFloat(*c.LR, 64)
		if err != nil {
			return usagef("--lr %s: want a number", *c.LR)
		}
		schedule = saved.Recipe.Schedule
		schedule.LR, schedule.Warmup = rate, 0
	}
	return saved.Extend(all-done, schedule)
}

// run trains to the end, or for the number of steps asked for.
func (r *run) run(e *env) error {
	defer r.view.close()
	return r.Run(e.ctx)
}
