package experiment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/zoo"
)

func imagenetPlan(t *testing.T, preset string, o Options) *Plan {
	t.Helper()
	x, err := Lookup("imagenet")
	if err != nil {
		t.Fatal(err)
	}
	p, err := x.Preset(preset)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := New(x, p, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// Parameters and multiply-adds are those that were counted independently of the
// published code, and the accuracies the printed ones.
func TestImageNetAxes(t *testing.T) {
	plan := imagenetPlan(t, "quick", Options{})
	if plan.Trials() != 0 {
		t.Errorf("%d trials without images", plan.Trials())
	}
	for label, want := range map[string]struct {
		params      int64
		macs, top1  float64
		printedMACs float64
	}{
		"MobileNetV1": {4231976, 568.74, 70.6, 575}, "MobileNetV2": {3504872, 300.77, 72.0, 300}, "MobileNetV2 (1.4x)": {6108776, 582.20, 74.7, 585},
		"ShuffleNetV2": {3507720, 298.97, 72.6, 299}, "ShuffleNetV2 (2x)": {7403600, 590.78, 75.4, 597}, "NASNet-A": {5289978, 563.64, 74.0, 564},
		"DARTS": {4718752, 529.9, 73.1, 595}, "MnasNet-A1": {3887038, 311.58, 75.2, 312}, "FBNet-A": {4304584, 244.45, 73.0, 249}, "FBNet-B": {4801368, 291.00, 74.1, 295},
		"FBNet-C": {5570664, 378.14, 74.9, 375}, "ProxylessNAS": {4080512, 320.43, 74.6, 320}, "ProxylessNAS (1.4x)": {6857568, 580.88, 76.7, 581},
		"MobileNetV3-Large": {5483032, 216.59, 75.2, 217}, "MobileNetV3-Large (1.25x)": {7460424, 342.8, 76.6, 356}, "ShuffleNetV1 (2x)": {5450776, 524.05, 73.7, 524},
		"MixNet-S": {4134606, 239.17, 75.8, 256}, "MixNet-M": {5014382, 339.17, 77.0, 360}, "MixNet-L": {7329252, 555.25, 78.9, 565},
	} {
		i := slices.IndexFunc(plan.Arms, func(a Planned) bool { return a.Label == label })
		if i < 0 {
			t.Errorf("no %s", label)
			continue
		}
		a := plan.Arms[i]
		if a.Params != want.params || math.Abs(float64(a.MACs)/1e6-want.macs) > 0.06 || math.Abs(100*a.Top1-want.top1) > 1e-9 || a.FLOPS != want.printedMACs {
			t.Errorf("%s: %d parameters, %d multiply-adds, %v, %v; want %+v", label, a.Params, a.MACs, a.Top1, a.FLOPS, want)
		}
	}
}

// Without images a page says so; with them weights are judged, those that cannot
// be had fail and stop nothing, and measured stands beside published.
func TestImageNet(t *testing.T) {
	spec, err := zoo.Lookup("mixnet_tiny@width=0.25")
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(spec, zoo.Options{}, images(t).Classes(), 1)
	if err != nil {
		t.Fatal(err)
	}
	own := spec.(zoo.Network)
	own.Name = "mine"
	plan := imagenetPlan(t, "smoke", Options{Data: "pictures", Own: []zoo.Network{own}, Sources: []Source{
		{Named: Named{Name: "tiny", Address: "tiny"}, Model: m}, {Named: Named{Name: "photo", Address: "photo"}}, {Named: Named{Name: "mixnet_s.ft_in1k", Address: "mixnet_s.ft_in1k"}},
	}})
	r := &Trainer{Plan: plan, Roles: data.Roles{Judge: images(t).Test}, Load: func(_ context.Context, address string) (*model.Model, error) {
		if address != "tiny" {
			return nil, fmt.Errorf("%w: not here", store.ErrFails)
		}
		return m, nil
	}}
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "trials.db"), false)
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
	failed := 0
	w := store.Worker{Store: db, Name: "a", Propose: plan.Propose, Do: r.Do, OnEnd: func(_ context.Context, _ store.Trial, why error) error {
		if errors.Is(why, store.ErrFails) {
			failed++
		}
		return nil
	}}
	if err := w.Run(t.Context()); err != nil || failed != 2 {
		t.Fatalf("%d trials failed, %v", failed, err)
	}
	trials, err := db.Trials(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	record := Record{Plan: plan, Date: "d", Version: "v"}
	page, err := record.Page(trials)
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	if err := WriteCSV(&table, plan, page.Results); err != nil {
		t.Fatal(err)
	}
	again, err := ReadCSV(&table, plan)
	if err != nil || len(again) != 1 {
		t.Fatalf("%d trials in the table, %v", len(again), err)
	}
	other, err := record.Page(again)
	if err != nil {
		t.Fatal(err)
	}
	var a, b strings.Builder
	if err := errors.Join(page.WriteMarkdown(&a), other.WriteMarkdown(&b)); err != nil || a.String() != b.String() {
		t.Errorf("the page of the table is another: %v", err)
	}
	for _, want := range []string{"| tiny |", "| mixnet_s.ft_in1k |", "Your own", "| mine |", "imagenet-params.svg", "40 images"} {
		if !strings.Contains(a.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	none := Record{Plan: imagenetPlan(t, "quick", Options{})}
	if page, err = none.Page(nil); err != nil {
		t.Fatal(err)
	}
	b.Reset()
	if err := page.WriteMarkdown(&b); err != nil || !strings.Contains(b.String(), "Nothing was evaluated") {
		t.Errorf("without images: %v", err)
	}
}

// Every published file of the zoo with a published accuracy is judged, MixNet's
// first.
func TestPublishedWeights(t *testing.T) {
	all := PublishedWeights(Preset{})
	if len(all) < 40 || all[0] != "photo" || !strings.HasPrefix(all[1], "mixnet_s.") {
		t.Errorf("%d: %v", len(all), all)
	}
	for _, name := range all {
		if _, err := weightsArm(Source{Named: Named{Name: name, Address: name}}); err != nil {
			t.Error(err)
		}
	}
}
