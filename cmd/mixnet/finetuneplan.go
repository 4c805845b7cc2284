package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/transfer"
)

// planFile is the file of a fine-tuning run's folder that says what is to be
// done and what has been.
const planFile = "finetune.json"

const planVersion = 1

// finetunePlan is what a run does, and the results it has so far.
type finetunePlan struct {
	Command   string        `json:"command,omitempty"` // the command line
	Version   int           `json:"version"`
	Weights   string        `json:"weights"`
	Network   string        `json:"network,omitempty"`
	Data      string        `json:"data"`
	TestSplit float64       `json:"test_split"`
	Size      int           `json:"size,omitempty"`
	DropPath  *float64      `json:"drop_path,omitempty"`
	Recipe    recipe.Recipe `json:"recipe"`
	Grid      *recipe.Grid  `json:"grid,omitempty"`
	HeadOnly  bool          `json:"head_only,omitempty"`
	Frozen    bool          `json:"frozen"`
	Scratch   bool          `json:"scratch"`
	Images    int           `json:"images"`
	Test      int           `json:"test_images"`

	Trials  []transfer.Trial `json:"trials,omitempty"`
	Chosen  *recipe.Recipe   `json:"chosen,omitempty"` // from the grid
	Results []methodResult   `json:"results,omitempty"`
}

// methodResult is what a way of training led to.
type methodResult struct {
	Method   string             `json:"method"`
	Model    string             `json:"model"` // the file with the weights
	Seconds  float64            `json:"seconds"`
	Outcomes *evaluate.Outcomes `json:"outcomes"`
}

// The ways of training.
const (
	fineTuned   = "fine-tuned"
	frozen      = "frozen backbone"
	fromScratch = "from scratch"
)

// result returns that of a method; nil if there is none yet.
func (p *finetunePlan) result(method string) *methodResult {
	for i := range p.Results {
		if p.Results[i].Method == method {
			return &p.Results[i]
		}
	}
	return nil
}

// write stores the plan in the run folder.
func (j *finetuneJob) write() error {
	text, err := json.MarshalIndent(j.plan, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(filepath.Join(j.dir, planFile), append(text, '\n'))
}

// read reads the plan of a run to continue.
func (j *finetuneJob) read() error {
	path := filepath.Join(j.dir, planFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w: %w", train.ErrCheckpoint, err)
	}
	if err := json.Unmarshal(text, &j.plan); err != nil {
		return fmt.Errorf("%w: %s: %w", train.ErrCheckpoint, path, err)
	}
	if v := j.plan.Version; v != planVersion {
		return fmt.Errorf("%w: %s has version %d, this program reads %d", train.ErrCheckpoint, path, v, planVersion)
	}
	return nil
}

// check reports whether the data is what the run began with.
func (j *finetuneJob) check() error {
	if n, m := j.train.Len(), j.test.Len(); n != j.plan.Images || m != j.plan.Test {
		return fmt.Errorf("%w: the data has %d training and %d test images, the run began with %d and %d", train.ErrCheckpoint, n, m, j.plan.Images, j.plan.Test)
	}
	for _, r := range j.plan.Results {
		if o := r.Outcomes; o == nil || len(o.Labels) != j.plan.Test || len(o.Ranks) != j.plan.Test || o.Classes != len(j.test.Classes()) {
			return fmt.Errorf("%w: %s: the result of %q is damaged", train.ErrCheckpoint, filepath.Join(j.dir, planFile), r.Method)
		}
	}
	return nil
}

// finetuneJob is a fine-tuning run of the command.
type finetuneJob struct {
	e    *env
	json bool
	dir  string
	plan finetunePlan

	source *model.Model
	train  data.Dataset // what the result is trained on
	// fit and val are what the grid is tried on; where there is none, val is
	// what the best epoch of training is chosen by, nil for nothing.
	fit, val data.Dataset
	test     data.Dataset
	part     string             // name of test
	features *transfer.Features // of train, from when they are known to when they are used
	forward  float64            // images a second that features took; 0 if not known
}

// cacheBytes bounds the memory for decoded images.
const cacheBytes = 1 << 30

// valSplit is the part of the training images held out where something is to
// be chosen.
const valSplit = 0.2

// open reads the weights and the data.
func (j *finetuneJob) open(offline bool) (err error) {
	p := &j.plan
	if j.source, err = (&modelFlags{Model: p.Weights, Network: p.Network, Offline: offline}).load(j.e); err != nil {
		return err
	}
	return j.openImages()
}

// openImages reads the data.
func (j *finetuneJob) openImages() error {
	p := &j.plan
	splits, err := openData(p.Data)
	if err != nil {
		return err
	}
	if splits.Train == nil {
		return fmt.Errorf("%s: no training images: want a folder train, or class folders", source(p.Data))
	}
	j.train, j.val = splits.Train, splits.Val
	switch {
	case splits.Test != nil:
		j.test, j.part = splits.Test, "test"
	case splits.Val != nil:
		j.test, j.part, j.val = splits.Val, "val", nil
	default:
		j.part = "held-out"
		if j.train, j.test, err = data.Split(splits.Train, p.TestSplit, p.Recipe.Seed); err != nil {
			return err
		}
	}
	j.train = data.Cache(j.train, cacheBytes)
	j.fit = j.train
	if j.val == nil && (p.Grid != nil || p.Recipe.Patience > 0) {
		if j.fit, j.val, err = data.Split(j.train, valSplit, p.Recipe.Seed); err != nil {
			return err
		}
	}
	switch {
	case p.Grid == nil:
		j.train = j.fit
	case splits.Val != nil && splits.Test != nil:
		j.train, err = data.Join(j.fit, j.val)
	}
	return err
}
