package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
)

// Options adjusts a Job. The zero value is a good choice for a few hundred to
// some ten thousand images.
type Options struct {
	// Recipe says how to train; by default recipe.Preset("finetune"), which is
	// where a recipe of one's own starts as well. One that leaves batch norm as
	// it is begins with a classifier fitted to the features of the images,
	// others with a new one.
	Recipe recipe.Recipe
	// Grid is what the recipe's rates are chosen from on images held out for
	// that; nil means the recipe's own, and one without rates none.
	Grid *recipe.Grid
	// TestSplit is the part of the training images held out to judge by, where
	// the set has neither test nor validation images; 0 means 0.2.
	TestSplit float64
	// Size is the input's height and width in pixels; 0 means the model's own.
	Size int
	// DropPath is the stochastic depth in training; nil means the model's own.
	DropPath *float64
	// NewHead starts with a new classifier even where the classes are the
	// model's, whose classifier is kept otherwise.
	NewHead bool
	// HeadOnly trains the classifier alone, on features computed once.
	HeadOnly bool
	// Frozen and Scratch compare the result with that of a frozen backbone,
	// whose classifier alone is trained, and of the same network trained from
	// new parameters for as long. By default the first is done, and the second
	// for up to SmallSet training images.
	Frozen, Scratch *bool
	// Dir is a folder to record the work in, for a job that is interrupted to
	// be continued. By default nothing is recorded.
	Dir string
	// Source is recorded.
	Source Source
	// Running says how to compute, and whom to tell.
	Running
}

// Running is what a job may be continued with another of. The zero value will
// do.
type Running struct {
	// Threads is the number of threads; 0 means all cores. The results of
	// different numbers differ by rounding.
	Threads int
	// Ranks are the processes that train together; nil for this one alone. All do
	// the same, but share the steps of training; the first keeps the folder.
	Ranks train.Ranks
	// DataName is what reports call the images; by default Source.Data.
	DataName string
	// Trace is told how the job goes on.
	Trace Trace
}

// SmallSet is the number of training images up to which training from scratch
// for comparison is on by default.
const SmallSet = 5000

// defaultTestSplit is that of zero Options.
const defaultTestSplit = 0.2

// Job turns a model into one for the classes of a set, as good as it can make
// it, and says how good that is: judged on images that took no part in it,
// beside what comes of training less or of starting from nothing.
type Job struct {
	Running
	plan    *Plan
	dir     string
	resumed bool
	source  *model.Model
	images  *Images
	models  map[Method]*model.Model // of this run of the job

	features *Features // of images.Train, from when they are known to when they are used
	forward  float64   // images a second that features took; 0 if not known
}

// New prepares a job. The error wraps train.ErrOccupied if the folder holds
// one already.
func New(m *model.Model, s *data.Splits, o Options) (*Job, error) {
	if err := occupied(o.Dir); err != nil {
		return nil, err
	}
	return newJob(m, s, o)
}

// Resume prepares the rest of the job in a folder, given its model and images:
// as if it had not been interrupted, to the bit, if these and the number of
// threads are the same.
func Resume(dir string, m *model.Model, s *data.Splits, r Running) (*Job, error) {
	p, err := ReadPlan(dir)
	if err != nil {
		return nil, err
	}
	images, err := p.Roles(s)
	if err != nil {
		return nil, err
	}
	if err := p.check(images); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return &Job{Running: r, plan: p, dir: dir, resumed: true, source: m, images: images, models: map[Method]*model.Model{}}, nil
}

// FineTune trains a model further on a set, usually of other classes, and
// returns a new one and how good it is. A model comes from mixnet.Load,
// model.Open or package pretrained/photo, a set from data.Open. It leaves m as
// it is. If o's folder holds the same job already, as an interrupt has left it,
// only the rest is done.
func FineTune(ctx context.Context, m *model.Model, s *data.Splits, o Options) (*Result, error) {
	j, err := newJob(m, s, o)
	if err != nil {
		return nil, err
	}
	if o.Dir != "" && exists(filepath.Join(o.Dir, PlanFile)) {
		want := j.plan
		if j, err = Resume(o.Dir, m, s, o.Running); err != nil {
			return nil, err
		}
		if !want.same(j.plan) {
			return nil, fmt.Errorf("%w: %s: its model, recipe or images are others", train.ErrOccupied, o.Dir)
		}
	}
	return j.Run(ctx)
}

