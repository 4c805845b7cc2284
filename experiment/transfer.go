package experiment

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/transfer"
)

// Target is a set that networks are transferred to.
type Target struct {
	Named
	Splits *data.Splits
}

// Source is a trained network.
type Source struct {
	Named
	Model *model.Model
}

// methods are those that transferring compares, what the others are compared
// with first.
var methods = []transfer.Method{transfer.FromScratch, transfer.Frozen, transfer.FineTuned}

// methodLabels name them as a ranking does.
var methodLabels = map[transfer.Method]string{
	transfer.FromScratch: "from scratch", transfer.Frozen: "last layer only", transfer.FineTuned: "all weights",
}

// transferring is Table 3 and Figure 9: every network to every set.
var transferring = kind{
	plan: planTransfer, trial: transferTrial, page: transferPage, conclusions: transferConclusions, figures: transferFigures,
	base: func(of, arm *Planned) bool { return of.Panel == arm.Panel && of.Series == arm.Series },
	presets: []Preset{
		{
			Name: "paper", About: "the paper's networks and recipe, rates chosen from 56, on the sets that are given, one seed", Recipe: "transfer", Seeds: 1, Paper: true,
			Weights: []string{"tf_mixnet_s.in1k", "tf_mixnet_m.in1k", "mobilenetv1_100.ra4_e3600_r224_in1k", "mobilenetv2_100.ra_in1k", "mobilenetv2_140.ra_in1k", "resnet50.tv_in1k"},
			Grid:    recipe.PaperGrid(), Methods: []transfer.Method{transfer.Frozen, transfer.FineTuned},
		},
		{
			Name: "quick", About: "few photos a class at 64 pixels or less, rates chosen from two, five seeds, in about 20 minutes of two cores", Recipe: "finetune", Epochs: 8, Seeds: 5,
			Set:      []string{"eval_every=8"},
			PerClass: 16, Judge: 400, Size: 64, Grid: recipe.Grid{Rates: []float64{1e-4, 5e-4}, Decays: []float64{20}},
		},
		{
			Name: "smoke", About: "four photos a class in seconds, which show that it runs and nothing else", Recipe: "finetune", Epochs: 1, Seeds: 2,
			PerClass: 4, Judge: 40, Size: 32, Grid: recipe.Grid{Rates: []float64{1e-3}, Decays: []float64{20}},
		},
	},
}

// planTransfer makes an arm of every target, source and method. A network whose
// classes are those of a target was trained on it, and is not transferred.
func planTransfer(p *Plan, _ Experiment, size Preset, o Options) error {
	if len(o.Own) > 0 {
		return errors.New("a network file has no weights to transfer: train it, and give the result as weights")
	}
	p.Images, p.Judge, p.PerClass, p.Size = 0, size.Judge, size.PerClass, size.Size
	if !size.Grid.IsZero() {
		p.Recipe.Grid = size.Grid
	}
	for _, s := range o.Sources {
		s.About = fmt.Sprintf("%s, %d×%d pixels, trained for %d classes", s.Model.Network, p.sizeFor(s.Model), p.sizeFor(s.Model), s.Model.Graph.Classes())
		p.Weights = append(p.Weights, s.Named)
	}
	for _, t := range o.Targets {
		images, err := p.draw(t.Splits, p.Seed)
		if err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
		named := t.Named
		named.Train, named.Test, named.Classes = images.Train.Len(), images.Test.Len(), len(t.Splits.Classes())
		p.Sets = append(p.Sets, named)
		for _, s := range o.Sources {
			if slices.Equal(s.Model.Classes, t.Splits.Classes()) {
				p.LeftOut = append(p.LeftOut, fmt.Sprintf("%s on %s, on whose classes it was trained", s.Name, t.Name))
				continue
			}
			if err := p.transferArms(t, s, size.Methods); err != nil {
				return fmt.Errorf("%s to %s: %w", s.Name, t.Name, err)
			}
		}
	}
	if len(p.Arms) == 0 {
		return errors.New("nothing to transfer: every network was trained on the classes of every set")
	}
	return nil
}

