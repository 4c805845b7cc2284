// Package experiment repeats experiments of the MixConv paper (arXiv
// 1907.09595): which networks a figure compares, at the paper's scale or at one
// that takes an hour, trials in a store that several processes share, and what
// the outcome says.
package experiment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/transfer"
	"github.com/mixnet-go/mixnet/zoo"
)

// Experiment is a figure of the paper.
type Experiment struct {
	Name   string // a word
	Title  string
	Source string // in the paper
	About  string
	// XLabel is what arms are drawn over; "" means multiply-adds.
	XLabel string
	// Metric is what trials are scored by; "" means top-1.
	Metric string
	// Needs is what its trials are done with.
	Needs Needs
	arms  []Arm
	kind  kind
	// published are points of the paper's figure where its network has other
	// layers than those that are compared here; nil where the arms have them.
	published []Arm
	claims    []claim
}

// Needs is what the trials of an experiment are done with.
type Needs int

// What trials are done with.
const (
	Images  Needs = iota // images to train on
	Nothing              // there are no trials
	Targets              // several sets, and weights to start from
	Objects              // pictures with boxes
	Weights              // published weights, and where there are any, images to judge them by
)

// kind is what sets an experiment apart besides its arms. What is nil is done as
// for networks that are trained on images.
type kind struct {
	presets []Preset
	// plan adds the arms to a plan.
	plan func(*Plan, Experiment, Preset, Options) error
	// trial does a trial with a seed and returns its score.
	trial func(context.Context, *Trainer, store.Trial, *Planned, uint64, *Outcome) (float64, error)
	// base reports whether an arm may be what another is compared with; of those
	// the first is. Nil means the arms of the same panel.
	base func(of, arm *Planned) bool
	// page writes the page below its title.
	page func(*Page, *strings.Builder)
	// conclusions say in a line each what came of it; nil means the claims.
	conclusions func(*Page) []string
	// csv writes the table; nil means that of the trials.
	csv func(io.Writer, *Plan) error
	// figures are the pictures.
	figures func(Experiment, []Result) []Figure
}

// Arm is one of the networks that an experiment compares: a base with a change.
type Arm struct {
	Panel  string `json:"panel"`  // the base: MobileNetV1 or MobileNetV2
	Series string `json:"series"` // such as "depthwise" or "MixConv"
	Label  string `json:"label"`  // within the series, such as "5×5"
	// Change is a setting of the zoo, such as "mix=3"; "" for the base itself.
	Change string `json:"changed,omitempty"`
	// Equal scales the width so that the arm has the base's multiply-adds.
	Equal bool `json:"equal"`
	// X is where the arm is drawn where that is not over multiply-adds.
	X int `json:"x,omitempty"`
	// Listed arms are shown, and have no trials.
	Listed bool `json:"listed,omitempty"`
	// Top1 and FLOPS are the paper's, a fraction and millions; 0 where it has none.
	Top1  float64 `json:"paper_top1,omitempty"`
	FLOPS float64 `json:"paper_flops,omitempty"`
	// Row is what else the paper's table has of it; nil for nothing.
	Row *Row `json:"row,omitempty"`
	// largest is the arm's largest kernel.
	largest int
	// printed are the parameters that the paper states, in millions; 0 where it
	// states none.
	printed float64
	// halves says of an arm that changes one layer that it has stride 2.
	halves bool
}

// base is what the arms of a panel change.
type base struct {
	panel string
	paper string      // in the zoo
	small zoo.Network // for images of 28 to 32 pixels
}

// List returns the experiments.
func List() []Experiment { return slices.Clone(experiments) }

// ErrUnknown is wrapped by the error of Lookup.
var ErrUnknown = errors.New("unknown experiment")

