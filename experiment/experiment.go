// Package experiment repeats experiments of the MixConv paper (arXiv
// 1907.09595): which networks a figure compares, at the paper's scale or at one
// that takes an hour, trials in a store that several processes share, and what
// the outcome says.
package experiment

import (
	"context"
	"errors"
	"fmt"
	"math"
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
	// Needs is what its trials are done with.
	Needs Needs
	arms  []Arm
	kind  kind
}

// Needs is what the trials of an experiment are done with.
type Needs int

// What trials are done with.
const (
	Images  Needs = iota // images to train on
	Nothing              // there are no trials
	Targets              // several sets, and weights to start from
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
	// largest is the arm's largest kernel.
	largest int
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

// of returns the arms of an experiment at a preset's size.
func (p Preset) of(e Experiment) []Arm {
	var fit []Arm
	for _, a := range e.arms {
		if _, _, err := a.changed(p.Paper); err != nil || p.Kernel > 0 && a.largest > p.Kernel {
			continue // the small networks have fewer layers
		}
		fit = append(fit, a)
	}
	if !p.Few {
		return fit
	}
	last := map[string]int{}
	for i, a := range fit {
		last[a.Panel+a.Series] = i
	}
	var few []Arm
	for i, a := range fit {
		if a.Change == "" || last[a.Panel+a.Series] == i {
			few = append(few, a)
		}
	}
	return few
}

// changed returns the base of an arm and what its change makes of that, in the
// paper's size or the small one.
func (a *Arm) changed(paper bool) (start, n zoo.Network, err error) {
	i := slices.IndexFunc(bases, func(b base) bool { return b.panel == a.Panel })
	start = bases[i].small
	if paper {
		spec, err := zoo.Lookup(bases[i].paper)
		if err != nil {
			return start, n, err
		}
		start = spec.(zoo.Network)
	}
	if a.Change == "" {
		return start, start, nil
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
	return equalized(n, cost.MACs)
}

// equalized returns a network with its widths multiplied so that it has about so
// many multiply-adds. Widths are even, not multiples of 8 as the zoo's: those of
// small networks would miss by a sixth.
func equalized(n zoo.Network, macs int64) (zoo.Network, error) {
	best, least := n, int64(math.MaxInt64)
	try := func(width float64) (int64, error) {
		scaled := n
		even := func(c int) int { return max(2*int(math.Round(float64(c)*width/2)), 2) }
		scaled.Stem.Out = even(n.Stem.Out)
		if n.Head.Out > 0 {
			scaled.Head.Out = even(n.Head.Out)
		}
		scaled.Stages = slices.Clone(n.Stages)
		for i := range scaled.Stages {
			scaled.Stages[i].Out = even(n.Stages[i].Out)
		}
		cost, err := nas.CostOf(scaled)
		if off := max(cost.MACs-macs, macs-cost.MACs); err == nil && off < least {
			best, least = scaled, off
			best.Name = fmt.Sprintf("%s@width=%.3f", n.Name, width)
		}
		return cost.MACs, err
	}
	low, high := 0.1, 2.0
	for range 12 {
		width := math.Sqrt(low * high)
		got, err := try(width)
		if err != nil {
			return n, err
		}
		if got > macs {
			high = width
		} else {
			low = width
		}
	}
	// Rounded widths do not grow evenly: look about.
	for i := range 40 {
		if _, err := try(low * (0.96 + 0.002*float64(i))); err != nil {
			return n, err
		}
	}
	return best, nil
}
