package detect

import "math"

// Code is how boxes are written relative to anchors: Faster R-CNN's, the
// offset of the center times 10 and the logarithm of the size times 5.
type Code struct {
	Style Style
}

// The factors of a code, and the largest size in anchors that torchvision
// decodes.
const (
	CenterScale = 10
	SizeScale   = 5
	LargestSize = 1000. / 16

	tiny = 1e-8 // what TensorFlow adds to sizes
)

var largest = float32(math.Log(LargestSize))

// Encode returns the code of a box: (y, x, height, width) in TensorFlow's
// order, (x, y, width, height) in torchvision's.
func (c Code) Encode(b Box, a Anchor) [4]float32 {
	w, h := float64(b.X2-b.X1), float64(b.Y2-b.Y1)
	aw, ah := float64(a.W), float64(a.H)
	cx, cy := float64(b.X1)+w/2, float64(b.Y1)+h/2
	if c.Style == TensorFlow {
		w, h, aw, ah = w+tiny, h+tiny, aw+tiny, ah+tiny
	}
	x := float32(CenterScale * (cx - float64(a.CX)) / aw)
	y := float32(CenterScale * (cy - float64(a.CY)) / ah)
	lw, lh := float32(SizeScale*math.Log(w/aw)), float32(SizeScale*math.Log(h/ah))
	if c.Style == TensorFlow {
		return [4]float32{y, x, lh, lw}
	}
	return [4]float32{x, y, lw, lh}
}

// Decode is the inverse of Encode.
func (c Code) Decode(code []float32, a Anchor) Box {
	y, x, h, w := code[0], code[1], code[2], code[3]
	if c.Style == Torchvision {
		x, y, w, h = code[0], code[1], code[2], code[3]
	}
	w, h = w/SizeScale, h/SizeScale
	if c.Style == Torchvision {
		w, h = min(w, largest), min(h, largest)
	}
	cx, cy := float32(x/CenterScale*a.W)+a.CX, float32(y/CenterScale*a.H)+a.CY
	bw, bh := float32(math.Exp(float64(w)))*a.W, float32(math.Exp(float64(h)))*a.H
	return Box{cx - bw/2, cy - bh/2, cx + bw/2, cy + bh/2}
}
