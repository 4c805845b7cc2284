// Package detect is what object detection has besides a network: anchors, the
// code of boxes, which anchor stands for which object, losses, and what becomes
// of a network's output. It is SSD's (Liu et al. 2016) as TensorFlow's Object
// Detection API and torchvision compute it.
//
// Everything is a function of slices of numbers. Boxes are in units of the
// network's square input, 0 to 1 from its left top corner. A network's output
// for an image is, for every anchor, a box code of four numbers and a score for
// each slot; slot 0 is the background.
package detect

import "math"

// Box is a rectangle from its left top corner to its right bottom one.
type Box struct{ X1, Y1, X2, Y2 float32 }

// Area returns the box's area, 0 for one that is empty or inverted.
func (b Box) Area() float32 {
	if b.X2 <= b.X1 || b.Y2 <= b.Y1 {
		return 0
	}
	return float32((b.X2 - b.X1) * (b.Y2 - b.Y1))
}

// Intersect returns what two boxes have in common.
func (b Box) Intersect(o Box) Box {
	return Box{max(b.X1, o.X1), max(b.Y1, o.Y1), min(b.X2, o.X2), min(b.Y2, o.Y2)}
}

// Clip returns the part of b inside the input.
func (b Box) Clip() Box { return b.Intersect(Box{0, 0, 1, 1}) }

// IoU returns intersection over union, 0 where nothing intersects.
func IoU(a, b Box) float32 {
	i := a.Intersect(b).Area()
	if i == 0 {
		return 0
	}
	return i / (a.Area() + b.Area() - i)
}

// Finite reports whether all corners are finite numbers.
func (b Box) Finite() bool {
	for _, v := range [...]float32{b.X1, b.Y1, b.X2, b.Y2} {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return false
		}
	}
	return true
}
