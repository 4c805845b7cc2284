package recipe

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/BurntSushi/toml"
)

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
		return r, unknownKey(unknown[0].String())
	}
	for _, key := range meta.Keys() {
		if err := r.checkZero(key.String()); err != nil {
			return r, err
		}
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

// TOML returns r, with its defaults, as a file that [Parse] reads.
func (r Recipe) TOML() (string, error) {
	var text strings.Builder
	err := toml.NewEncoder(&text).Encode(r.withDefaults())
	return text.String(), err
}
