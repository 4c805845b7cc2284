// Package transfer turns a trained network into one for other classes, and
// says how well that went and how sure the number is.
//
// FineTune does it all: it gives the images their roles, chooses rates if the
// recipe is to have them chosen, trains all weights further, and judges the
// result beside that of a frozen backbone and of training from scratch. A Job
// is the same in steps, recorded in a folder so that it can be interrupted.
//
// The parts can be had alone. Extract computes the features that the network
// makes of images, and FitHead trains a linear classifier on them: a few
// thousand images take a minute. Adapt gives a network a new classifier, for
// package train to go on with, and GridSearch chooses its rates on held-out
// images.
package transfer

import (
	"fmt"

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

// keepHead gives m the classifier of another model for the same classes.
func keepHead(m, from *model.Model) error {
	index := from.Graph.ParamIndex()
	for _, id := range m.Graph.HeadParams() {
		p := m.Graph.Params[id]
		old, ok := index[p.Name]
		if !ok || len(from.Values[old]) != len(m.Values[id]) {
			return fmt.Errorf("%s: its classifier has no %s of %d values to keep", from.Network, p.Name, len(m.Values[id]))
		}
		copy(m.Values[id], from.Values[old])
	}
	return nil
}
