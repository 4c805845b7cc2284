package recipe

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/input"
)

func preset(t *testing.T, name string) Recipe {
	t.Helper()
	r, err := Preset(name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPresets(t *testing.T) {
	for _, name := range Presets() {
		r := preset(t, name)
		if r.Name != name {
			t.Errorf("the recipe %s calls itself %s", name, r.Name)
		}
		if err := r.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		r = r.fit(10_000)
		if err := r.Validate(); err != nil || r.Fit != (Fit{}) {
			t.Errorf("%s for 10,000 images: %+v, %v", name, r, err)
		}
	}
	if got := strings.Join(Presets(), " "); got != "detection-finetune detection finetune garments mixnet small transfer" {
		t.Errorf("presets are %s", got)
	}
	for _, name := range []string{"none", "", "../recipes/small", "a\x00b"} {
		if _, err := Preset(name); !errors.Is(err, ErrRecipe) {
			t.Errorf("preset %q: %v", name, err)
		}
	}
}

// The numbers are those of the MixNet code: rates for 1,024 images a step on
// eight cores, or for 4,096.
func TestPaperRecipe(t *testing.T) {
	const images = 1_281_167
	r := preset(t, "mixnet").fit(images).withDefaults()
	want := Recipe{
		Name: "mixnet", Network: "tf_mixnet_s", Epochs: 350, Batch: 1024, Accumulate: 8,
		Optimizer: Optimizer{Kind: RMSProp, Momentum: 0.9, Decay: 0.9, Eps: 0.001, WeightDecay: 1e-5},
		Schedule:  Schedule{Kind: StepDecay, LR: 0.064, Warmup: 5, Factor: 0.97, Every: 2.4},
		Augment: input.Augment{
			Crop: input.TensorFlowCrop, Area: [2]float64{0.08, 1}, Aspect: [2]float64{3. / 4, 4. / 3},
			Interpolation: input.Bilinear, Flip: 0.5,
		},
		Smoothing: 0.1, NormMomentum: 0.01, EMA: 0.9999,
	}.withDefaults()
	if !reflect.DeepEqual(r, want) {
		t.Errorf("%+v\nwant\n%+v", r, want)
	}
	if steps := r.Epochs * (images / r.Batch); math.Abs(float64(steps)-437_898) > 100 {
		t.Errorf("%d steps", steps)
	}
	r = preset(t, "mixnet")
	r.Batch = 4096
	if r = r.fit(images); math.Abs(r.Schedule.LR-0.256) > 1e-12 || r.Accumulate != 32 {
		t.Errorf("for a batch of 4,096: rate %g in %d parts", r.Schedule.LR, r.Accumulate)
	}
	r.Batch, r.Fit, r.Accumulate = 100, Fit{Part: 128}, 0
	if r = r.fit(images); r.Accumulate != 1 {
		t.Errorf("a batch of 100 in %d parts", r.Accumulate)
	}
}

func TestRecipeFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.toml")
	for text, want := range map[string]string{
		"epoks = 3":                          "epoks",
		"epochs = 1.5":                       "epochs",
		"[optimizer]\nkind = 3":              "kind",
		"[schedule\nlr = 1":                  path,
		"[fit]\nsteps = 'a lot'":             "steps",
		"freeze = 'blocks'\nname=1":          path,
		strings.Repeat("a=1\n", maxText/4+1): "bytes",
	} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadFile(path); !errors.Is(err, ErrRecipe) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := ReadFile(path + ".not"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	for _, r := range []Recipe{
		{Batch: 8}, {Batch: 8, Epochs: 1, Fit: Fit{Part: -1}}, {Batch: 8, Epochs: -1, Fit: Fit{Steps: 10}},
	} {
		r.Schedule.LR = 1
		if err := r.Validate(); !errors.Is(err, ErrRecipe) {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

func TestFineTuningRecipes(t *testing.T) {
	for _, images := range []int{2, 50, 300, 2000, 50_000, 1_000_000} {
		for _, r := range []Recipe{preset(t, "finetune").fit(images), preset(t, "transfer").fit(images)} {
			if err := r.Validate(); err != nil {
				t.Errorf("%d images: %v", images, err)
			}
			if r.Batch > max(images/4, 1) {
				t.Errorf("%d images: %s has batches of %d", images, r.Name, r.Batch)
			}
		}
	}
	// Kornblith et al. train 20,000 steps of 256 images, and take a momentum
	// of 0.9 for short epochs and more for longer ones.
	r := preset(t, "transfer").fit(50_000)
	if steps := r.Epochs * (50_000 / r.Batch); r.Batch != 256 || math.Abs(float64(steps)-20_000) > 200 {
		t.Errorf("CIFAR: %d steps of %d images", steps, r.Batch)
	}
	if got := 1 - r.NormMomentum; math.Abs(got-(1-10./(50_000/256.))) > 1e-9 {
		t.Errorf("CIFAR: batch norm keeps %g", got)
	}
	if got := 1 - preset(t, "transfer").fit(3680).NormMomentum; math.Abs(got-0.9) > 1e-9 {
		t.Errorf("Pets: batch norm keeps %g", got)
	}
}
