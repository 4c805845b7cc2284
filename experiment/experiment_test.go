package experiment

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/fashion"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/zoo"
)

// images are the built-in ones.
func images(t *testing.T) *data.Splits {
	t.Helper()
	splits, err := data.OpenIDX(fashion.FS(), "fashion-mnist")
	if err != nil {
		t.Fatal(err)
	}
	return splits
}

// Figure 4's axes: parameters and multiply-adds of the paper's networks, counted
// independently; the paper's FLOPS are more by a constant.
func TestPaperAxes(t *testing.T) {
	want := map[string]struct {
		params int64
		macs   float64
	}{
		"MobileNetV1 depthwise 3×3": {4231976, 568.7}, "MobileNetV1 depthwise 5×5": {4311336, 599.7}, "MobileNetV1 depthwise 7×7": {4430376, 646.0},
		"MobileNetV1 depthwise 9×9": {4589096, 707.8}, "MobileNetV1 depthwise 11×11": {4787496, 785.1}, "MobileNetV1 depthwise 13×13": {5025576, 877.8},
		"MobileNetV1 MixConv g=2": {4271656, 584.2}, "MobileNetV1 MixConv g=3": {4324152, 604.1}, "MobileNetV1 MixConv g=4": {4390696, 630.6},
		"MobileNetV1 MixConv g=5": {4468616, 658.9}, "MobileNetV1 MixConv g=6": {4560376, 694.1},
		"MobileNetV2 depthwise 3×3": {3504872, 300.8}, "MobileNetV2 depthwise 5×5": {3619048, 337.6}, "MobileNetV2 depthwise 7×7": {3790312, 392.9},
		"MobileNetV2 depthwise 9×9": {4018664, 466.5}, "MobileNetV2 depthwise 11×11": {4304104, 558.6}, "MobileNetV2 depthwise 13×13": {4646632, 669.1},
		"MobileNetV2 MixConv g=2": {3561960, 319.2}, "MobileNetV2 MixConv g=3": {3638040, 343.3}, "MobileNetV2 MixConv g=4": {3733224, 374.4},
		"MobileNetV2 MixConv g=5": {3845672, 408.8}, "MobileNetV2 MixConv g=6": {3980472, 452.6},
	}
	x, err := Lookup("kernels")
	if err != nil {
		t.Fatal(err)
	}
	p, err := x.Preset("paper")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := New(x, p, images(t).Train, Options{})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, a := range plan.Arms {
		w, ok := want[fmt.Sprintf("%s %s %s", a.Panel, a.Series, a.Label)]
		if !ok {
			continue
		}
		seen++
		gap := 10.6
		if a.Panel == "MobileNetV2" {
			gap = 8.9
		}
		if a.PaperParams != w.params || math.Abs(float64(a.PaperMACs)/1e6-w.macs) > 0.06 || math.Abs(a.FLOPS-float64(a.PaperMACs)/1e6-gap) > 1 {
			t.Errorf("%s %s: %d parameters, %d multiply-adds, want %+v; the paper has %v", a.Series, a.Label, a.PaperParams, a.PaperMACs, w, a.FLOPS)
		}
	}
	if seen != len(want) {
		t.Errorf("%d of %d arms", seen, len(want))
	}
}

// Every arm of every preset is a network, and arms of equal multiply-adds have
// those of their base within 3.5 %, as far as widths allow.
func TestArms(t *testing.T) {
	for _, x := range List() {
		if x.Needs != Images {
			continue
		}
		for _, p := range x.Presets() {
			plan, err := New(x, p, images(t).Train, Options{})
			if err != nil {
				t.Fatal(err)
			}
			base := map[string]int64{}
			seen := map[string]bool{}
			for _, a := range plan.Arms {
				if base[a.Panel] == 0 {
					base[a.Panel] = a.MACs
				}
				if off := math.Abs(float64(a.MACs)/float64(base[a.Panel]) - 1); a.Equal && off > 0.035 {
					t.Errorf("%s, %s: %s %s has %d multiply-adds, %.1f %% from its base's", x.Name, p.Name, a.Series, a.Label, a.MACs, 100*off)
				}
				if key := a.Panel + a.Series + a.Label; seen[key] {
					t.Errorf("%s, %s: %s is there twice", x.Name, p.Name, key)
				} else {
					seen[key] = true
				}
			}
			if p.Kernel > 0 && len(plan.Arms) < 3 {
				t.Errorf("%s, %s: %d arms", x.Name, p.Name, len(plan.Arms))
			}
		}
	}
}

