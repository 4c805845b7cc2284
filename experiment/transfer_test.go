package experiment

import (
	"bytes"
	"context"
	"encoding/csv"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/internal/stats"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/zoo"
)

// tinySource is a network with new weights, of other classes.
func tinySource(t *testing.T, classes ...string) Source {
	t.Helper()
	spec, err := zoo.Lookup("mixnet_tiny@width=0.25")
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(spec, zoo.Options{}, classes, 1)
	if err != nil {
		t.Fatal(err)
	}
	return Source{Named: Named{Name: "tiny"}, Model: m}
}

// transferPlan is the smallest plan to transfer to the built-in set.
func transferPlan(t *testing.T, o Options) (*Plan, error) {
	t.Helper()
	x, err := Lookup("transfer")
	if err != nil {
		t.Fatal(err)
	}
	p, err := x.Preset("smoke")
	if err != nil {
		t.Fatal(err)
	}
	o.Targets = append(o.Targets, Target{Named: Named{Name: "clothes"}, Splits: images(t)})
	return New(x, p, nil, o)
}

// All trials of a seed train on the same few images, those of another on others,
// and all are judged by the same ones.
func TestDraw(t *testing.T) {
	plan, err := transferPlan(t, Options{Sources: []Source{tinySource(t, "a", "b")}})
	if err != nil {
		t.Fatal(err)
	}
	names := func(d data.Dataset) []string {
		var all []string
		for i := range d.Len() {
			all = append(all, d.Name(i))
		}
		return all
	}
	splits := images(t)
	for name, s := range map[string]*data.Splits{"with test images": splits, "without": {Train: splits.Train}} {
		a, err := plan.draw(s, 1)
		if err != nil {
			t.Fatal(name, err)
		}
		again, err := plan.draw(s, 1)
		if err != nil {
			t.Fatal(name, err)
		}
		b, err := plan.draw(s, 2)
		if err != nil {
			t.Fatal(name, err)
		}
		if a.Train.Len() != 40 || a.Test.Len() != 40 || !slices.Equal(data.ClassCounts(a.Train), slices.Repeat([]int{4}, 10)) {
			t.Errorf("%s: %d images to train on, %d to judge by", name, a.Train.Len(), a.Test.Len())
		}
		if !slices.Equal(names(a.Train), names(again.Train)) || slices.Equal(names(a.Train), names(b.Train)) || !slices.Equal(names(a.Test), names(b.Test)) {
			t.Errorf("%s: images are not drawn by the seed", name)
		}
		for _, n := range names(a.Test) {
			if slices.Contains(names(a.Train), n) && s.Test == nil {
				t.Errorf("%s: %s trains and judges", name, n)
			}
		}
	}
}

// A network is not transferred to the classes that it was trained on.
func TestTransferPlan(t *testing.T) {
	own := tinySource(t, images(t).Classes()...)
	if _, err := transferPlan(t, Options{Sources: []Source{own}}); err == nil || !strings.Contains(err.Error(), "nothing to transfer") {
		t.Errorf("to its own set: %v", err)
	}
	other := tinySource(t, "a", "b")
	other.Name = "other"
	plan, err := transferPlan(t, Options{Sources: []Source{own, other}})
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Arms) != 3 || plan.Trials() != 6 || len(plan.LeftOut) != 1 || plan.Sets[0].Train != 40 || plan.Arms[0].Label != "from scratch" {
		t.Errorf("%d arms, left out %v, sets %v", len(plan.Arms), plan.LeftOut, plan.Sets)
	}
	again, err := transferPlan(t, Options{Sources: []Source{other}})
	if err != nil || plan.Differs(again) == "" {
		t.Errorf("one source less is no difference: %v", err)
	}
}

