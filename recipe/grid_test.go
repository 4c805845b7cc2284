package recipe

import (
	"math"
	"reflect"
	"testing"
)

func TestPaperGrid(t *testing.T) {
	g := PaperGrid()
	all := g.Candidates(preset(t, "transfer").fit(1000))
	if len(all) != 56 {
		t.Errorf("%d candidates", len(all))
	}
	near := func(got, want float64) bool { return math.Abs(got-want) < 1e-6*want }
	if !near(g.Rates[0], 1e-4) || !near(g.Rates[2], 1e-3) || !near(g.Rates[6], 0.1) || g.Decays[0] != 0 || !near(g.Decays[1], 1e-6) || !near(g.Decays[7], 1e-3) {
		t.Errorf("%+v", g)
	}
	for _, r := range all {
		if err := r.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestGrid(t *testing.T) {
	r := preset(t, "transfer")
	if want := SmallGrid(); !reflect.DeepEqual(r.Grid, want) {
		t.Errorf("the grid of the recipe is %v, want %v", r.Grid, want)
	}
	if all := r.Grid.Candidates(r); len(all) != 3 || !all[0].Grid.IsZero() {
		t.Errorf("candidates %+v", all)
	}
}
