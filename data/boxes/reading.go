package boxes

import (
	"fmt"

	"github.com/mixnet-go/mixnet/vision"
)

// reading is a data set as one layout's reader has found it, before its boxes
// are checked against the pictures.
type reading struct {
	layout     Layout
	from       string // what was read, for messages
	classes    []string
	categories []int64
	pictures   []labelled
	found      findings
	notes      []string
}

// labelled is a picture as its labels tell of it.
type labelled struct {
	file   string // "" if it is missing
	name   string // as the labels have it
	id     int64
	w, h   int // as the labels have it; 0 for nothing
	part   string
	labels string
	line   int
	boxes  []labelledBox
}

// labelledBox is a box as the labels have it.
type labelledBox struct {
	box              vision.Box // in pixels, or in parts of the picture
	parts            bool
	class            int
	area             float64
	crowd, difficult bool
	line             int
}

func (r *reading) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// usable reports whether there is anything to learn from.
func (r *reading) usable() bool {
	for i := range r.pictures {
		if r.pictures[i].file != "" {
			return true
		}
	}
	return false
}

// same reports whether two readings say the same of the same pictures.
func (r *reading) same(o *reading) bool {
	boxed := func(r *reading) map[string]*labelled {
		all := map[string]*labelled{}
		for i := range r.pictures {
			if p := &r.pictures[i]; p.file != "" && len(p.boxes) > 0 {
				all[p.file] = p
			}
		}
		return all
	}
	mine, others := boxed(r), boxed(o)
	if len(mine) != len(others) {
		return false
	}
	for file, p := range mine {
		q := others[file]
		if q == nil || p.part != q.part || !r.sameBoxes(p, o, q) {
			return false
		}
	}
	return true
}

// sameBoxes compares what two readings say of a picture. One of them may have
// it in parts.
func (r *reading) sameBoxes(p *labelled, o *reading, q *labelled) bool {
	if len(p.boxes) != len(q.boxes) {
		return false
	}
	w, h := float64(max(p.w, q.w)), float64(max(p.h, q.h))
	taken := make([]bool, len(q.boxes))
next:
	for _, b := range p.boxes {
		for j, c := range q.boxes {
			if !taken[j] && nameOf(r.classes, b.class) == nameOf(o.classes, c.class) && alike(b.pixels(w, h), c.pixels(w, h)) {
				taken[j] = true
				continue next
			}
		}
		return false
	}
	return true
}

func nameOf(classes []string, i int) string {
	if i < 0 || i >= len(classes) {
		return fmt.Sprint(i)
	}
	return classes[i]
}

// pixels returns the box in pixels of a picture.
func (b *labelledBox) pixels(w, h float64) vision.Box {
	if !b.parts {
		return b.box
	}
	return vision.Box{X0: b.box.X0 * w, Y0: b.box.Y0 * h, X1: b.box.X1 * w, Y1: b.box.Y1 * h}
}

// alike reports whether boxes are the same to a pixel.
func alike(a, b vision.Box) bool {
	d := max(a.X0-b.X0, b.X0-a.X0, a.Y0-b.Y0, b.Y0-a.Y0, a.X1-b.X1, b.X1-a.X1, a.Y1-b.Y1, b.Y1-a.Y1)
	return d <= 1
}
