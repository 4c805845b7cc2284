package experiment

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

// Plan is an experiment in full: which networks are trained how. It is what a
// store keeps of it.
type Plan struct {
	Experiment string        `json:"experiment"`
	Preset     string        `json:"preset"`
	Data       string        `json:"data"` // as the command opens it; "" means the built-in set
	Images     int           `json:"images,omitempty"`
	Recipe     recipe.Recipe `json:"recipe"`
	Seeds      int           `json:"seeds"`
	Seed       uint64        `json:"seed"` // the first one
	Dir        string        `json:"dir"`  // of the run folders
	Arms       []Planned     `json:"arms"`
	// Given is what was asked for beside the preset, as words of a command line.
	Given []string `json:"given,omitempty"`
	// Version is that of the program that made the plan.
	Version string `json:"version,omitempty"`

	// Of experiments that transfer: what to, what from, and a preset's sizes.
	Sets     []Named  `json:"sets,omitempty"`
	Weights  []Named  `json:"weights,omitempty"`
	LeftOut  []string `json:"left_out,omitempty"` // what there is no arm of, and why
	Judge    int      `json:"judge,omitempty"`
	PerClass int      `json:"per_class,omitempty"`
	Size     int      `json:"size,omitempty"`
}

// Named is where something of a name is: an address, as the command opens it; ""
// means what is built in.
type Named struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	About   string `json:"about,omitempty"`
	// Train and Test are the images of a set that trials train on and are judged
	// by, of Classes.
	Train   int `json:"train,omitempty"`
	Test    int `json:"test,omitempty"`
	Classes int `json:"classes,omitempty"`
}

// Planned is an arm with the network that is trained for it.
type Planned struct {
	Arm
	Network string `json:"network"` // its table, as a network file
	Params  int64  `json:"params"`  // once second depthwise convolutions are merged, as MACs
	MACs    int64  `json:"macs"`
	// PaperParams and PaperMACs are of the same change to the network of the
	// paper, at 224 pixels; 0 for an arm that the paper does not have.
	PaperParams int64 `json:"paper_params,omitempty"`
	PaperMACs   int64 `json:"paper_macs,omitempty"`
}

// Options are what a plan leaves to whoever makes it.
type Options struct {
	Data   string
	Dir    string
	Seed   uint64
	Seeds  int           // 0 means the preset's
	Epochs int           // likewise
	Set    []string      // changes to the recipe, as KEY=VALUE
	Own    []zoo.Network // further arms, of every panel
	// Given and Version are recorded, see Plan.
	Given   []string
	Version string

	Targets []Target // of experiments that transfer
	Sources []Source // likewise, or what is judged
	Classes int      // of the pictures on which objects are found
}

// New plans an experiment; fit are the images to train on, nil for experiments
// that need none.
func New(e Experiment, p Preset, fit data.Dataset, o Options) (*Plan, error) {
	rec, err := p.recipe(o)
	if err != nil {
		return nil, err
	}
	plan := &Plan{
		Experiment: e.Name, Preset: p.Name, Data: o.Data, Images: p.Images, Recipe: rec, Seeds: cmp.Or(o.Seeds, p.Seeds), Seed: o.Seed, Dir: o.Dir, Given: o.Given, Version: o.Version,
	}
	if e.kind.plan != nil {
		return plan, e.kind.plan(plan, e, p, o)
	}
	return plan, plan.changes(e, p, fit, o)
}

// recipe is how the networks are trained.
func (p Preset) recipe(o Options) (recipe.Recipe, error) {
	rec, err := recipe.Preset(p.Recipe)
	if err != nil {
		return rec, err
	}
	for _, set := range p.Set {
		if err := rec.Set(set); err != nil {
			return rec, err
		}
	}
	rec.Epochs = cmp.Or(o.Epochs, p.Epochs, rec.Epochs)
	if rec.Patience = 0; rec.Epochs > 0 {
		rec.Fit.Steps = 0 // trials are all as long
	}
	for _, set := range o.Set {
		key, _, _ := strings.Cut(set, "=")
		switch key = strings.TrimSpace(key); key {
		case "seed":
			return rec, errors.New("the seeds of trials follow from the first one: a recipe's seed cannot be set")
		case "patience", "fit.steps":
			return rec, fmt.Errorf("all trials are as long: %s cannot be set", key)
		case "epochs":
			if o.Epochs > 0 {
				return rec, fmt.Errorf("the epochs are given twice, as %d and as %s", o.Epochs, set)
			}
		}
		if err := rec.Set(set); err != nil {
			return rec, err
		}
	}
	return rec, nil
}

