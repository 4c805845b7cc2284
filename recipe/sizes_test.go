package recipe

import (
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
			got = append(got, s.At(step, 10))
			px := float64(s.Pixels[got[step]])
			work += px * px
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.sizes, got, c.want)
		}
		if got := s.Work(0, 10, 10); math.Abs(got-work) > 1e-9 {
			t.Errorf("%+v: work of %g, want %g", c.sizes, got, work)
		}
		if got, parts := s.Work(0, 10, 10), s.Work(0, 3, 10)+s.Work(3, 10, 10); math.Abs(got-parts) > 1e-9 {
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
		r := preset(t, "small")
		r.Sizes = s
		if err := r.Validate(); !errors.Is(err, ErrRecipe) {
			t.Errorf("%+v: %v", s, err)
		}
	}
}
