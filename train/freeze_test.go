package train

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/recipe"
)

// Frozen layers keep their bits, the running statistics included, and others do
// not.
func TestFreeze(t *testing.T) {
	for _, c := range []struct {
		change func(*recipe.Recipe)
		frozen []string
	}{
		{func(r *recipe.Recipe) { r.FreezeUntil = "classifier" }, []string{"conv_stem.", "bn1.", "blocks.", "conv_head.", "bn2."}},
		{func(r *recipe.Recipe) { r.FreezeUntil = "blocks.0.1" }, []string{"conv_stem.", "bn1.", "blocks.0.0."}},
		{func(r *recipe.Recipe) { r.Freeze = []string{"blocks.0.1", "conv_head."} }, []string{"blocks.0.1.", "conv_head."}},
		{func(r *recipe.Recipe) { r.Freeze, r.FreezeUntil = []string{"classifier.bias"}, "bn1" }, []string{"conv_stem.", "classifier.bias"}},
	} {
		cfg := config(t, "")
		c.change(&cfg.Recipe)
		before := cfg.Model.Values.Clone()
		run(t, cfg)
		found := 0
		for i, p := range cfg.Model.Graph.Params {
			frozen := slices.ContainsFunc(c.frozen, func(prefix string) bool { return strings.HasPrefix(p.Name, prefix) })
			if same := slices.Equal(before[i], cfg.Model.Values[i]); same != frozen {
				t.Errorf("%v frozen: %s unchanged is %v", c.frozen, p.Name, same)
			}
			if frozen {
				found++
			}
		}
		if found == 0 {
			t.Errorf("%v: no such layers", c.frozen)
		}
	}
	for want, change := range map[string]func(*recipe.Recipe){
		`no layer "blocks.0.17"`: func(r *recipe.Recipe) { r.Freeze = []string{"blocks.0.17"} },
		`no layer "block"`:       func(r *recipe.Recipe) { r.FreezeUntil = "block" },
		"all layers": func(r *recipe.Recipe) {
			r.Freeze = []string{"conv_stem", "bn1", "blocks", "conv_head", "bn2", "classifier"}
		},
	} {
		cfg := config(t, "")
		change(&cfg.Recipe)
		if _, err := New(cfg); !errors.Is(err, recipe.ErrRecipe) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
