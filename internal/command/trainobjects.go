package command

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/data/boxes"
	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/pretrained/person"
	"github.com/mixnet-go/mixnet/train/objects"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

// The networks that are trained to detect where neither the command line nor the
// recipe names one: from random weights, and on the backbone of a classifier.
const (
	objectNetwork = "mobilenetv2_100_ssdlite192"
	objectSuffix  = "_ssdlite320"
)

// The recipes of networks that detect, where none is named.
const (
	objectRecipe = "detection"
	tunedRecipe  = "detection-finetune" // from weights
	madeRecipe   = "garments"           // on the pictures that come with the command
)

// checkTask reports flags that do not go with the task, and chooses its recipe.
func (c *trainCmd) checkTask(e *env) error {
	switch {
	case !c.detects() && c.Resume == "" && (c.Weights != "" || c.DryRun || c.Draw != ""):
		return usagef("--weights, --dry-run and --draw are for --task %s: to train a classifier from weights, use %q", taskDetect, e.command("finetune"))
	case c.Draw != "" && !c.DryRun:
		return usagef("--draw goes with --dry-run")
	case c.DryRun && (c.Resume != "" || c.LRFind):
		return usagef("--dry-run is for runs that have not begun, and trains nothing: leave out --resume and --lr-find")
	case !c.detects() || slices.Contains(e.given, "recipe"):
		return nil
	}
	switch {
	case c.Weights != "":
		c.Recipe = tunedRecipe
	case c.Data == "":
		c.Recipe = madeRecipe
	default:
		c.Recipe = objectRecipe
	}
	return nil
}

// warmStart is what a detector's weights begin with.
type warmStart struct {
	from  *model.Model // nil for random ones
	taken model.Adopted
}

// planObjects makes the network that is to find the set's objects.
func (c *trainCmd) planObjects(e *env, r *run) error {
	if c.Weights != "" {
		from, err := c.loadWeights(e)
		if err != nil {
			return err
		}
		r.start.from = from
	}
	name, err := c.objectNetwork(r)
	if err != nil {
		return err
	}
	spec, err := netfile.Lookup(name)
	if err != nil {
		return err
	}
	if _, finds := zoo.Finds(spec); !finds {
		return fmt.Errorf("%s classifies and finds no objects: want a detector on it, such as %s%s", spec.About().Name, name, objectSuffix)
	}
	classes := r.set.Fit.Classes()
	if r.model, err = model.New(spec, zoo.Options{Classes: len(classes), DropPath: c.DropPath}, classes, r.recipe.Seed); err != nil {
		return err
	}
	task, err := objects.New(spec, len(classes), r.recipe.Detection)
	if err != nil {
		return err
	}
	fresh := func(string) bool { return true }
	if r.start.from != nil {
		if r.model.Network == r.start.from.Network {
			r.model.Input = r.start.from.Preprocess()
		}
		if r.start.taken, err = r.model.Adopt(r.start.from); err != nil {
			return fmt.Errorf("%s: %w", c.Weights, err)
		}
		fresh = func(name string) bool { return slices.Contains(r.start.taken.Fresh, name) }
	}
	task.Prior(r.model.Graph, r.model.Values, fresh)
	return nil
}

// loadWeights reads what --weights names.
func (c *trainCmd) loadWeights(e *env) (*model.Model, error) {
	if c.Weights == person.Name && !exists(c.Weights) {
		return person.Model()
	}
	f := modelFlags{Model: runCheckpoint(c.Weights), newHead: true}
	return f.load(e)
}

// objectNetwork is the network to train: the one that is named, that of the
// weights or on their network, or the recipe's.
func (c *trainCmd) objectNetwork(r *run) (string, error) {
	switch {
	case c.Model != "":
		return c.Model, nil
	case r.start.from == nil && r.recipe.Network != "":
		return r.recipe.Network, nil
	case r.start.from == nil:
		return objectNetwork, nil
	}
	spec, err := r.start.from.Spec()
	if err != nil {
		return "", err
	}
	name := r.start.from.Network
	if _, finds := zoo.Finds(spec); finds {
		return name, nil
	}
	base, changes, changed := strings.Cut(name, "@")
	name = base + objectSuffix
	if changed {
		name += "@" + changes
	}
	if _, err := netfile.Lookup(name); err != nil {
		return "", fmt.Errorf("%s: %w: name a detector on %s with --model", c.Weights, err, r.start.from.Network)
	}
	return name, nil
}

