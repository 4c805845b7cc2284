// Package transfer turns a trained network into one for other classes, and
// says how well that went and how sure the number is.
//
// There are two ways. FitHead trains a linear classifier on the features that
// the network makes of the images, computed once by Extract: the backbone
// stays frozen, and a few thousand images take a minute. Training all weights
// further takes package train; Search chooses its rates on held-out images.
// Outcomes holds what a model made of each test image, with bootstrap
// intervals of its accuracy and of the difference between two models.
package transfer

import (
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/model"
)

// Target is what a network is to be turned into.
type Target struct {
	// Classes are the names of the classes.
	Classes []string
	// Size is the input's height and width in pixels; 0 means the model's own.
	Size int
	// DropPath is the stochastic depth in training; nil means the model's own.
	DropPath *float64
	// Seed determines the initial parameters that are not m's.
	Seed uint64
}

// Adapt returns m for other classes: its parameters with a new classifier.
func Adapt(m *model.Model, t Target) (*model.Model, error) {
	changed := *m
	changed.Input = t.input(m)
	if t.DropPath != nil {
		changed.Options.DropPath = t.DropPath
	}
	return changed.WithClasses(t.Classes, t.Seed)
}

// Scratch returns the network of m for other classes with new parameters
// everywhere: what a pretrained network is compared with.
func Scratch(m *model.Model, t Target) (*model.Model, error) {
	spec, err := m.Spec()
	if err != nil {
		return nil, err
	}
	o := m.Options
	if t.DropPath != nil {
		o.DropPath = t.DropPath
	}
	out, err := model.New(spec, o, t.Classes, t.Seed)
	if err != nil {
		return nil, err
	}
	out.Input = t.input(m)
	return out, nil
}

func (t Target) input(m *model.Model) input.Preprocess {
	in := m.Preprocess()
	if t.Size > 0 {
		in.Size = [2]int{t.Size, t.Size}
	}
	return in
}
