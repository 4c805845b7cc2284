package detection

import (
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/data/boxes"
	"github.com/mixnet-go/mixnet/data/garments"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/zoo"
)

// The changes are those of the paper's table in the zoo.
func TestChanges(t *testing.T) {
	for base, of := range map[string]func(Change) float64{
		"mobilenetv1_100_ssdlite320": func(c Change) float64 { return c.V1 }, "mobilenetv2_100_ssdlite320": func(c Change) float64 { return c.V2 },
	} {
		for _, c := range Changes() {
			name := base
			if c.Setting != "" {
				name += "@" + c.Setting
			}
			spec, err := zoo.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			if p := spec.About().Paper; p == nil || p.MAP != of(c) {
				t.Errorf("%s: the zoo has %+v, want an mAP of %v", name, p, of(c))
			}
		}
	}
}

// A trial is trained and judged, equal ones are equal to the bit, and pairs are
// of equal seeds.
func TestTrial(t *testing.T) {
	splits, err := garments.New(garments.Config{Train: 32, Test: 8, Side: 64})
	if err != nil {
		t.Fatal(err)
	}
	rec, err := recipe.Preset("garments")
	if err != nil {
		t.Fatal(err)
	}
	rec.Epochs, rec.Fit, rec.Seed = 1, recipe.Fit{}, 3
	trial := Trial{Network: "mobilenetv2_035_ssdlite64@maps=3", Recipe: rec, Fit: splits.Train.(boxes.Labelled), Judge: splits.Test.(boxes.Labelled), Threads: 1}
	a, err := trial.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	trial.Dir = t.TempDir() + "/run"
	b, err := trial.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if a.AP < 0 || a.AP != b.AP || a.AP50 != b.AP50 || a.Images != 8 || a.Objects == 0 || a.Seed != 3 {
		t.Errorf("%+v\n%+v", a, b)
	}
	other := *b
	other.AP, other.Seed = a.AP+0.5, 4
	if _, ok := Difference([]Outcome{*a}, []Outcome{other}); ok {
		t.Error("trials of other seeds were paired")
	}
	if d, ok := Difference([]Outcome{{Seed: 1, AP: 0.5}, {Seed: 2, AP: 0.6}}, []Outcome{{Seed: 2, AP: 0.5}, {Seed: 1, AP: 0.4}}); !ok || d.Value < 0.0999 || d.Value > 0.1001 {
		t.Errorf("difference %+v", d)
	}
	trial.Network = "mobilenetv2_035"
	if _, err := trial.Do(t.Context()); err == nil || !strings.Contains(err.Error(), "finds no objects") {
		t.Errorf("a classifier: %v", err)
	}
}