// changes adds the arms that change a base, for the classes and channels of a
// set.
func (p *Plan) changes(e Experiment, size Preset, fit data.Dataset, o Options) error {
	adapt := zoo.Options{Classes: len(fit.Classes()), Channels: 3}
	if sized, ok := fit.(data.Sized); ok {
		_, _, adapt.Channels = sized.Size()
	}
	arms, _, err := size.of(e)
	if err != nil {
		return err
	}
	for _, a := range arms {
		arm, err := planned(a, size.Paper, adapt)
		if err != nil {
			return err
		}
		p.Arms = append(p.Arms, arm)
	}
	for _, n := range o.Own {
		if err := p.own(n, adapt); err != nil {
			return err
		}
	}
	return e.know(p)
}

// planned makes an arm's network for the classes and channels of a set.
func planned(a Arm, paper bool, adapt zoo.Options) (Planned, error) {
	p := Planned{Arm: a}
	n, err := a.network(paper)
	if err == nil {
		n.Name = word(a.Panel + "_" + a.Series + "_" + a.Label)
		n.Title = fmt.Sprintf("%s, %s %s", a.Panel, a.Series, a.Label)
		n.Paper, n.Weights = nil, nil
		err = p.take(n, adapt)
	}
	if err != nil {
		return p, fmt.Errorf("%s, %s %s: %w", a.Panel, a.Series, a.Label, err)
	}
	if a.Equal {
		return p, nil
	}
	at, err := a.network(true)
	if err != nil {
		return p, nil // a layer that the paper's network does not have
	}
	cost, err := nas.CostOf(at.Merged())
	p.PaperParams, p.PaperMACs = cost.Params, cost.MACs
	return p, err
}

// take makes a network an arm's.
func (p *Planned) take(n zoo.Network, adapt zoo.Options) error {
	info, err := zoo.Adapt(n, adapt)
	if err != nil {
		return err
	}
	n.Info = info
	cost, err := nas.CostOf(n.Merged())
	if err != nil {
		return err
	}
	p.Network, p.Params, p.MACs = string(netfile.Encode(n)), cost.Params, cost.MACs
	return nil
}

// own adds an arm with a network of the user's to every panel.
func (p *Plan) own(n zoo.Network, adapt zoo.Options) error {
	seen := map[string]bool{}
	for _, a := range p.Arms {
		if seen[a.Panel] {
			continue
		}
		seen[a.Panel] = true
		arm := Planned{Arm: Arm{Panel: a.Panel, Series: ownSeries, Label: n.Name, X: a.X}}
		if err := arm.take(n, adapt); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
		p.Arms = append(p.Arms, arm)
	}
	return nil
}

// notWord is what names of networks do not have.
var notWord = regexp.MustCompile(`[^a-z0-9]+`)

func word(s string) string {
	return strings.Trim(notWord.ReplaceAllString(strings.ToLower(strings.ReplaceAll(s, "×", "x")), "_"), "_")
}

// Roles gives the images of a set their roles: all training images train, and
// what the set has to judge by judges; nothing is chosen. A set without such a
// part gives a tenth of its training images.
func (p *Plan) Roles(splits *data.Splits) (data.Roles, error) {
	policy := data.Policy{Seed: p.Seed}
	if splits.Test == nil && splits.Val == nil {
		policy.Test = 0.1
	}
	r, err := splits.Plan(policy)
	if err != nil {
		return r, err
	}
	if r.Judge == nil {
		r.Judge = r.Choose
	}
	if r.Judge == nil {
		return r, errors.New("no images to judge by")
	}
	if n := r.Fit.Len(); p.Images > 0 && p.Images < n {
		_, r.Fit, err = data.Split(r.Fit, float64(p.Images)/float64(n), p.Seed)
	}
	return r, err
}