// Of MixNet-M with ten classes the paper prints 3.49 M parameters, and the fact
// sheet counts them.
func TestFigure9(t *testing.T) {
	spec, err := zoo.Lookup("mixnet_m")
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(spec, zoo.Options{}, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	x, err := Lookup("transfer")
	if err != nil {
		t.Fatal(err)
	}
	p, err := x.Preset("paper")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := New(x, p, nil, Options{
		Sources: []Source{{Named: Named{Name: "m"}, Model: m}}, Targets: []Target{{Named: Named{Name: "cifar10"}, Splits: images(t)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	all := plan.Arms[len(plan.Arms)-1]
	if len(plan.Arms) != 2 || all.Params != 3492752 || math.Abs(all.Top1-0.9792) > 1e-9 || all.FLOPS != 358 || math.Abs(float64(all.MACs)/1e6-337.6) > 0.1 {
		t.Errorf("%d arms, %+v", len(plan.Arms), all)
	}
	if len(plan.Recipe.Grid.Candidates(plan.Recipe)) != 56 || plan.Recipe.Fit.Steps != 20000 {
		t.Errorf("recipe %+v", plan.Recipe)
	}
}

// The trials run to the end, one that is killed is done again and no other, and
// page and table say what came of them.
func TestTransfer(t *testing.T) {
	dir := t.TempDir()
	o := Options{Sources: []Source{tinySource(t, "a", "b")}, Dir: filepath.Join(dir, "runs")}
	plan, err := transferPlan(t, o)
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), filepath.Join(dir, "trials.db"), false)
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
	trainer := &Trainer{Plan: plan, Sources: o.Sources, Targets: []Target{{Named: Named{Name: "clothes"}, Splits: images(t)}}}
	ctx, cancel := context.WithCancel(t.Context())
	var begun []int
	worker := store.Worker{Store: db, Name: "a", Propose: plan.Propose, Do: trainer.Do, OnStart: func(tr store.Trial) {
		if begun = append(begun, tr.Number); len(begun) == 3 {
			cancel()
		}
	}}
	if err := worker.Run(ctx); err == nil {
		t.Error("an interrupted worker ends without an error")
	}
	if err := worker.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []int{0, 1, 2, 2, 3, 4, 5}; !slices.Equal(begun, want) {
		t.Errorf("trials %v were begun, want %v", begun, want)
	}
	trials, err := db.Trials(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all, err := Results(plan, trials)
	if err != nil {
		t.Fatal(err)
	}
	checkTransfer(t, plan, all)
	weights, err := filepath.Glob(filepath.Join(dir, "runs", "*", "*.safetensors"))
	if err != nil || len(weights) > 0 {
		t.Errorf("weights are left: %v, %v", weights, err)
	}
}

// checkTransfer looks at what is written of results.
func checkTransfer(t *testing.T, plan *Plan, all []Result) {
	t.Helper()
	r := rankMethods(all, plan.Seed)
	if r.complete != 1 || len(r.standings) != 3 || len(r.leads) != 3 || r.leads[0].seeds == nil || r.leads[0].sets != nil {
		t.Fatalf("%+v", r)
	}
	scratch, tuned := &all[0], &all[2]
	want := (tuned.Top1[0] - scratch.Top1[0] + tuned.Top1[1] - scratch.Top1[1]) / 2
	if got := r.leads[1]; got.method != "all weights" || got.other != "from scratch" || math.Abs(got.seeds.Value-want) > 1e-9 {
		t.Errorf("%+v, want a lead of %v", got, want)
	}
	var table bytes.Buffer
	if err := WriteCSV(&table, plan, all); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&table).ReadAll()
	if err != nil || len(rows) != 7 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	x, err := Lookup("transfer")
	if err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	g := Page{Experiment: x, Plan: plan, Results: all, Figures: x.Figures(all)}
	if err := g.WriteMarkdown(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"## Ranking of methods", "all weights over from scratch", "transfer-clothes.svg", "no CIFAR-10", "transfer-food_101-paper.svg"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// Leads are over the sets' means, and a method counts as ahead where both
// intervals of a combination say so.
func TestRankMethods(t *testing.T) {
	result := func(panel, label string, top1 ...float64) Result {
		r := Result{Planned: Planned{Arm: Arm{Panel: panel, Series: "n", Label: label}}, Top1: top1}
		r.Mean, r.SD = stats.MeanAndSD(top1)
		for i, v := range top1 {
			var o Outcome
			ranks := make([]int, 100)
			for k := range ranks {
				if k >= int(math.Round(100*v)) {
					ranks[k] = 1
				}
			}
			o.judged(ranks)
			r.seeds, r.outcomes = append(r.seeds, i), append(r.outcomes, o)
		}
		return r
	}
	r := rankMethods([]Result{
		result("a", "from scratch", 0.20, 0.21, 0.22), result("a", "last layer only", 0.60, 0.61, 0.62), result("a", "all weights", 0.80, 0.81, 0.82),
		result("b", "from scratch", 0.30, 0.31, 0.32), result("b", "last layer only", 0.50, 0.52, 0.51), result("b", "all weights", 0.51, 0.50, 0.52),
	}, 0)
	if got := r.standings; got[0].method != "all weights" || got[0].rank != 1 || got[2].rank != 3 || math.Abs(got[0].mean-0.66) > 1e-9 {
		t.Errorf("%+v", got)
	}
	first := r.leads[0] // of all weights over the last layer: 0.2 and 0
	if first.ahead != 1 || first.behind != 0 || math.Abs(first.seeds.Value-0.1) > 1e-9 || !first.seeds.Resolved() || first.sets.Resolved() {
		t.Errorf("%+v, by seeds %+v, by sets %+v", first, first.seeds, first.sets)
	}
	if !strings.Contains(first.verdict(), "another could turn it round") {
		t.Error(first.verdict())
	}
	// By sets: 0.2 and 0 have the mean 0.1 and the standard error 0.1, of 1 degree of freedom.
	if half := 12.706 * 0.1; math.Abs(first.sets.High-0.1-half) > 1e-6 {
		t.Errorf("by sets %+v", first.sets)
	}
}
