package objects

import (
	"github.com/mixnet-go/mixnet/data/boxes"
	"github.com/mixnet-go/mixnet/evaluate/coco"
	"github.com/mixnet-go/mixnet/vision"
)

// Truths is what the images of a set show. Images are numbered from 1 in the
// set's order, classes from 1 in theirs.
func Truths(d boxes.Labelled) *coco.Set {
	s := &coco.Set{}
	for i, name := range d.Classes() {
		s.Categories = append(s.Categories, coco.Category{ID: int64(i + 1), Name: name})
	}
	for i := range d.Len() {
		w, h := d.Bounds(i)
		id := int64(i + 1)
		s.Images = append(s.Images, coco.Image{ID: id, Name: d.Name(i), Width: w, Height: h})
		for _, o := range d.Objects(i) {
			b := COCOBox(o.Box)
			area := o.Area
			if area == 0 {
				area = b.Area()
			}
			s.Truths = append(s.Truths, coco.Truth{ID: int64(len(s.Truths) + 1), Image: id, Category: int64(o.Class + 1), Box: b, Area: area, Crowd: o.Crowd})
		}
	}
	return s
}

// COCOBox returns a box by its corner and size.
func COCOBox(b vision.Box) coco.Box {
	return coco.Box{X: b.X0, Y: b.Y0, W: b.X1 - b.X0, H: b.Y1 - b.Y0}
}
