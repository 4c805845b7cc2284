package command

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
)

// A loss that falls around one rate and rises above another leads to a rate
// between.
func TestSuggestRate(t *testing.T) {
	f := &rateFinding{Recipe: 1e-2}
	for i := range 80 {
		rate := 1e-5 * math.Pow(10, float64(i)/16)
		f.Rates = append(f.Rates, rate)
		x := math.Log10(rate)
		f.Losses = append(f.Losses, 2-math.Tanh(2*(x+3))+math.Exp(3*(x+0.5))) // steepest at 0.001
	}
	if err := f.suggest(); err != nil {
		t.Fatal(err)
	}
	if f.Suggested < 3e-4 || f.Suggested > 3e-3 || f.Least <= f.Suggested || f.Least > 0.2 {
		t.Errorf("suggested %g, least at %g", f.Suggested, f.Least)
	}
	short := &rateFinding{Rates: []float64{1, 2}, Losses: []float64{3, 9}}
	if err := short.suggest(); err == nil {
		t.Error("two steps lead to a suggestion")
	}
	s := smoothed{}
	for _, loss := range []float64{2, 1.5, 1, 1} {
		if s.add(loss); s.lost() {
			t.Errorf("lost at %g", loss)
		}
	}
	for range 20 {
		s.add(50)
	}
	if !s.lost() {
		t.Error("not lost")
	}
	if s.add(math.NaN()); !s.lost() {
		t.Error("NaN is not lost")
	}
}

func TestFindRate(t *testing.T) {
	t.Chdir(t.TempDir())
	out := mustRun(t, "train", "--lr-find", "-b", "8")
	if !strings.Contains(out, "suggested: --lr ") || exists(runsDir) {
		t.Errorf("no suggestion, or a run folder:\n%s", out)
	}
	var f rateFinding
	if err := json.Unmarshal([]byte(mustRun(t, "train", "--lr-find", "-b", "8", "--json")), &f); err != nil {
		t.Fatal(err)
	}
	if len(f.Rates) != len(f.Losses) || !slices.IsSorted(f.Rates) || f.Suggested < f.Rates[0] || f.Suggested > f.Least || f.Recipe != 0.003 {
		t.Errorf("%+v", f)
	}
}
