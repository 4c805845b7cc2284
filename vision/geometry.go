package vision

import (
	"image"
	"math"

	"github.com/mixnet-go/mixnet/input"
)

// fit is how a picture becomes the network's input: its box, scaled to w×h, of
// which the window is kept.
type fit struct {
	box    image.Rectangle
	w, h   int
	window image.Rectangle
}

// evalFit returns how a picture of w×h pixels is evaluated. p has its defaults.
func evalFit(p *input.Preprocess, w, h int) fit {
	th, tw := p.Size[0], p.Size[1]
	whole := image.Rect(0, 0, w, h)
	sh, sw := int(float64(th)/p.CropPct), int(float64(tw)/p.CropPct)
	switch {
	case p.CropMode == input.CropSquash:
	case p.CropMode == input.CropFirst:
		return fit{firstCrop(p, w, h), tw, th, image.Rect(0, 0, tw, th)}
	case th == tw:
		sw, sh = shortSide(w, h, sh)
	default:
		ratio := min(float64(h)/float64(sh), float64(w)/float64(sw))
		sh, sw = roundEven(float64(h)/ratio), roundEven(float64(w)/ratio)
	}
	x, y := roundEven(float64(sw-tw)/2), roundEven(float64(sh-th)/2)
	return fit{whole, sw, sh, image.Rect(x, y, x+tw, y+th)}
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