// transferArms adds the arms of a network and a set.
func (p *Plan) transferArms(t Target, s Source, only []transfer.Method) error {
	m, err := transfer.Adapt(s.Model, transfer.Target{Classes: t.Splits.Classes(), Size: p.sizeFor(s.Model)})
	if err != nil {
		return err
	}
	at, err := transfer.Adapt(s.Model, transfer.Target{Classes: t.Splits.Classes()})
	if err != nil {
		return err
	}
	a := Planned{Arm: Arm{Panel: t.Name, Series: s.Name}}
	if a.Params, a.MACs, err = costOf(m); err != nil {
		return err
	}
	if a.PaperParams, a.PaperMACs, err = costOf(at); err != nil {
		return err
	}
	for _, method := range methods {
		if only != nil && !slices.Contains(only, method) {
			continue
		}
		a.Label, a.Top1, a.FLOPS = methodLabels[method], 0, 0
		if method == transfer.FineTuned {
			a.Top1, a.FLOPS = figure9(t.Name, s.Model.Network)
		}
		p.Arms = append(p.Arms, a)
	}
	return nil
}

// costOf counts a model's parameters and multiply-adds.
func costOf(m *model.Model) (params, macs int64, err error) {
	g := m.Graph
	in := m.Preprocess()
	macs, err = g.MACs(tensor.Shape{N: 1, H: in.Size[0], W: in.Size[1], C: in.Channels})
	return g.ParamCount(), macs, err
}

// sizeFor returns the input size of a network: its own where that is not larger
// than the plan's.
func (p *Plan) sizeFor(m *model.Model) int {
	own := m.Preprocess().Size[0]
	if p.Size > 0 && own > p.Size {
		return p.Size
	}
	return own
}

// figure9Values are the paper's, read off its figure 9 to about 0.05 points for
// MixNet and 0.1 for the others, which it takes from Kornblith et al. (2019).
// FLOPS are those of table 2, else the multiply-adds at 224 pixels that
// torchvision states with its weights, in millions.
var figure9Values = []struct {
	system, network                  string
	flops                            float64
	cifar10, cifar100, pets, food101 float64
}{
	{"MixNet-S", "mixnet_s", 256, 97.79, 86.5, 90.6, 86.6},
	{"MixNet-M", "mixnet_m", 358, 97.92, 87.2, 91.7, 87.2},
	{"MobileNetV1", "mobilenetv1_100", 575, 96.1, 82.3, 89.9, 87.1},
	{"MobileNetV2", "mobilenetv2_100", 300, 95.7, 80.8, 90.5, 86.2},
	{"MobileNetV2 (1.4x)", "mobilenetv2_140", 585, 96.1, 82.5, 91.0, 87.7},
	{"Inception-v1", "inception_v1", 1498, 96.2, 83.2, 91.9, 85.6},
	{"ResNet-50", "resnet50", 4089, 96.8, 84.5, 92.5, 87.8},
	{"DenseNet-121", "densenet121", 2834, 97.2, 84.8, 92.9, 87.7},
}

// figure9Sets are the panels of figure 9, with the sizes of table 3.
var figure9Sets = []struct {
	name                 string
	train, test, classes int
	value                func(i int) float64
}{
	{"CIFAR-10", 50000, 10000, 10, func(i int) float64 { return figure9Values[i].cifar10 }},
	{"CIFAR-100", 50000, 10000, 100, func(i int) float64 { return figure9Values[i].cifar100 }},
	{"Pets", 3680, 3369, 37, func(i int) float64 { return figure9Values[i].pets }},
	{"Food-101", 75750, 25250, 101, func(i int) float64 { return figure9Values[i].food101 }},
}

// plain is a name without what does not tell names apart.
func plain(s string) string { return notWord.ReplaceAllString(strings.ToLower(s), "") }

// figure9Set returns the index of a set of a name in figure9Sets; -1 for none.
func figure9Set(name string) int {
	for i, s := range figure9Sets {
		if plain(s.name) == plain(name) {
			return i
		}
	}
	return -1
}

// figure9 returns the paper's value of a network on a set, as a fraction, and its
// millions of FLOPS; 0 for none.
func figure9(set, network string) (top1, flops float64) {
	at := figure9Set(set)
	for i, v := range figure9Values {
		if at >= 0 && strings.TrimPrefix(network, "tf_") == v.network {
			return figure9Sets[at].value(i) / 100, v.flops
		}
	}
	return 0, 0
}
