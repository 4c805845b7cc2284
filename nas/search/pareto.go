package search

import (
	"cmp"
	"slices"
)

// Point is a network by what it takes and what it scores.
type Point struct {
	Number int // of its trial
	Cost   int64
	Score  float64
}

// Front returns the points that no cheaper or equal one is as good as, the
// cheapest first.
func Front(points []Point) []Point {
	points = slices.Clone(points)
	slices.SortStableFunc(points, func(a, b Point) int {
		return cmp.Or(cmp.Compare(a.Cost, b.Cost), cmp.Compare(b.Score, a.Score))
	})
	var front []Point
	for _, p := range points {
		if len(front) == 0 || p.Score > front[len(front)-1].Score {
			front = append(front, p)
		}
	}
	return front
}
