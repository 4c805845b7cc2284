package coco

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkEvaluate judges 5,000 images with a hundred detections each.
func BenchmarkEvaluate(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	s := &Set{}
	var found []Detection
	for c := range 80 {
		s.Categories = append(s.Categories, Category{ID: int64(c + 1)})
	}
	for i := range 5000 {
		s.Images = append(s.Images, Image{ID: int64(i + 1)})
		for j := range 100 {
			c := int64(rng.IntN(80) + 1)
			box := Box{400 * rng.Float64(), 400 * rng.Float64(), 8 + 190*rng.Float64(), 8 + 190*rng.Float64()}
			if j < 7 {
				s.Truths = append(s.Truths, Truth{ID: int64(len(s.Truths) + 1), Image: int64(i + 1), Category: c, Box: box, Area: box.Area()})
			}
			found = append(found, Detection{Image: int64(i + 1), Category: c, Box: box, Score: rng.Float64()})
		}
	}
	for b.Loop() {
		if _, err := s.Evaluate(b.Context(), found, Options{Threads: 1}); err != nil {
			b.Fatal(err)
		}
	}
}
