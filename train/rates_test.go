package train

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/recipe"
)

// The rate that is suggested trains, one far below it hardly does, and the
// model is left as it was.
func TestFindRate(t *testing.T) {
	cfg := config(t, "")
	cfg.Train, cfg.Recipe.Accumulate = stripes(96, 1), 2
	before := cfg.Model.Values.Clone()
	c, err := FindRate(t.Context(), cfg, RateRange{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(before, cfg.Model.Values, slices.Equal[[]float32]) {
		t.Error("the model was trained")
	}
	n := len(c.Points)
	if n < 20 || n > 100 || c.Points[0].LR != 1e-6 || !(c.Suggested > 1e-5 && c.Suggested < c.Lowest && c.Lowest <= 1) {
		t.Errorf("%d points, suggested %g, lowest %g", n, c.Suggested, c.Lowest)
	}
	for i := 1; i < n; i++ {
		if ratio := c.Points[i].LR / c.Points[i-1].LR; math.Abs(ratio-math.Pow(1e6, 1./99)) > 1e-9 {
			t.Fatalf("rate %d grows %g times", i, ratio)
		}
	}
	if again, err := FindRate(t.Context(), cfg, RateRange{}); err != nil || !reflect.DeepEqual(again, c) {
		t.Errorf("the second time %v", err)
	}
	loss := func(rate float64) float64 {
		cfg := config(t, "")
		cfg.Train, cfg.Recipe.Schedule = stripes(96, 1), recipe.Schedule{Kind: recipe.Constant, LR: rate}
		return run(t, cfg).Epochs()[2].Get("train_loss")
	}
	if good, small := loss(c.Suggested), loss(c.Suggested/1000); !(good < small-0.02) {
		t.Errorf("the suggested rate of %g ends with a loss of %g, a thousandth of it with %g", c.Suggested, good, small)
	}
}

func TestFindRateRefuses(t *testing.T) {
	for _, r := range []RateRange{{From: 1, To: 0.1, Steps: 50}, {From: 0, To: 1, Steps: 50}, {From: 1e-3, To: 1, Steps: 3}, {From: 1, To: math.Inf(1), Steps: 20}} {
		if _, err := FindRate(t.Context(), config(t, ""), r); err == nil {
			t.Errorf("%+v is accepted", r)
		}
	}
	if _, err := FindRate(t.Context(), config(t, ""), RateRange{From: 1e-30, To: 2e-30, Steps: 10}); err != nil && !errors.Is(err, ErrNoRate) {
		t.Error(err)
	}
	rising := &RateCurve{}
	for i := range 5 {
		rising.add(math.Pow(10, float64(i)), float64(1+i))
	}
	if err := rising.choose(); !errors.Is(err, ErrNoRate) {
		t.Errorf("a loss that rises: %v", err)
	}
}
