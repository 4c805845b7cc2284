package transfer

import (
	"time"

	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
)

// Trace is told how a job goes on, on the goroutine that runs it. Functions
// that are nil are left out.
type Trace struct {
	// Training is called when a network begins to be trained, and Trained when
	// it no longer is.
	Training, Trained func(Stage)
	// Step is called after every step, and Epoch after every epoch of training.
	Step  func(Stage, train.Progress)
	Epoch func(Stage, train.Epoch)
	// Passing is called as the network goes through images without learning,
	// for what is in the first argument.
	Passing func(Pass)
	// Head is called when a classifier has been trained on features.
	Head func(HeadFit)
	// Chose is called when rates have been chosen.
	Chose func(recipe.Recipe)
	// Warning is called when something went wrong that the job survives, such
	// as an image that could not be read.
	Warning func(error)
}

// Stage is a network in training.
type Stage struct {
	// Method is what it is trained for, and Name says more where that is a
	// candidate of a grid.
	Method Method
	Name   string
	// Dir is the run folder; "" for none.
	Dir    string
	Recipe recipe.Recipe
	// Images is the number of training images, and Watched that of those that
	// every epoch is measured on.
	Images, Watched int
	// WatchedName is what the latter are called, such as "test images", and
	// Chooses says that the epoch that is best on them is the result.
	WatchedName string
	Chooses     bool
	// KeepsHead says that training goes on with the model's own classifier.
	KeepsHead bool
	// Done holds the epochs of a run that goes on.
	Done []train.Epoch
	// Expected is how long it may take; 0 if that is not known.
	Expected time.Duration
}

// Pass is how far a pass through images is.
type Pass struct {
	What         string // such as "features"
	Images, Done int
	Ended        bool
}

// HeadFit is a classifier trained on features.
type HeadFit struct {
	Features int
	Penalty  float64
	Top1     float64 // of the images that judge
	Took     time.Duration
}

func (t *Trace) training(s Stage) {
	if t.Training != nil {
		t.Training(s)
	}
}

func (t *Trace) trained(s Stage) {
	if t.Trained != nil {
		t.Trained(s)
	}
}

func (t *Trace) passing(p Pass) {
	if t.Passing != nil {
		t.Passing(p)
	}
}

func (t *Trace) head(h HeadFit) {
	if t.Head != nil {
		t.Head(h)
	}
}

func (t *Trace) chose(r recipe.Recipe) {
	if t.Chose != nil {
		t.Chose(r)
	}
}

func (t *Trace) warning(err error) {
	if t.Warning != nil {
		t.Warning(err)
	}
}
