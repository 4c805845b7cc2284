package recipe

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestSet(t *testing.T) {
	r := preset(t, "transfer")
	for _, assignment := range []string{
		"optimizer.momentum=0.95", "schedule.lr = 3e-4", "epochs=7", "batch=96", "seed=18446744073709551615", "fixed_norm=true",
		"freeze=conv_stem, blocks.0", "augment.area=[0.25, 1]", "augment.crop=pad", "augment.rand_augment.n=2", "sizes=16,24", "size_order=random",
	} {
		if err := r.Set(assignment); err != nil {
			t.Error(err)
		}
	}
	r, err := r.Complete(1000)
	if err != nil {
		t.Fatal(err)
	}
	if r.Optimizer.Momentum != 0.95 || r.Schedule.LR != 3e-4 || r.Epochs != 7 || r.Batch != 96 || r.Seed != 1<<64-1 || !r.FixedNorm ||
		!slices.Equal(r.Freeze, []string{"conv_stem", "blocks.0"}) || r.Augment.Area != [2]float64{0.25, 1} || r.Augment.Crop != "pad" ||
		r.Augment.RandAugment.N != 2 || !slices.Equal(r.Pixels, []int{16, 24}) || r.Order != Random || !r.Grid.IsZero() {
		t.Errorf("%+v", r)
	}
}

// Another kind comes with its own values, and what belongs to no kind stays.
func TestSetKind(t *testing.T) {
	r := preset(t, "mixnet")
	for _, a := range []string{"optimizer.clip=2", "optimizer.kind=sgd", "schedule.kind=cosine"} {
		if err := r.Set(a); err != nil {
			t.Fatal(err)
		}
	}
	r, err := r.Complete(1000)
	if want := (Optimizer{Kind: SGD, Momentum: 0.9, WeightDecay: 1e-5, Clip: 2}); err != nil || r.Optimizer != want || r.Schedule.Factor != 0 || r.Schedule.Warmup != 5 {
		t.Errorf("%+v, %+v, %v", r.Optimizer, r.Schedule, err)
	}
}

func TestSetErrors(t *testing.T) {
	for assignment, want := range map[string]string{
		"epochs":                  "KEY=VALUE",
		"epoch=3":                 "did you mean epochs",
		"momentum=0.9":            "did you mean optimizer.momentum",
		"optimizer.momentun=0.9":  "did you mean optimizer.momentum",
		"optimizer=sgd":           "table",
		"epochs.n=3":              `unknown setting "epochs.n"`,
		"epochs=3.5":              `epochs: "3.5": want a whole number`,
		"seed=-1":                 `seed: "-1"`,
		"ema=much":                `ema: "much": want a number`,
		"balance=2":               "true or false",
		"augment.area=0.5":        "2 values",
		"sizes=16,x":              `"x"`,
		"optimizer.momentum=0":    "0.9",
		"optimizer.kind=":         "rmsprop",
		"mix.probability=0":       "usual value, 1",
		"=1":                      "unknown setting",
		"optimizer..momentum=0.9": "unknown setting",
	} {
		r := preset(t, "mixnet")
		before := r
		if err := r.Set(assignment); !errors.Is(err, ErrRecipe) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", assignment, err, want)
		}
		if !reflect.DeepEqual(r, before) {
			t.Errorf("%s: an error changed the recipe", assignment)
		}
	}
}

// Numbers that are none, or without end, make no recipe.
func TestSettingsAreFinite(t *testing.T) {
	for _, key := range []string{
		"optimizer.eps", "optimizer.weight_decay", "optimizer.clip", "optimizer.momentum",
		"schedule.lr", "schedule.warmup", "ema", "smoothing",
	} {
		for _, value := range []string{"inf", "nan", "-1"} {
			r := preset(t, "mixnet")
			err := r.Set(key + "=" + value)
			if err == nil {
				err = r.Validate()
			}
			if err == nil {
				t.Errorf("%s=%s: no error", key, value)
			}
		}
	}
}

// Every key of a printed recipe can be set to what it is, and a printed recipe
// reads as itself.
func TestKeys(t *testing.T) {
	keys := Keys()
	if len(keys) < 50 || !slices.Contains(keys, "augment.erase.noise") || !slices.Contains(keys, "sizes") {
		t.Errorf("keys are %q", keys)
	}
	for _, name := range Presets() {
		r := preset(t, name)
		text, err := r.TOML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		if want := r.withDefaults(); !reflect.DeepEqual(again.withDefaults(), want) {
			t.Errorf("%s is printed as\n%s", name, text)
		}
	}
}

// What has no effect is refused.
func TestUnused(t *testing.T) {
	for want, change := range map[string]func(*Recipe){
		"optimizer sgd has no decay and no eps":              func(r *Recipe) { r.Optimizer = Optimizer{Kind: SGD, Decay: 0.9, Eps: 1e-3} },
		"schedule cosine has no every and no factor":         func(r *Recipe) { r.Schedule.Factor, r.Schedule.Every = 0.9, 2 },
		"schedule constant has no final":                     func(r *Recipe) { r.Schedule.Kind, r.Schedule.Final = Constant, 0.1 },
		"choose one":                                         func(r *Recipe) { r.Balance, r.Sampling = true, Balanced },
		`sampling "even": want shuffled or balanced`:         func(r *Recipe) { r.Sampling = "even" },
		`precision "fp16": want float32 or bf16`:             func(r *Recipe) { r.Precision = "fp16" },
		"grid of 1 rates and 0 decays":                       func(r *Recipe) { r.Grid.Rates = []float64{1} },
		"layer decay 2":                                      func(r *Recipe) { r.Optimizer.LayerDecay = 2 },
		`optimizer "adam": want rmsprop, sgd, adamw or muon`: func(r *Recipe) { r.Optimizer.Kind = "adam" },
		`schedule "linear": want step, cosine or constant`:   func(r *Recipe) { r.Schedule.Kind = "linear" },
	} {
		r := preset(t, "small")
		change(&r)
		if err := r.Validate(); !errors.Is(err, ErrRecipe) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