// introduceObjects says what is about to happen.
func (c *trainCmd) introduceObjects(e *env, r *run) {
	in := r.model.Preprocess()
	e.printf("%s, %s parameters, input %d×%d×%d\n", r.model.Network, thousands(r.model.Graph.ParamCount()), in.Size[0], in.Size[1], in.Channels)
	c.tellStart(e, r)
	s := c.objectSummary(e, r)
	e.printf("%s: %s\n", r.set.source, s.Layout)
	for _, line := range s.lines() {
		e.printf("%s\n", line)
	}
	_ = e.table(s.rows())
	if f := s.Anchors; f != nil {
		e.printf("%s of the training boxes have an anchor of IoU 0.5 or more\n", inPercent(f.Covered))
		if f.Covered < 0.9 {
			e.printf("boxes that no anchor fits are hard to find: a larger input (--model BACKBONE_ssdliteSIZE) fits smaller ones\n")
		}
	}
	e.printf("%s\n", r.set.roles())
	if r.recipe.Batch < r.batch && !c.changes("batch") {
		e.printf("batches of %d instead of %d, for the set has %s\n", r.recipe.Batch, r.batch, plural(r.set.Fit.Len(), "training image"))
	}
	long := plural(r.recipe.Epochs, "epoch")
	if c.MaxSteps > 0 {
		long = "at most " + plural(c.MaxSteps, "step") + " of " + long
	}
	e.printf("%s of batches of %d, %s loss, %d threads", long, r.recipe.Batch, r.lossKind(), e.cores())
	if r.dir != "" {
		e.printf(", run folder %s", r.dir)
	}
	e.printf("\n\n")
}

// lossKind is the loss that the recipe, or else the network, has.
func (r *run) lossKind() detect.LossKind {
	if k := r.recipe.Detection.Kind; k != "" {
		return k
	}
	if spec, err := r.model.Spec(); err == nil {
		if a, ok := zoo.Finds(spec); ok && a.Style == detect.Torchvision {
			return detect.Softmax
		}
	}
	return detect.Multibox
}

// objectSummary is the summary of the set of a run.
func (c *trainCmd) objectSummary(e *env, r *run) objectSummary {
	s := summarizeObjects(r.set.splits.Kind, r.set.objects, r.set.Parts())
	if d, ok := r.set.Fit.(boxes.Labelled); ok {
		fit, err := fitAnchors(r.model, d)
		if err != nil {
			e.warn("%v", err)
		}
		s.Anchors = fit
	}
	return s
}

// tellStart says which parameters are those of --weights and which start anew.
func (c *trainCmd) tellStart(e *env, r *run) {
	if r.start.from == nil {
		return
	}
	a := &r.start.taken
	all := int64(0)
	for _, v := range r.model.Values {
		all += int64(len(v))
	}
	e.printf("from %s, %s: %s of %s parameters are taken, running statistics counted", c.Weights, r.start.from.Network, thousands(a.Numbers), thousands(all))
	if len(a.Fresh) > 0 {
		e.printf("; what starts anew: %s", layerGroups(a.Fresh))
	}
	if len(a.Unused) > 0 {
		e.printf("; what is not used: %s", layerGroups(a.Unused))
	}
	e.printf("\n")
}

// layerGroups sums up names of parameters by the layers that they are of.
func layerGroups(names []string) string {
	counts := map[string]int{}
	var groups []string
	for _, n := range names {
		parts := strings.Split(n, ".")
		depth := 1
		if parts[0] == "head" || parts[0] == "backbone" {
			depth = 2
		}
		g := strings.Join(parts[:min(depth, len(parts))], ".")
		if counts[g] == 0 {
			groups = append(groups, g)
		}
		counts[g]++
	}
	for i, g := range groups {
		groups[i] = fmt.Sprintf("%s (%d)", g, counts[g])
	}
	return listed(groups)
}

// finishObjects judges the result of a run and reports it.
func (c *trainCmd) finishObjects(e *env, r *run, seconds float64) error {
	path := filepath.Join(r.dir, modelFile)
	res := objectReport{}
	if r.set.Judge != nil {
		j, err := judgeObjects(e, r.model, r.set.Judge, r.recipe.MaxBad, r.recipe.Seed, e.running())
		if err != nil {
			return err
		}
		res = j.report()
	}
	res.Run, res.Model, res.Network, res.Data, res.Split = r.dir, path, r.model.Network, r.set.source, partName(r.set.JudgeName)
	res.Seconds = seconds
	if err := writeSummary(r.dir, res); err != nil {
		return err
	}
	if err := writeObjectReport(e, r.dir, r.model, &res); err != nil {
		e.warn("no report: %v", err)
	}
	if c.JSON {
		return e.jsonLine(res)
	}
	return c.printObjects(e, r, &res)
}

// printObjects prints the result, its figures last.
func (c *trainCmd) printObjects(e *env, r *run, res *objectReport) error {
	sample, err := r.introduce(e, res.Model, res.Network, res.Seconds)
	if err != nil {
		return err
	}
	e.printf("Next:\n")
	if sample != "" {
		e.printf("  %s\n", e.command("detect", "--model", r.dir, sample, "--score", "0.3", "--draw", "found"))
	}
	if r.set.Judge == nil {
		e.printf("\nnothing was held out to measure the result on\n")
		return nil
	}
	e.printf("  %s\n\n", e.command("eval", "--model", r.dir, "--per-class"))
	e.printf("%s images, %d of them, %s:\n", res.Split, res.Images, plural(res.Truths, "object"))
	e.printf("%s\n", res.line())
	return nil
}
