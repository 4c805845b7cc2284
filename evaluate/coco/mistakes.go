package coco

import (
	"cmp"
	"slices"
)

// Outcome is what became of a box on an image.
type Outcome uint8

// The outcomes. An object that is Placed badly is neither Missed, nor is what
// was found there False.
const (
	Found  Outcome = iota // an object, with a detection of its class that overlaps it by half
	Missed                // an object that nothing was found of
	False                 // a detection where there is no object of its class
	Placed                // a detection that overlaps an object that is not found, but by less than half
)

// Marked is an object or a detection with its outcome.
type Marked struct {
	Outcome  Outcome
	Category int64
	Box      Box
	Score    float64 // of a detection, 0 of an object
}

// Mistakes are the boxes of an image.
type Mistakes struct {
	Image
	Missed, False, Placed int
	Boxes                 []Marked
}

// Errors is the number of mistakes.
func (m *Mistakes) Errors() int { return m.Missed + m.False + m.Placed }

// nearby is the least overlap of a detection that is meant for an object but
// badly placed.
const nearby = 0.1

// Mistakes matches the detections of at least a score with the objects as the
// evaluator does at an overlap of 0.5, and returns all images, those with most
// mistakes first.
func (s *Set) Mistakes(found []Detection, score float64) ([]Mistakes, error) {
	sure := slices.DeleteFunc(slices.Clone(found), func(d Detection) bool { return !(d.Score >= score) })
	classes, _, err := s.classes(sure)
	if err != nil {
		return nil, err
	}
	images := slices.Clone(s.Images)
	slices.SortStableFunc(images, func(a, b Image) int { return cmp.Compare(a.ID, b.ID) })
	images = slices.CompactFunc(images, func(a, b Image) bool { return a.ID == b.ID })
	out := make([]Mistakes, len(images))
	for i, m := range images {
		out[i].Image = m
	}
	for _, k := range classes {
		for i := range k.cells {
			k.cells[i].mark(k.ID, &out[k.cells[i].image])
		}
	}
	slices.SortStableFunc(out, func(a, b Mistakes) int { return cmp.Compare(b.Errors(), a.Errors()) })
	return out, nil
}

// mark adds the boxes of a class on an image.
func (c *cell) mark(category int64, to *Mistakes) {
	m := c.overlaps()
	match := c.judge(m, 0).match
	outcome := make([]Outcome, len(c.truths))
	for i := range outcome {
		outcome[i] = Missed
	}
	for _, t := range match {
		if t >= 0 {
			outcome[t] = Found
		}
	}
	for d, det := range c.found {
		o := Found
		if match[d] < 0 {
			o = False
			if t := c.nearest(m[d*len(c.truths):], outcome); t >= 0 {
				o, outcome[t] = Placed, Placed
			}
		}
		to.add(Marked{o, category, det.Box, det.Score})
	}
	for i, t := range c.truths {
		if outcome[i] == Missed && !t.Crowd {
			to.add(Marked{Missed, category, t.Box, 0})
		}
	}
}

// nearest returns the object that is missed with the largest overlap, -1 if none
// is near.
func (c *cell) nearest(row []float64, outcome []Outcome) int {
	best, most := -1, nearby
	for i, t := range c.truths {
		if outcome[i] == Missed && !t.Crowd && row[i] >= most {
			best, most = i, row[i]
		}
	}
	return best
}

func (m *Mistakes) add(b Marked) {
	switch b.Outcome {
	case Missed:
		m.Missed++
	case False:
		m.False++
	case Placed:
		m.Placed++
	}
	m.Boxes = append(m.Boxes, b)
}
