package train

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/BurntSushi/toml"
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
// of about 30 pixels; "finetune", for few images of other classes.
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

// maxText is how long the text of a recipe may be, in bytes.
const maxText = 64 << 10

// Parse reads a recipe in TOML.
func Parse(text string) (Recipe, error) {
	var r Recipe
	if len(text) > maxText {
		return r, fmt.Errorf("%w: more than %d bytes", ErrRecipe, maxText)
	}
	meta, err := toml.Decode(text, &r)
	if err != nil {
		return r, fmt.Errorf("%w: %w", ErrRecipe, err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return r, fmt.Errorf("%w: unknown setting %q", ErrRecipe, unknown[0].String())
	}
	return r, nil
}

// ReadFile reads the recipe in a TOML file.
func ReadFile(path string) (Recipe, error) {
	f, err := os.Open(path)
	if err != nil {
		return Recipe{}, fmt.Errorf("recipe: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err != nil {
		return Recipe{}, fmt.Errorf("recipe: %w", err)
	}
	r, err := Parse(string(text))
	if err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// FromScratch returns the recipe for a network with new parameters that takes
// as long as r, which is for fine-tuning: what is won by pretraining is the
// difference between the two. Steps are larger, and batch norm has statistics
// to find.
func FromScratch(r Recipe) Recipe {
	rate := map[string]float64{SGD: 0.05, AdamW: 0.002, RMSProp: 0.002, Muon: 0.005}[r.Optimizer.Kind]
	r.Schedule.LR = max(r.Schedule.LR, rate)
	r.Schedule.Warmup = max(r.Schedule.Warmup, 1)
	r.Name, r.FixedNorm, r.NormMomentum = "from scratch", false, 0.1
	r.Freeze, r.FreezeUntil = nil, ""
	return r
}
