package transfer

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
)

// Files of a run folder, besides those of package train.
const (
	PlanFile    = "finetune.json"     // Plan
	ModelFile   = "model.safetensors" // the result
	SummaryFile = "summary.json"      // Report
	frozenFile  = "frozen.safetensors"
	scratchDir  = "scratch" // the run that trains from scratch
	gridDir     = "grid"    // one run a candidate
)

const planVersion = 1

// Plan is what a Job does, and the results it has so far. A job with a folder
// keeps it there, for another to go on with.
type Plan struct {
	Version int `json:"version"`
	Source
	TestSplit float64       `json:"test_split"`
	Size      int           `json:"size,omitempty"`
	DropPath  *float64      `json:"drop_path,omitempty"`
	Recipe    recipe.Recipe `json:"recipe"` // for Images
	Grid      *recipe.Grid  `json:"grid,omitempty"`
	HeadOnly  bool          `json:"head_only,omitempty"`
	// KeepHead says that training goes on with the model's own classifier.
	KeepHead bool `json:"keep_head,omitempty"`
	// Frozen and Scratch say what the result is compared with.
	Frozen  bool `json:"frozen"`
	Scratch bool `json:"scratch"`
	// Images and Test are the numbers of images to train on and to judge by.
	Images int `json:"images"`
	Test   int `json:"test_images"`

	Trials  []GridTrial    `json:"trials,omitempty"`
	Chosen  *recipe.Recipe `json:"chosen,omitempty"` // from Grid
	Results []MethodResult `json:"results,omitempty"`
}

// Source says where a job's model and images come from. It is recorded, for
// who opens them again.
type Source struct {
	Weights string `json:"weights"`
	Network string `json:"network,omitempty"`
	Data    string `json:"data"`
	// Command is the command line that the job comes from; "" for none.
	Command string `json:"command,omitempty"`
}

// Method is a way of training.
type Method string

// The ways of training.
const (
	FineTuned   Method = "fine-tuned"      // all weights
	Frozen      Method = "frozen backbone" // the classifier alone, on features
	FromScratch Method = "from scratch"    // all weights, from new ones
)

// MethodResult is what a way of training led to.
type MethodResult struct {
	Method   Method             `json:"method"`
	Model    string             `json:"model"` // the file with the weights
	Seconds  float64            `json:"seconds"`
	Outcomes *evaluate.Outcomes `json:"outcomes"`
}

// Result returns that of a method; nil if there is none yet.
func (p *Plan) Result(m Method) *MethodResult {
	for i := range p.Results {
		if p.Results[i].Method == m {
			return &p.Results[i]
		}
	}
	return nil
}

// Main returns the method that the job is about. Others are there to compare.
func (p *Plan) Main() Method {
	if p.HeadOnly {
		return Frozen
	}
	return FineTuned
}

// ReadPlan reads the plan of the job in a folder. The error wraps
// train.ErrCheckpoint.
func ReadPlan(dir string) (*Plan, error) {
	path := filepath.Join(dir, PlanFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", train.ErrCheckpoint, err)
	}
	p := new(Plan)
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", train.ErrCheckpoint, path, err)
	}
	if p.Version != planVersion {
		return nil, fmt.Errorf("%w: %s has version %d, this program reads %d", train.ErrCheckpoint, path, p.Version, planVersion)
	}
	return p, nil
}

// write stores the plan; "" is no folder.
func (p *Plan) write(dir string) error {
	if dir == "" {
		return nil
	}
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(filepath.Join(dir, PlanFile), append(text, '\n'))
}

// same reports whether two plans are to do the same.
func (p *Plan) same(other *Plan) bool {
	a, b := *p, *other
	for _, x := range []*Plan{&a, &b} {
		x.Command, x.Trials, x.Chosen, x.Results = "", nil, nil, nil
	}
	return reflect.DeepEqual(a, b)
}

// check reports whether the images are those that the plan was made for.
func (p *Plan) check(i *Images) error {
	if n, m := i.Train.Len(), i.Judge.Len(); n != p.Images || m != p.Test {
		return fmt.Errorf("%w: the data has %d training and %d test images, the run began with %d and %d", train.ErrCheckpoint, n, m, p.Images, p.Test)
	}
	for _, r := range p.Results {
		if o := r.Outcomes; o == nil || len(o.Labels) != p.Test || len(o.Ranks) != p.Test || o.Classes != len(i.Judge.Classes()) {
			return fmt.Errorf("%w: the result of %q in %s is damaged", train.ErrCheckpoint, r.Method, PlanFile)
		}
	}
	return nil
}

// Images are what the images of a set are for.
type Images struct {
	// Roles has what rates are tried on in Fit. Choose decides between rates,
	// or where there is nothing to choose from, between epochs; nil for
	// neither. Nothing is chosen by Judge.
	data.Roles
	// Train is what the result is trained on: Fit, and once the rates are
	// chosen those of Choose as well.
	Train data.Dataset
}

const (
	// cacheBytes bounds the memory for decoded images.
	cacheBytes = 1 << 30
	// valSplit is the part of the training images held out to choose by.
	valSplit = 0.2
)

// Roles gives the images of a set their roles. Where a set has validation but
// no test images, those judge.
func (p *Plan) Roles(s *data.Splits) (*Images, error) {
	parts := data.Splits{Train: s.Train, Val: s.Val, Test: s.Test}
	if parts.Train != nil {
		parts.Train = data.Cache(parts.Train, cacheBytes)
	}
	valJudges := s.Test == nil && s.Val != nil
	if valJudges {
		parts.Val, parts.Test = nil, s.Val
	}
	whole, err := parts.Plan(data.Policy{Test: p.TestSplit, Seed: p.Recipe.Seed})
	if err != nil {
		return nil, err
	}
	if whole.Judge == nil {
		return nil, errors.New("no images to judge by: hold some out")
	}
	i := &Images{Roles: whole}
	if i.Choose == nil && (p.Grid != nil || p.Recipe.Patience > 0) {
		if i.Roles, err = parts.Plan(data.Policy{Val: valSplit, Test: p.TestSplit, Seed: p.Recipe.Seed}); err != nil {
			return nil, err
		}
	}
	switch i.Train = i.Fit; {
	case p.Grid == nil:
	case parts.Val != nil:
		i.Train, err = data.Join(i.Fit, i.Choose)
	default:
		i.Train = whole.Fit
	}
	if valJudges {
		i.JudgeName = "validation images"
	}
	return i, err
}