// Lookup returns an experiment by its name.
func Lookup(name string) (Experiment, error) {
	var names []string
	for _, e := range experiments {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return Experiment{}, fmt.Errorf("%w %q: want %s", ErrUnknown, name, strings.Join(names, ", "))
}

// Arms returns the arms of the paper's size.
func (e Experiment) Arms() []Arm { return slices.Clone(e.arms) }

// Row is what a table of the paper says of an arm besides top-1 and FLOPS.
type Row struct {
	Params float64 `json:"params,omitempty"` // in millions
	Top5   float64 `json:"top5,omitempty"`   // a fraction
	Kind   string  `json:"kind,omitempty"`   // how the network was designed
	Figure bool    `json:"figure_only,omitempty"`
	Note   string  `json:"note,omitempty"` // why counts differ
}

// Preset is the size of an experiment.
type Preset struct {
	Name   string
	About  string
	Recipe string // a preset of recipe
	Epochs int    // 0 means the recipe's
	Seeds  int
	Images int // of the training images; 0 means all
	Set    []string
	// Kernel is the largest kernel size of an arm; 0 means any.
	Kernel int
	// Few takes the first and the last arm of every series only.
	Few bool
	// Paper takes the paper's networks, at 224 pixels, instead of small ones.
	Paper bool
	// Judge is how many images judge at most; 0 means all.
	Judge int
	// PerClass is how many images of a class there are to train on, on average; 0
	// means all.
	PerClass int
	// Panel is the only one of the experiment that is taken; "" means all.
	Panel string
	// Size is the input's height and width at most; 0 means the network's own.
	Size int
	// Weights are published ones that are taken where none are given.
	Weights []string
	// Grid is what rates are chosen from; zero means the recipe's.
	Grid recipe.Grid
	// Methods are ways of training; nil means all.
	Methods []transfer.Method
}

// Presets returns the sizes that the experiment comes in.
func (e Experiment) Presets() []Preset {
	if e.kind.presets != nil {
		return slices.Clone(e.kind.presets)
	}
	return slices.Clone(presets)
}

// Preset returns a size by its name.
func (e Experiment) Preset(name string) (Preset, error) {
	var names []string
	for _, p := range e.Presets() {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Preset{}, fmt.Errorf("no preset %q: want %s", name, strings.Join(names, ", "))
}

// metric names what trials are scored by.
func (e *Experiment) metric() string { return cmp.Or(e.Metric, "top-1") }

// Published returns the points of the paper's figure.
func (e Experiment) Published() []Arm {
	if e.published != nil {
		return slices.Clone(e.published)
	}
	return e.Arms()
}

// know sets what the experiment knows of arms beside what is trained for them.
func (e *Experiment) know(p *Plan) error {
	preset, err := e.Preset(p.Preset)
	if err != nil {
		return nil // of another version
	}
	for i := range p.Arms {
		a := &p.Arms[i].Arm
		for _, known := range e.arms {
			if known.Panel == a.Panel && known.Series == a.Series && known.Label == a.Label {
				*a = known
			}
		}
		if e.XLabel != layerLabel || a.X < 0 || a.Series == ownSeries {
			continue
		}
		start, err := a.base(preset.Paper)
		if err != nil {
			return err
		}
		if stages := start.Unrolled().Stages; a.X < len(stages) {
			a.halves = stages[a.X].Stride > 1
		}
	}
	return nil
}

// base returns the network that the arm changes, in the paper's size or the
// small one.
func (a *Arm) base(paper bool) (zoo.Network, error) {
	b := bases[slices.IndexFunc(bases, func(b base) bool { return b.panel == a.Panel })]
	if !paper {
		return b.small, nil
	}
	spec, err := zoo.Lookup(b.paper)
	if err != nil {
		return zoo.Network{}, err
	}
	return spec.(zoo.Network), nil
}

// changed returns the base of an arm and what its change makes of that.
func (a *Arm) changed(paper bool) (start, n zoo.Network, err error) {
	if start, err = a.base(paper); err != nil || a.Change == "" {
		return start, start, err
	}
	spec, err := zoo.Change(start, a.Change)
	if err != nil {
		return start, n, err
	}
	return start, spec.(zoo.Network), nil
}

// network returns the network of an arm, in the paper's size or the small one.
func (a *Arm) network(paper bool) (zoo.Network, error) {
	start, n, err := a.changed(paper)
	if err != nil || !a.Equal {
		return n, err
	}
	cost, err := nas.CostOf(start)
	if err != nil {
		return n, err
	}
	return nas.Equalized(n, cost.MACs)
}
