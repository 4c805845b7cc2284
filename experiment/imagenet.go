package experiment

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/internal/stats"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/zoo"
)

// The panels of Table 2: its rows, and published weights.
const (
	tablePanel   = "Table 2"
	weightsPanel = "Published weights"
)

// comparing is Table 2 and Figure 7: nothing is trained, and with ImageNet's
// images published weights are judged.
var comparing = kind{
	plan: planImageNet, trial: judgeWeights, page: imagenetPage, conclusions: imagenetConclusions, figures: imagenetFigures,
	base: func(_, _ *Planned) bool { return false },
	presets: []Preset{
		{Name: "paper", About: "all published weights on all images that are given", Recipe: "mixnet", Seeds: 1},
		{Name: "quick", About: "all published weights on up to 2,000 of the images that are given", Recipe: "mixnet", Seeds: 1, Judge: 2000},
		{Name: "smoke", About: "the built-in weights on up to 40 of the images that are given", Recipe: "mixnet", Seeds: 1, Judge: 40, Weights: []string{builtIn}},
	},
}

// builtIn is the name of the ImageNet weights that come with the command, those
// of EfficientNet-Lite0, whose authors state its top-1.
const (
	builtIn     = "photo"
	builtInTop1 = 0.751
	builtInOf   = "tf_efficientnet_lite0"
)

// PublishedWeights returns the names of all weights that a preset judges where
// none are given: the built-in ones first, then MixNet's, then the others.
func PublishedWeights(p Preset) []string {
	if p.Weights != nil {
		return slices.Clone(p.Weights)
	}
	all := []string{builtIn}
	for _, mixnet := range []bool{true, false} {
		for _, s := range zoo.List() {
			for _, w := range s.About().Weights {
				if name := s.About().Name + "." + w.Tag; (s.About().Family == "mixnet") == mixnet {
					if _, _, ok := zoo.Measured(name); ok {
						all = append(all, name)
					}
				}
			}
		}
	}
	return all
}

// planImageNet lists the rows of the table and, where there are images, has a
// trial for each of the weights.
func planImageNet(p *Plan, _ Experiment, size Preset, o Options) error {
	rows, err := zoo.PaperTable()
	if err != nil {
		return err
	}
	p.Judge, p.Images = size.Judge, 0
	for _, r := range rows {
		p.Arms = append(p.Arms, Planned{
			Arm: Arm{
				Panel: tablePanel, Series: r.Series, Label: r.System, Listed: true, Top1: percent(r.Top1), FLOPS: r.FLOPS,
				Row: &Row{Params: r.Paper.Params, Top5: percent(r.Top5), Kind: r.Kind, Figure: r.Figure, Note: r.Note},
			},
			Params: r.CountedParams, MACs: r.CountedMACs, PaperParams: r.CountedParams, PaperMACs: r.CountedMACs,
		})
	}
	for _, n := range o.Own {
		a := Planned{Arm: Arm{Panel: tablePanel, Series: ownSeries, Label: n.Name, Listed: true}}
		if err := a.take(n, zoo.Options{}); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
		p.Arms = append(p.Arms, a)
	}
	if p.Data == "" {
		return nil
	}
	for _, s := range o.Sources {
		p.Weights = append(p.Weights, s.Named)
		a, err := weightsArm(s)
		if err != nil {
			return err
		}
		p.Arms = append(p.Arms, a)
	}
	return nil
}

// percent is a value in per cent as a fraction, without the dust of a division.
func percent(v float64) float64 { return math.Round(v*1e4) / 1e6 }

// weightsArm is that of some weights, whose published accuracy is known by their
// name. Costs of weights that no name tells are those of the network in the file.
func weightsArm(s Source) (Planned, error) {
	a := Planned{Arm: Arm{Panel: weightsPanel, Series: "published", Label: s.Name}}
	name := s.Address
	if name == builtIn {
		name, a.Top1 = builtInOf, builtInTop1
	}
	top1, top5, known := zoo.Measured(name)
	if known {
		a.Top1, a.Row = top1, &Row{Top5: top5}
	}
	if a.Top1 == 0 {
		a.Series = ownSeries
	}
	if s.Model != nil {
		var err error
		a.Params, a.MACs, err = costOf(s.Model)
		return a, err
	}
	spec, err := zoo.Lookup(name)
	if err != nil {
		return a, fmt.Errorf("%s: %w", s.Name, err)
	}
	cost, err := nas.CostOf(spec)
	a.Params, a.MACs = cost.Params, cost.MACs
	return a, err
}

// judgeWeights judges weights on the images, by their own preprocessing.
func judgeWeights(ctx context.Context, r *Trainer, _ store.Trial, arm *Planned, _ uint64, o *Outcome) (float64, error) {
	i := slices.IndexFunc(r.Plan.Weights, func(w Named) bool { return w.Name == arm.Label })
	if i < 0 || r.Load == nil {
		return 0, fmt.Errorf("no weights %s", arm.Label)
	}
	m, err := r.Load(ctx, r.Plan.Weights[i].Address)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", arm.Label, err)
	}
	few, err := fewer(r.Roles.Judge, r.Plan.Judge, r.Plan.Seed)
	if err != nil {
		return 0, err
	}
	set, _, err := data.Match(few, m.Classes, m.Graph.Classes())
	if err != nil {
		return 0, fmt.Errorf("%w: %s: %w", store.ErrFails, arm.Label, err)
	}
	result, err := r.evaluate(ctx, m, set)
	if err != nil {
		return 0, err
	}
	o.Run = ""
	o.judged(result.Ranks)
	if o.Details, err = json.Marshal(weightsDetails{Top5: result.Top(5)}); err != nil {
		return 0, err
	}
	return result.Top(1), nil
}

// weightsDetails is what is kept of weights besides top-1.
type weightsDetails struct {
	Top5 float64 `json:"top5"`
}

// measured is what images say of weights.
type measured struct {
	top1, top5 float64
	interval   stats.Interval // of top1
	images     int
}

// measuredOf returns what a result measured; false for nothing.
func measuredOf(r *Result) (measured, bool) {
	if len(r.Top1) == 0 {
		return measured{}, false
	}
	o := r.outcomes[0]
	var d weightsDetails
	_ = json.Unmarshal(o.Details, &d) // without it top-5 is not shown
	return measured{r.Top1[0], d.Top5, stats.Wilson(r.Top1[0], o.Images), o.Images}, true
}
