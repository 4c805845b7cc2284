package experiment

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/boxes"
	"github.com/mixnet-go/mixnet/experiment/detection"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

// finding is Table 1: networks that find objects.
var finding = kind{
	plan: planDetection, trial: findTrial,
	presets: []Preset{
		{Name: "paper", About: "the paper's networks at 320 pixels on COCO, one seed", Recipe: "detection", Seeds: 1, Paper: true},
		{
			Name: "quick", About: "MobileNetV2 of width 0.35 on made pictures of 128 pixels, five seeds, in at most an hour of two cores", Recipe: "garments", Seeds: 5,
			Images: 6000, Judge: 1000, Size: 128, Panel: "MobileNetV2",
		},
		{
			Name: "smoke", About: "three networks in seconds, which show that it runs and nothing else", Recipe: "garments", Epochs: 1, Seeds: 2,
			Images: 32, Judge: 8, Size: 64, Panel: "MobileNetV2", Few: true,
		},
	},
}

// Pictures are those of an experiment whose networks find objects.
type Pictures struct{ Fit, Judge boxes.Labelled }

// PicturesOf returns the pictures of splits: all training ones, and those that
// nothing is chosen by.
func PicturesOf(s *data.Splits) (Pictures, error) {
	judge := s.Test
	if judge == nil {
		judge = s.Val
	}
	if judge == nil || s.Train == nil {
		return Pictures{}, errors.New("want pictures to train on, and others (test or val) to judge by")
	}
	fit, ok := s.Train.(boxes.Labelled)
	by, also := judge.(boxes.Labelled)
	if !ok || !also {
		return Pictures{}, errors.New("the pictures have no boxes")
	}
	return Pictures{fit, by}, nil
}

// detectionArms are the rows of table 1.
func detectionArms() []Arm {
	var all []Arm
	for _, panel := range []string{"MobileNetV1", "MobileNetV2"} {
		for i, c := range detection.Changes() {
			a := Arm{Panel: panel, Series: "depthwise", Label: c.Label, Change: c.Setting, largest: 2*i + 3, Top1: c.V1 / 100}
			if panel == "MobileNetV2" {
				a.Top1 = c.V2 / 100
			}
			if g, mixed := strings.CutPrefix(c.Setting, "mix="); mixed {
				a.Series, a.Label = "MixConv", strings.ReplaceAll(strings.TrimPrefix(c.Label, "mix "), ", ", "+")
				a.largest = 2*int(g[0]-'0') + 1
			}
			if spec, err := zoo.Lookup(a.detector(320, "")); err == nil && spec.About().Paper != nil {
				a.FLOPS, a.printed = spec.About().Paper.FLOPS, spec.About().Paper.Params
			}
			all = append(all, a)
		}
	}
	return all
}

// detector names the network of a row for pictures of a size, with settings
// besides.
func (a *Arm) detector(size int, settings string) string {
	base := map[string]string{"MobileNetV1": "mobilenetv1_100", "MobileNetV2": "mobilenetv2_100"}[a.Panel]
	name := fmt.Sprintf("%s_ssdlite%d", base, size)
	if both := strings.Trim(settings+","+a.Change, ","); both != "" {
		name += "@" + both
	}
	return name
}

// planDetection adds the rows of the table, for the classes of the pictures.
func planDetection(p *Plan, e Experiment, size Preset, o Options) error {
	if o.Classes < 1 {
		return errors.New("detection: no classes")
	}
	if p.Judge, p.Size = size.Judge, size.Size; o.Data != "" {
		p.Images, p.Judge = 0, 0 // all of them
	}
	settings := ""
	switch {
	case size.Few:
		settings = "width=0.35,maps=3"
	case !size.Paper:
		settings = "width=0.35"
	}
	arms, _, err := size.of(e)
	if err != nil {
		return err
	}
	for _, a := range arms {
		row := Planned{Arm: a}
		if err := row.find(a.detector(cmp.Or(size.Size, 320), settings), o.Classes); err != nil {
			return fmt.Errorf("%s %s: %w", a.Panel, a.Label, err)
		}
		spec, err := zoo.Lookup(a.detector(320, ""))
		if err != nil {
			return err
		}
		cost, err := nas.CostOf(spec)
		if err != nil {
			return err
		}
		row.PaperParams, row.PaperMACs = cost.Params, cost.MACs
		p.Arms = append(p.Arms, row)
	}
	for _, n := range o.Own {
		for _, panel := range panelsOf(p.Arms) {
			row := Planned{Arm: Arm{Panel: panel, Series: ownSeries, Label: n.Name}}
			d := zoo.SSDLite(n, cmp.Or(size.Size, 320))
			if err := row.detects(d, o.Classes); err != nil {
				return fmt.Errorf("%s: %w", n.Name, err)
			}
			p.Arms = append(p.Arms, row)
		}
	}
	return nil
}