// newJob makes the plan of a job.
func newJob(m *model.Model, s *data.Splits, o Options) (*Job, error) {
	p, err := o.plan()
	if err != nil {
		return nil, err
	}
	images, err := p.Roles(s)
	if err != nil {
		return nil, err
	}
	p.Images, p.Test = images.Train.Len(), images.Judge.Len()
	if p.Recipe, err = p.Recipe.Complete(p.Images); err != nil {
		return nil, err
	}
	if p.Scratch = !p.HeadOnly && p.Images <= SmallSet; o.Scratch != nil {
		p.Scratch = *o.Scratch
	}
	p.KeepHead = !o.NewHead && !p.HeadOnly && slices.Equal(m.Classes, images.Train.Classes())
	return &Job{Running: o.Running, plan: p, dir: o.Dir, source: m, images: images, models: map[Method]*model.Model{}}, nil
}

// plan settles what does not depend on the model and the images.
func (o Options) plan() (*Plan, error) {
	p := &Plan{
		Version: planVersion, Source: o.Source, TestSplit: o.TestSplit, Size: o.Size, DropPath: o.DropPath,
		Recipe: o.Recipe, HeadOnly: o.HeadOnly, Frozen: o.Frozen == nil || *o.Frozen,
	}
	if p.TestSplit == 0 {
		p.TestSplit = defaultTestSplit
	}
	switch {
	case !(p.TestSplit > 0 && p.TestSplit < 1):
		return nil, fmt.Errorf("hold out %v of the images to judge by: want more than 0 and less than 1", p.TestSplit)
	case o.Size < 0:
		return nil, fmt.Errorf("an input size of %d pixels: want at least 1", o.Size)
	case o.HeadOnly && !p.Frozen:
		return nil, errors.New("a classifier alone is what training with a frozen backbone leads to: one of the two cannot be left out")
	case o.HeadOnly && o.Scratch != nil && *o.Scratch:
		return nil, errors.New("a classifier alone takes no steps that training from scratch could be as long as")
	}
	if reflect.ValueOf(p.Recipe).IsZero() {
		preset, err := recipe.Preset("finetune")
		if err != nil {
			return nil, err
		}
		p.Recipe = preset
	}
	if p.Recipe.Epochs == 0 && p.Recipe.Fit.Steps == 0 {
		return nil, fmt.Errorf("%w: it says neither epochs nor steps: start from a preset and change that", recipe.ErrRecipe)
	}
	if err := p.Recipe.Validate(); err != nil {
		return nil, err
	}
	return p, p.chooseFrom(o.Grid)
}

// chooseFrom settles what the rates are chosen from.
func (p *Plan) chooseFrom(g *recipe.Grid) error {
	if g == nil {
		g = &p.Recipe.Grid
	}
	if g.IsZero() || p.HeadOnly {
		return nil
	}
	for _, r := range g.Candidates(p.Recipe) {
		if err := r.Validate(); err != nil {
			return err
		}
	}
	if p.Recipe.Patience > 0 {
		return fmt.Errorf("%w: patience beside a grid: the last run has no validation images to stop by", recipe.ErrRecipe)
	}
	own := *g
	p.Grid = &own
	return nil
}

// Plan returns what the job does.
func (j *Job) Plan() Plan { return *j.plan }

// Images returns what the images are used for.
func (j *Job) Images() *Images { return j.images }

// Dir returns the folder that the job is recorded in; "" for none.
func (j *Job) Dir() string { return j.dir }

// Source returns the model that the job starts from.
func (j *Job) Source() *model.Model { return j.source }

// dataName is what reports call the images.
func (j *Job) dataName() string { return cmp.Or(j.DataName, j.plan.Data) }
