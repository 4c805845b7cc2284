// Package boxes reads pictures whose objects are marked by boxes: COCO's JSON,
// Pascal VOC's XML, YOLO's text files and CSV lists, told apart by what is in
// them. What is wrong with them is told with file and line, and the rest is
// used.
package boxes

import (
	"errors"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/vision"
)

// ErrNone says that a path holds no labelled boxes; it wraps [data.ErrLayout].
var ErrNone = errors.New("no labelled boxes")

// Layout is how labels of boxes are written.
type Layout string

// The layouts.
const (
	COCO Layout = "coco" // JSON: boxes by left, top, width and height
	VOC  Layout = "voc"  // an XML file a picture, as Pascal VOC's and LabelImg's
	YOLO Layout = "yolo" // a text file a picture: class, center and size as parts of the picture
	CSV  Layout = "csv"  // a row a box: picture, class and corners
)

// Layouts are all layouts, the one with the most to say first.
var layouts = []Layout{COCO, VOC, YOLO, CSV}

// Object is something that a picture shows.
type Object struct {
	// Box is in pixels of the upright picture: the left top corner of its first
	// pixel is (0, 0), and a box of one pixel has the width 1. Under a transform
	// it is in pixels of the network's input.
	Box   vision.Box
	Class int // counted from 0
	// Crowd marks a region of many objects, which teaches nothing and is judged
	// as COCO's evaluator does.
	Crowd bool
	// Difficult is VOC's mark of objects that are hard to tell. They are taught
	// and judged as others are.
	Difficult bool
	// Area is that of the object's outline in square pixels, 0 where only the box
	// is known.
	Area float64
	// Line is where it stands in the picture's Labels, counted from 1.
	Line int
}

// Objects are what a picture shows: the target of a sample.
type Objects []Object

// Under moves the boxes as t does the picture, and cuts them at the edges of the
// input. Those of which too little is left are dropped: less than t says, or
// where it says nothing, less than a quarter.
func (o Objects) Under(t vision.Transform) data.Target {
	const quarter = 0.25
	w, h := float64(t.Window.Dx()), float64(t.Window.Dy())
	least := t.Least
	if least == 0 {
		least = quarter
	}
	kept := make(Objects, 0, len(o))
	for _, x := range o {
		b := t.Box(x.Box)
		cut := vision.Box{X0: max(b.X0, 0), Y0: max(b.Y0, 0), X1: min(b.X1, w), Y1: min(b.Y1, h)}
		switch {
		case cut.X1 <= cut.X0 || cut.Y1 <= cut.Y0:
			continue
		case t.Centers:
			if cx, cy := (b.X0+b.X1)/2, (b.Y0+b.Y1)/2; !(cx > 0 && cx < w && cy > 0 && cy < h) {
				continue
			}
		case area(cut) < least*area(b)*(1-1e-9):
			continue
		}
		x.Box, x.Area = cut, 0
		kept = append(kept, x)
	}
	return kept
}

// Boxes implements [data.Boxed]: all but crowds.
func (o Objects) Boxes(dst []vision.Box) []vision.Box {
	for _, x := range o {
		if !x.Crowd {
			dst = append(dst, x.Box)
		}
	}
	return dst
}

func area(b vision.Box) float64 { return (b.X1 - b.X0) * (b.Y1 - b.Y0) }

// Picture is a picture and what it shows.
type Picture struct {
	// File is where it lies.
	File string
	// ID is its number in a COCO file, else 0.
	ID int64
	// W and H are the size of the upright picture, in pixels, and Orientation is
	// how the stored one must be turned.
	W, H        int
	Orientation vision.Orientation
	// Part is "train", "val" or "test", or "" where nothing says one.
	Part string
	// Labels is the file with its boxes; "" where there is none, which says that
	// it shows nothing.
	Labels  string
	Objects Objects
}

// Set is labelled pictures as they lie on disk.
type Set struct {
	Layout Layout
	// Root is the path that was opened.
	Root string
	// Classes are the names of the classes. Categories are their numbers in
	// COCO's files; nil in other layouts.
	Classes    []string
	Categories []int64
	Pictures   []Picture
	// Findings are what is wrong with labels and pictures, with what came of it.
	Findings []Finding
	// Notes say how the labels were understood where it is not plain.
	Notes []string
}
