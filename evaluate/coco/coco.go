// Package coco judges detections as COCO's own evaluator, pycocotools, does:
// the same matching, the same order of ties, the same twelve numbers.
//
// Boxes are in pixels of the image as it is stored: left, top, width, height,
// with no pixel added. Accuracies are fractions; a number over nothing, such as
// the precision of large objects where there are none, is -1.
package coco

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Box is a rectangle: its left top corner and its size.
type Box struct{ X, Y, W, H float64 }

// Area returns W·H.
func (b Box) Area() float64 { return float64(b.W * b.H) } // rounded before anything is added to it

// Truth is an annotated object.
type Truth struct {
	ID, Image, Category int64
	Box                 Box
	// Area decides which sizes the object counts for. COCO's is that of the
	// object's outline, not of its box.
	Area float64
	// Crowd marks a region of many objects: what is found in it counts neither
	// way.
	Crowd bool
}

// Detection is a box that was found.
type Detection struct {
	Image, Category int64
	Box             Box
	Score           float64
}

// Image is a picture that detections may be for.
type Image struct {
	ID            int64
	Name          string
	Width, Height int
}

// Category is a class of objects.
type Category struct {
	ID   int64
	Name string
}

// Set is the ground truth of some images.
type Set struct {
	Images     []Image
	Categories []Category
	Truths     []Truth
	// Notes say what in the set is not as it should be, and how it was read.
	Notes []string
}

// ErrImage is wrapped by the error of a detection on an image that is not in
// the set.
var ErrImage = errors.New("detection on an unknown image")

// cell holds the objects and detections of one category on one image.
type cell struct {
	image  int // index in the order of ids
	truths []Truth
	found  []Detection // by falling score, at most maxDetections
}

// maxDetections is how many detections of a category on an image count.
const maxDetections = 100

// class is a category with its cells, in the order of the images' ids.
type class struct {
	Category
	cells []cell
}

// classes sorts truths and detections into cells. It returns how many
// detections are of no known category.
func (s *Set) classes(found []Detection) ([]class, int, error) {
	images := make([]int64, 0, len(s.Images))
	for _, m := range s.Images {
		images = append(images, m.ID)
	}
	slices.Sort(images)
	images = slices.Compact(images)
	place := make(map[int64]int, len(images))
	for i, id := range images {
		place[id] = i
	}
	categories := slices.Clone(s.Categories)
	slices.SortStableFunc(categories, func(a, b Category) int { return cmp.Compare(a.ID, b.ID) })
	categories = slices.CompactFunc(categories, func(a, b Category) bool { return a.ID == b.ID })
	all := make([]class, len(categories))
	at := make(map[int64]int, len(categories))
	for i, c := range categories {
		all[i].Category = c
		at[c.ID] = i
	}
	cells := make([]map[int]*cell, len(all))
	get := func(category int64, image int) *cell {
		c := at[category]
		if cells[c] == nil {
			cells[c] = map[int]*cell{}
		}
		if cells[c][image] == nil {
			cells[c][image] = &cell{image: image}
		}
		return cells[c][image]
	}
	for _, t := range s.Truths {
		if _, ok := at[t.Category]; !ok {
			continue
		}
		if i, ok := place[t.Image]; ok {
			c := get(t.Category, i)
			c.truths = append(c.truths, t)
		}
	}
	unknown := 0
	for _, d := range found {
		i, ok := place[d.Image]
		if !ok {
			return nil, 0, fmt.Errorf("%w: id %d is none of the %d images", ErrImage, d.Image, len(images))
		}
		if _, ok := at[d.Category]; !ok {
			unknown++
			continue
		}
		c := get(d.Category, i)
		c.found = append(c.found, d)
	}
	for i := range all {
		for _, c := range cells[i] {
			slices.SortStableFunc(c.found, func(a, b Detection) int { return cmp.Compare(b.Score, a.Score) })
			c.found = c.found[:min(len(c.found), maxDetections)]
			all[i].cells = append(all[i].cells, *c)
		}
		slices.SortFunc(all[i].cells, func(a, b cell) int { return cmp.Compare(a.image, b.image) })
	}
	return all, unknown, nil
}
