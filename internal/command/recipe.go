package command

import (
	"reflect"
	"strings"

	"github.com/mixnet-go/mixnet/recipe"
)

// recipeFlags say how to train: a recipe and what to change in it.
type recipeFlags struct {
	Recipe      string   `default:"${recipe}" placeholder:"NAME|FILE" group:"recipe" help:"small (for images of about 30 pixels), mixnet (the paper's, for ImageNet), finetune (for few images of other classes), transfer (the paper's, for other data sets), detection, detection-finetune or garments (for networks that find objects), or a TOML file. Default: ${recipe}; to detect, garments without --data, detection-finetune with --weights, else detection."`
	PrintConfig bool     `group:"recipe" help:"Print the recipe as TOML, with the changes below, and stop."`
	Set         []string `placeholder:"KEY=VALUE" sep:"none" group:"recipe" help:"Change any setting of the recipe by its name in --print-config, such as optimizer.momentum=0.95 or mix.mixup=0.2. May be repeated."`

	Epochs      *string  `placeholder:"N" group:"recipe" help:"Passes over the training images."`
	BatchSize   *string  `short:"b" placeholder:"N" group:"recipe" help:"Images in a step. The rate of the recipe mixnet grows with it."`
	Precision   *string  `placeholder:"P" group:"recipe" help:"What layers multiply in while they are trained: float32, or bf16, which is quicker with AVX512_BF16 or AMX (doctor says whether there is one). Weights and results are float32 in any case."`
	LR          *string  `name:"lr" placeholder:"F" group:"recipe" help:"Peak learning rate."`
	Opt         *string  `placeholder:"KIND" group:"recipe" help:"Optimizer: ${optimizers}."`
	WeightDecay *string  `placeholder:"F" group:"recipe" help:"Weight decay."`
	EMA         *string  `name:"ema" placeholder:"F" group:"recipe" help:"Decay of the moving average of the weights; 0 means none."`
	Sizes       *string  `placeholder:"PX,..." group:"recipe" help:"Train on images of these sizes, for speed: one after the other, such as 16,24,32. The result is measured at the network's own size."`
	DropPath    *float64 `placeholder:"P" group:"recipe" help:"Probability of skipping the last block (stochastic depth), linearly less for earlier ones; the network's own by default."`
	Sampling    *string  `placeholder:"KIND" group:"recipe" help:"How an epoch is drawn: shuffled (every image once) or balanced (as many images of every class)."`
	FreezeUntil *string  `placeholder:"LAYER" group:"recipe" help:"Leave all layers before this one as they are, such as blocks.3."`
	Patience    *string  `placeholder:"N" group:"recipe" help:"Stop after N epochs without a better result on the images to choose by; 0 means never."`
	MaxBad      *string  `placeholder:"N" group:"recipe" help:"Unreadable images of a set to skip before giving up, 0 for none. Default: one in a hundred, at least one."`
	Seed        *string  `placeholder:"N" group:"recipe" help:"Seed of initial weights, order and augmentation."`
}

// assignments returns what the flags change, in the form of --set and in its
// order, so that --set has the last word.
func (f *recipeFlags) assignments() []string {
	var all []string
	for _, flag := range []struct {
		key   string
		value *string
	}{
		{"epochs", f.Epochs},
		{"batch", f.BatchSize},
		{"precision", f.Precision},
		{"schedule.lr", f.LR},
		{"optimizer.kind", f.Opt},
		{"optimizer.weight_decay", f.WeightDecay},
		{"ema", f.EMA},
		{"sizes", f.Sizes},
		{"sampling", f.Sampling},
		{"freeze_until", f.FreezeUntil},
		{"patience", f.Patience},
		{"seed", f.Seed},
		{"max_bad", f.maxBad()},
	} {
		if flag.value != nil {
			all = append(all, flag.key+"="+*flag.value)
		}
	}
	return append(all, f.Set...)
}

// maxBad is --max-bad as recipes have it: there 0 means one in a hundred, and -1
// none.
func (f *recipeFlags) maxBad() *string {
	if f.MaxBad == nil || *f.MaxBad != "0" {
		return f.MaxBad
	}
	none := "-1"
	return &none
}

// recipe returns the recipe with the changes applied. The images are those to
// train on, 0 if that is not known.
func (f *recipeFlags) recipe(images int) (recipe.Recipe, error) {
	r, err := f.base()
	if err != nil {
		return r, err
	}
	for _, a := range f.assignments() {
		if err := r.Set(a); err != nil {
			return r, usageError{err}
		}
	}
	if r, err = r.Complete(images); err != nil {
		return r, usageError{err}
	}
	return r, nil
}

// changes reports a flag that sets the setting of a key.
func (f *recipeFlags) changes(key string) bool {
	for _, a := range f.assignments() {
		if k, _, _ := strings.Cut(a, "="); strings.TrimSpace(k) == key {
			return true
		}
	}
	return false
}

func change[T any](dst, to *T) {
	if to != nil {
		*dst = *to
	}
}

// changeMaxBad sets how many unreadable images are skipped. On the command line
// 0 means none, for a loader -1.
func changeMaxBad(dst, to *int) {
	change(dst, to)
	if to != nil && *to == 0 {
		*dst = -1
	}
}

// base returns the recipe before changes.
func (f *recipeFlags) base() (recipe.Recipe, error) {
	if strings.HasSuffix(f.Recipe, ".toml") {
		return recipe.ReadFile(f.Recipe)
	}
	r, err := recipe.Preset(f.Recipe)
	if err != nil {
		return r, usageError{err}
	}
	return r, nil
}

// printConfig writes the recipe as a file that --recipe reads: the preset's own
// where nothing is changed.
func (f *recipeFlags) printConfig(e *env, r recipe.Recipe) error {
	if text, err := recipe.PresetText(f.Recipe); err == nil {
		preset, err := recipe.Parse(text)
		if err != nil {
			return err
		}
		if preset, err = preset.Complete(0); err != nil {
			return err
		}
		if reflect.DeepEqual(preset, r) {
			e.printf("%s", text)
			return nil
		}
	}
	text, err := r.TOML()
	if err != nil {
		return err
	}
	e.printf("%s", text)
	return nil
}

// setInstead returns how to change the setting of a recipe that a flag which
// does not exist seems to mean; "" if there is none.
func setInstead(flag string) string {
	name := strings.ReplaceAll(strings.TrimLeft(flag, "-"), "-", "_")
	for _, key := range recipe.Keys() {
		if name != "" && (key == name || strings.HasSuffix(key, "."+name)) {
			return "--set " + key + "=VALUE"
		}
	}
	return ""
}

// words writes a list of choices.
func words[S ~string](all []S) string {
	list := texts(all)
	if n := len(list); n > 1 {
		return strings.Join(list[:n-1], ", ") + " or " + list[n-1]
	}
	return strings.Join(list, "")
}
