package vision

import (
	"image"
	"math"

	"github.com/mixnet-go/mixnet/input"
)

// Transform says which part of an upright picture becomes a network's input,
// and how. It is what a [Processor] did to one picture.
//
// The part inside Source is scaled to Size with Filter. Of that the part inside
// Window is kept, which has the input's size; what of that lies outside, a
// letterbox's margin, has the level Fill. Then the pixel at p+Shift moves
// to p, and Flip mirrors the result from left to right. Shear, rotation and
// translation of [input.RandAugment] are no part of it.
type Transform struct {
	Source image.Rectangle
	Size   image.Point
	Filter input.Interpolation
	Window image.Rectangle
	Fill   uint8
	Shift  image.Point
	Margin input.PadMode // what Shift brings in from outside the window
	Flip   bool

	// Least is the part of a box that the input must show for the box to count;
	// 0 leaves it to whoever moves the box. Centers counts boxes by their centers
	// instead.
	Least   float64
	Centers bool
}

// Point maps a place in the picture to one in the input. Places are measured in
// pixels from the upper left corner of a picture: its first pixel's middle is
// at (0.5, 0.5).
func (t Transform) Point(x, y float64) (inputX, inputY float64) {
	x = (x-float64(t.Source.Min.X))*float64(t.Size.X)/float64(t.Source.Dx()) - float64(t.Window.Min.X+t.Shift.X)
	y = (y-float64(t.Source.Min.Y))*float64(t.Size.Y)/float64(t.Source.Dy()) - float64(t.Window.Min.Y+t.Shift.Y)
	if t.Flip {
		x = float64(t.Window.Dx()) - x
	}
	return x, y
}

// Box is a rectangle between the places (X0, Y0) and (X1, Y1) of a picture, as
// [Transform.Point] measures them, with X0 <= X1 and Y0 <= Y1.
type Box struct{ X0, Y0, X1, Y1 float64 }

// Box maps a rectangle of the picture to one of the input, of which parts, or
// all, may lie outside the input.
func (t Transform) Box(b Box) Box {
	b.X0, b.Y0 = t.Point(b.X0, b.Y0)
	b.X1, b.Y1 = t.Point(b.X1, b.Y1)
	if t.Flip {
		b.X0, b.X1 = b.X1, b.X0
	}
	return b
}

// Back is the inverse of [Transform.Point]: it maps a place in the input to one
// in the picture.
func (t Transform) Back(x, y float64) (pictureX, pictureY float64) {
	if t.Flip {
		x = float64(t.Window.Dx()) - x
	}
	x = (x+float64(t.Window.Min.X+t.Shift.X))*float64(t.Source.Dx())/float64(t.Size.X) + float64(t.Source.Min.X)
	y = (y+float64(t.Window.Min.Y+t.Shift.Y))*float64(t.Source.Dy())/float64(t.Size.Y) + float64(t.Source.Min.Y)
	return x, y
}

// BackBox is the inverse of [Transform.Box].
func (t Transform) BackBox(b Box) Box {
	b.X0, b.Y0 = t.Back(b.X0, b.Y0)
	b.X1, b.Y1 = t.Back(b.X1, b.Y1)
	if t.Flip {
		b.X0, b.X1 = b.X1, b.X0
	}
	return b
}

// evaluation returns how a picture of w×h pixels is evaluated. p has its
// defaults.
func evaluation(p *input.Preprocess, w, h int) Transform {
	th, tw := p.Size[0], p.Size[1]
	t := Transform{Source: image.Rect(0, 0, w, h), Filter: p.Interpolation}
	sh, sw := int(float64(th)/p.CropPct), int(float64(tw)/p.CropPct)
	switch {
	case p.CropMode == input.CropSquash:
	case p.CropMode == input.CropLetterbox:
		scale := min(float64(tw)/float64(w), float64(th)/float64(h))
		sw = min(max(roundEven(float64(w)*scale), 1), tw)
		sh = min(max(roundEven(float64(h)*scale), 1), th)
		t.Fill = p.Fill
	case p.CropMode == input.CropFirst:
		t.Source = firstCrop(p, w, h)
		sw, sh = tw, th
	case th == tw:
		sw, sh = shortSide(w, h, sh)
	default:
		ratio := min(float64(h)/float64(sh), float64(w)/float64(sw))
		sh, sw = roundEven(float64(h)/ratio), roundEven(float64(w)/ratio)
	}
	x, y := roundEven(float64(sw-tw)/2), roundEven(float64(sh-th)/2)
	t.Size, t.Window = image.Pt(sw, sh), image.Rect(x, y, x+tw, y+th)
	return t
}

// firstCrop is the box of [input.CropFirst]. A size that is not square gets the
// largest box of its proportions.
func firstCrop(p *input.Preprocess, w, h int) image.Rectangle {
	th, tw := float64(p.Size[0]), float64(p.Size[1])
	scale := p.CropPct * min(float64(h)/th, float64(w)/tw)
	bh, bw := min(max(int(scale*th), 1), h), min(max(int(scale*tw), 1), w)
	x, y := (w-bw+1)/2, (h-bh+1)/2
	return image.Rect(x, y, x+bw, y+bh)
}

// shortSide scales w×h so that the shorter side is size, as torchvision's
// Resize rounds it.
func shortSide(w, h, size int) (sw, sh int) {
	if w <= h {
		return size, size * h / w
	}
	return size * w / h, size
}

// roundEven rounds as Python's round does.
func roundEven(v float64) int { return int(math.RoundToEven(v)) }
