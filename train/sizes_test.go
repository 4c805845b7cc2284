package train

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
)

func TestSizesAt(t *testing.T) {
	for _, c := range []struct {
		sizes Sizes
		want  []int // of ten steps
	}{
		{Sizes{Pixels: []int{8}}, []int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
		{Sizes{Pixels: []int{4, 8}}, []int{0, 0, 0, 0, 0, 1, 1, 1, 1, 1}},
		{Sizes{Pixels: []int{4, 6, 8}, Ramp: 0.8}, []int{0, 0, 0, 0, 1, 1, 1, 1, 2, 2}},
		{Sizes{Pixels: []int{4, 6, 8}, Ramp: 1}, []int{0, 0, 0, 0, 0, 1, 1, 1, 1, 1}},
	} {
		s := c.sizes.withDefaults()
		if err := s.validate(); err != nil {
			t.Error(err)
		}
		var got []int
		work := 0.0
		for step := range 10 {
			got = append(got, s.at(step, 10))
			px := float64(s.Pixels[got[step]])
			work += px * px
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.sizes, got, c.want)
		}
		if got := s.work(0, 10, 10); math.Abs(got-work) > 1e-9 {
			t.Errorf("%+v: work of %g, want %g", c.sizes, got, work)
		}
		if got, parts := s.work(0, 10, 10), s.work(0, 3, 10)+s.work(3, 10, 10); math.Abs(got-parts) > 1e-9 {
			t.Errorf("%+v: work of %g, its parts %g", c.sizes, got, parts)
		}
	}
	for _, s := range []Sizes{
		{Order: Random},
		{Pixels: []int{8}, Order: "shrinking"},
		{Pixels: []int{8, 0}},
		{Pixels: []int{4, 8}, Ramp: 2},
		{Pixels: []int{4, 8}, Ramp: math.NaN()},
		{Pixels: make([]int, 65)},
	} {
		cfg := config(t, "")
		cfg.Recipe.Sizes = s
		if _, err := New(cfg); !errors.Is(err, ErrRecipe) {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

// A run on several sizes learns, is measured at the network's own size, and
// takes the memory of the largest.
func TestTrainingOnSizes(t *testing.T) {
	for _, sizes := range []Sizes{{Pixels: []int{6, 8}}, {Pixels: []int{6, 8, 10}, Order: Random}} {
		cfg := config(t, "")
		cfg.Train, cfg.Recipe.Epochs, cfg.Recipe.Sizes = stripes(300, 1), 8, sizes
		r := run(t, cfg)
		if last := r.Epochs()[7]; last.Top1 < 0.9 {
			t.Errorf("%+v: after 8 epochs: %+v", sizes, last)
		}
		if got := len(r.nets); got != len(sizes.Pixels) {
			t.Errorf("%+v: %d nets", sizes, got)
		}
		score, err := r.val.run(context.Background(), cfg.Model.Values)
		if err != nil || r.val.net.Shape().H != 8 || score.Top1 != r.Epochs()[7].Top1 {
			t.Errorf("%+v: measured %+v at %v, %v", sizes, score, r.val.net.Shape(), err)
		}
	}
}
