package recipe

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed recipes/*.toml
var presets embed.FS

// Presets returns the names of the recipes that come with the package.
func Presets() []string {
	var names []string
	files, _ := fs.Glob(presets, "recipes/*.toml") // the pattern is well-formed
	for _, f := range files {
		names = append(names, strings.TrimSuffix(path.Base(f), ".toml"))
	}
	return names
}

// Preset returns a recipe that comes with the package: "mixnet", the paper's
// for ImageNet; "transfer", the paper's for other data sets; "small", for images
// of about 30 pixels; "finetune", for few images of other classes; "detection",
// for networks that find objects, and "detection-finetune", for those from
// weights that know something; "garments", for those on made pictures.
func Preset(name string) (Recipe, error) {
	text, err := PresetText(name)
	if err != nil {
		return Recipe{}, err
	}
	return Parse(text)
}

// PresetText returns the file of a recipe that comes with the package.
func PresetText(name string) (string, error) {
	text, err := presets.ReadFile("recipes/" + name + ".toml")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return "", fmt.Errorf("%w: there is no %q: want %s, or a .toml file", ErrRecipe, name, strings.Join(Presets(), ", "))
	}
	return string(text), err
}

// FromScratch returns the recipe for a network with new parameters that takes
// as long as r, which is for fine-tuning: what is won by pretraining is the
// difference between the two. Steps are larger, and batch norm has statistics
// to find.
func FromScratch(r Recipe) Recipe {
	_, rate := r.Optimizer.Kind.usual()
	r.Schedule.LR = max(r.Schedule.LR, rate)
	r.Schedule.Warmup = max(r.Schedule.Warmup, 1)
	r.Name, r.FixedNorm, r.NormMomentum = "from scratch", false, 0.1
	r.Freeze, r.FreezeUntil = nil, ""
	r.Pretrained, r.Grid, r.Optimizer.LayerDecay = false, Grid{}, 0
	return r
}