// find makes a detector of the zoo an arm's.
func (p *Planned) find(name string, classes int) error {
	spec, err := zoo.Lookup(name)
	if err != nil {
		return err
	}
	return p.detects(spec, classes)
}

// detects makes a detector an arm's, for some classes.
func (p *Planned) detects(spec zoo.Spec, classes int) error {
	spec, err := zoo.Change(spec, fmt.Sprintf("classes=%d", classes))
	if err != nil {
		return err
	}
	if d, ok := spec.(zoo.Detector); ok {
		d.Name, d.Title = word(p.Panel+"_"+p.Series+"_"+p.Label), fmt.Sprintf("%s, %s %s", p.Panel, p.Series, p.Label)
		d.Paper, d.Weights, d.Note = nil, nil, ""
		spec = d
	}
	cost, err := nas.CostOf(spec)
	if err != nil {
		return err
	}
	text, err := netfile.EncodeSpec(spec)
	p.Network, p.Params, p.MACs = string(text), cost.Params, cost.MACs
	return err
}

func panelsOf(arms []Planned) []string {
	var all []Result
	for _, a := range arms {
		all = append(all, Result{Planned: a})
	}
	return Panels(all)
}

// findTrial trains a network to find objects and judges it by COCO's average
// precision.
func findTrial(ctx context.Context, r *Trainer, t store.Trial, arm *Planned, seed uint64, o *Outcome) (float64, error) {
	spec, err := netfile.ParseSpec(arm.Label+".toml", []byte(arm.Network))
	if err != nil {
		return 0, fmt.Errorf("%w: %w", store.ErrFails, err)
	}
	trial := detection.Trial{
		Spec: spec, Recipe: r.Plan.Recipe, Fit: r.Pictures.Fit, Judge: r.Pictures.Judge, Source: r.Plan.Data, Threads: max(r.Threads, 1),
		OnEpoch: func(e train.Epoch) { r.epoch(t, e) },
	}
	trial.Recipe.Seed = seed
	var out *detection.Outcome
	err = o.inFolder(t, func() (err error) {
		trial.Dir = o.Run
		out, err = trial.Do(ctx)
		return err
	})
	if err != nil {
		return 0, err
	}
	o.Seconds = out.Seconds
	kept := *out
	kept.Run, kept.Seconds = "", 0 // as the outcome has them
	o.Details, err = json.Marshal(kept)
	return max(out.AP, 0), err
}

// detectionClaims are of Table 1.
var detectionClaims = []claim{
	{
		title:  "Larger kernels than 3×3",
		says:   "The paper: 5×5 is better by 0.6 points of AP; 7×7 hardly on MobileNetV1 and worse on MobileNetV2.",
		pair:   func(a, b *Arm) bool { return a.Series == "depthwise" && !a.first() && b.first() },
		better: "a larger kernel is better", worse: "a larger kernel is worse", open: "a larger kernel cannot be told from 3×3",
	},
	{
		title:  "MixConv against 3×3",
		says:   "The paper: MixConv is better by 0.5 to 0.8 points of AP.",
		pair:   func(a, b *Arm) bool { return a.Series == "MixConv" && b.first() },
		better: "MixConv is better, as in the paper", worse: "MixConv is worse, unlike in the paper", open: "MixConv cannot be told from 3×3",
	},
	{
		title:  "MixConv against one size, its largest",
		says:   "The paper: with 3×3 and 5×5 as good as 5×5 alone, with 3×3, 5×5 and 7×7 better than 7×7 alone, for fewer multiply-adds.",
		pair:   of("MixConv", "depthwise"),
		better: "MixConv is more accurate for less", worse: "the multiply-adds that MixConv saves cost accuracy",
		open: "MixConv cannot be told from its largest kernel alone, for fewer multiply-adds",
	},
}
