package train

import (
	"fmt"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/recipe"
)

// frozenParams returns which parameters of g the recipe leaves as they are.
func frozenParams(g *graph.Graph, r *recipe.Recipe) (func(graph.ParamID) bool, error) {
	if len(r.Freeze) == 0 && r.FreezeUntil == "" {
		return func(graph.ParamID) bool { return false }, nil
	}
	frozen := make([]bool, len(g.Params))
	for _, layer := range r.Freeze {
		found := false
		for i, p := range g.Params {
			if within(p.Name, layer) {
				frozen[i], found = true, true
			}
		}
		if !found {
			return nil, noLayer(g, layer)
		}
	}
	if layer := r.FreezeUntil; layer != "" {
		first := 0
		for first < len(g.Params) && !within(g.Params[first].Name, layer) {
			frozen[first] = true
			first++
		}
		if first == len(g.Params) {
			return nil, noLayer(g, layer)
		}
	}
	for i, p := range g.Params {
		if p.Trainable() && !frozen[i] {
			return func(p graph.ParamID) bool { return frozen[p] }, nil
		}
	}
	return nil, fmt.Errorf("%w: all layers of %s are frozen", recipe.ErrRecipe, g.Name)
}

// within reports whether a parameter belongs to a layer.
func within(param, layer string) bool {
	rest, ok := strings.CutPrefix(param, strings.TrimSuffix(layer, "."))
	return ok && (rest == "" || rest[0] == '.')
}

func noLayer(g *graph.Graph, layer string) error {
	var names []string
	for _, p := range g.Params {
		parts := strings.Split(p.Name, ".")
		name := strings.Join(parts[:min(len(parts)-1, 2)], ".")
		if len(names) == 0 || names[len(names)-1] != name {
			names = append(names, name)
		}
	}
	return fmt.Errorf("%w: freeze: %s has no layer %q; it has %s", recipe.ErrRecipe, g.Name, layer, strings.Join(names, ", "))
}
