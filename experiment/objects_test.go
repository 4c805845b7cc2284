package experiment

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/data/garments"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/zoo"
)

// Table 1 at its size: parameters and multiply-adds counted independently, with
// 80 classes and background; the paper's are within half a per cent.
func TestTable1(t *testing.T) {
	want := map[string][2]int64{
		"MobileNetV1 3×3": {5100661, 1309162944}, "MobileNetV1 5×5": {5180021, 1372241344}, "MobileNetV1 3+5": {5140341, 1340702144},
		"MobileNetV1 7×7": {5299061, 1466858944}, "MobileNetV1 3+5+7": {5192837, 1381262944},
		"MobileNetV2 3×3": {4337013, 788830144}, "MobileNetV2 5×5": {4451189, 863991744}, "MobileNetV2 3+5": {4394101, 826410944},
		"MobileNetV2 7×7": {4622453, 976734144}, "MobileNetV2 3+5+7": {4470181, 875562944},
	}
	x, err := Lookup("detection")
	if err != nil {
		t.Fatal(err)
	}
	preset, err := x.Preset("paper")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := New(x, preset, nil, Options{Classes: 80})
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Arms) != len(want) {
		t.Errorf("%d rows", len(plan.Arms))
	}
	for _, a := range plan.Arms {
		w, ok := want[a.Panel+" "+a.Label]
		if !ok || a.Params != w[0] || a.MACs != w[1] || a.PaperParams != w[0] || a.PaperMACs != w[1] {
			t.Errorf("%s %s: %d parameters and %d multiply-adds, at the paper's size %d and %d, want %v", a.Panel, a.Label, a.Params, a.MACs, a.PaperParams, a.PaperMACs, w)
		}
		if off := a.printed/(float64(a.Params)/1e6) - 1; off < 0 || off > 0.006 {
			t.Errorf("%s %s: the paper has %v M parameters, %.2f %% more", a.Panel, a.Label, a.printed, 100*off)
		}
	}
}

// A trial finds objects and is judged by their AP; a network of one's own is the
// backbone of a detector.
func TestDetectionTrial(t *testing.T) {
	x, err := Lookup("detection")
	if err != nil {
		t.Fatal(err)
	}
	preset, err := x.Preset("smoke")
	if err != nil {
		t.Fatal(err)
	}
	splits, err := garments.New(garments.Config{Train: preset.Images, Test: preset.Judge, Side: preset.Size})
	if err != nil {
		t.Fatal(err)
	}
	pictures, err := PicturesOf(splits)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := zoo.Lookup("mobilenetv1_100@width=0.25")
	if err != nil {
		t.Fatal(err)
	}
	own := spec.(zoo.Network)
	own.Name = "mine"
	plan, err := New(x, preset, nil, Options{Classes: len(pictures.Fit.Classes()), Own: []zoo.Network{own}, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	arms := len(plan.Arms)
	if last := plan.Arms[arms-1]; arms != 4 || last.Series != ownSeries || last.Label != "mine" {
		t.Fatalf("%d rows, the last %+v", arms, last.Arm)
	}
	r := &Trainer{Plan: plan, Pictures: pictures}
	score, info, err := r.Do(t.Context(), store.Trial{Number: 0, Arch: plan.arch(0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	o, err := OutcomeOf(store.Trial{Info: info})
	if err != nil || score < 0 || score > 1 || !strings.Contains(string(o.Details), `"ap50":`) || o.Seconds <= 0 {
		t.Errorf("score %v, %s, %v", score, info, err)
	}
	again, _, err := r.Do(t.Context(), store.Trial{Number: 1, Arch: plan.arch(0, 1)})
	if err != nil || again != score {
		t.Errorf("the same trial has %v and %v: %v", score, again, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := r.Do(ended, store.Trial{Number: 2, Arch: nas.Arch{0, 0, 0, 0}}); !errors.Is(err, context.Canceled) {
		t.Errorf("a trial that is interrupted: %v", err)
	}
	if _, err := New(x, preset, nil, Options{}); err == nil {
		t.Error("no error without classes")
	}
}