// Two arms, two seeds: interrupted, gone on with, nothing done twice; a network
// of one's own; page and table from the trials.
func TestRun(t *testing.T) {
	splits := images(t)
	x, err := Lookup("layers")
	if err != nil {
		t.Fatal(err)
	}
	p, err := x.Preset("smoke")
	if err != nil {
		t.Fatal(err)
	}
	spec, err := zoo.Lookup("mixnet_tiny@width=0.25")
	if err != nil {
		t.Fatal(err)
	}
	own := spec.(zoo.Network)
	own.Name = "mine"
	plan, err := New(x, p, splits.Train, Options{Dir: t.TempDir(), Own: []zoo.Network{own}})
	if err != nil {
		t.Fatal(err)
	}
	plan.Arms = append(plan.Arms[:1], plan.Arms[len(plan.Arms)-1])
	plan.Images = 100
	roles, err := plan.Roles(splits)
	if err != nil {
		t.Fatal(err)
	}
	_, roles.Judge, err = data.Split(roles.Judge, 0.1, 1)
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), t.TempDir()+"/trials.db", false)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := plan.Search()
	if err == nil {
		err = db.Create(t.Context(), s)
	}
	if err != nil {
		t.Fatal(err)
	}
	trainer := &Trainer{Plan: plan, Roles: roles}
	runs := 0
	worker := store.Worker{Store: db, Name: "a", Propose: plan.Propose, Do: trainer.Do, OnStart: func(store.Trial) {
		runs++
		if runs == 3 {
			panic(errors.New("killed"))
		}
	}}
	func() {
		defer func() { _ = recover() }()
		_ = worker.Run(t.Context())
	}()
	if err := db.Release(t.Context(), 2, "a"); err != nil { // as if the lease had run out
		t.Fatal(err)
	}
	worker.OnStart = func(store.Trial) { runs++ }
	worker.Name = "b"
	if err := worker.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if runs != 5 { // four trials, one of them begun twice
		t.Errorf("%d trials were begun", runs)
	}
	trials, err := db.Trials(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all, err := Results(plan, trials)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || len(all[0].Top1) != 2 || all[1].Difference == nil || all[1].Label != "mine" {
		t.Fatalf("%+v", all)
	}
	if want := (all[1].Top1[0] + all[1].Top1[1] - all[0].Top1[0] - all[0].Top1[1]) / 2; math.Abs(all[1].Difference.Value-want) > 1e-9 || math.Abs(all[1].Images.Value-want) > 1e-9 {
		t.Errorf("difference %v and %v, want %v", all[1].Difference, all[1].Images, want)
	}
	var table bytes.Buffer
	if err := WriteCSV(&table, plan, all); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&table).ReadAll()
	if err != nil || len(rows) != 5 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, r := range rows[1:] {
		if _, err := os.Stat(filepath.Join(filepath.Dir(plan.Dir), r[9])); err != nil {
			t.Error(err)
		}
	}
	var page strings.Builder
	g := Page{Experiment: x, Plan: plan, Results: all, Claims: Judge(x, plan, all), Figures: []Figure{{Panel: all[0].Panel, File: "paper.svg"}}}
	if err := g.WriteMarkdown(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# One layer at a time", "paper.svg", "your own | mine", "How to read this"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	if _, err := Load(store.Search{Name: "s", Strategy: "random"}); !errors.Is(err, ErrOther) {
		t.Error(err)
	}
	if _, err := Load(store.Search{Name: "s", Strategy: "listed", Settings: json.RawMessage(`{"arms":[{}],"seeds":2}`), Trials: 3}); err == nil {
		t.Error("a plan of two trials in a store of three")
	}
	p := Plan{Arms: make([]Planned, 40), Seeds: 2}
	h := &nas.History{}
	for range p.Trials() {
		next, err := p.Propose(h)
		if err != nil {
			t.Fatal(err)
		}
		arm, seed, err := p.trial(next.Arch)
		if n := len(h.Trials); err != nil || arm != n%40 || seed != n/40 {
			t.Errorf("trial %d is arm %d and seed %d: %v", n, arm, seed, err)
		}
		h.Add(nas.Trial{Number: len(h.Trials), Arch: next.Arch})
	}
	if _, err := p.Propose(h); !errors.Is(err, nas.ErrExhausted) {
		t.Error(err)
	}
	if _, _, err := p.trial(nas.Arch{1, 4, 0, 0}); err == nil {
		t.Error("an arm beyond the last")
	}
}
