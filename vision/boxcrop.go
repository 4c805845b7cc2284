package vision

import (
	"image"
	"math"
	"math/rand/v2"

	"github.com/mixnet-go/mixnet/input"
)

// The parts of boxes or of their overlap that crops are drawn by.
var (
	ssdParts = [...]float64{0, 0.1, 0.3, 0.5, 0.7, 0.9, 1}
	iouParts = [...]float64{0, 0.1, 0.3, 0.5, 0.7, 0.9, 1} // 1 leaves the picture as it is
)

const (
	ssdKeeps = 0.15 // probability that TensorFlow's leaves the picture as it is
	ssdTries = 100
	iouTries = 40 // of a part
	iouDraws = 16 // of parts; torchvision goes on until one succeeds
	// anyPart stands for the part 0, of which anything is enough.
	anyPart = 1e-9
)

// ssdCrop makes t a crop as TensorFlow's ssd_random_crop draws it. A picture
// without boxes counts as one box.
func (a *Augmentation) ssdCrop(t *Transform, p *input.Preprocess, w, h int, rng *rand.Rand) {
	part := ssdParts[rng.IntN(len(ssdParts))]
	if rng.Float64() < ssdKeeps {
		return
	}
	boxes := a.boxes
	if len(boxes) == 0 {
		boxes = []Box{{X1: float64(w), Y1: float64(h)}}
	}
	for range ssdTries {
		box, _ := a.tensorFlowDraw(w, h, rng)
		if box.Empty() {
			continue
		}
		box = a.tensorFlowPlace(box, w, h, rng)
		if !covers(box, boxes, part) {
			continue
		}
		a.take(t, box, p)
		t.Least = max(part, anyPart)
		return
	}
}

// covers reports whether a crop holds a part of one of the boxes.
func covers(crop image.Rectangle, boxes []Box, part float64) bool {
	for _, b := range boxes {
		if in := common(crop, b); in > 0 && in >= part*b.area() {
			return true
		}
	}
	return false
}

// common returns the area that a crop and a box have in common.
func common(crop image.Rectangle, b Box) float64 {
	x := min(b.X1, float64(crop.Max.X)) - max(b.X0, float64(crop.Min.X))
	y := min(b.Y1, float64(crop.Max.Y)) - max(b.Y0, float64(crop.Min.Y))
	return max(x, 0) * max(y, 0)
}

func (b Box) area() float64 { return (b.X1 - b.X0) * (b.Y1 - b.Y0) }

// iouCrop makes t a crop as torchvision's RandomIoUCrop draws it. A picture
// without boxes is left as it is.
func (a *Augmentation) iouCrop(t *Transform, p *input.Preprocess, w, h int, rng *rand.Rand) {
	if len(a.boxes) == 0 {
		return
	}
	lo, hi := math.Sqrt(a.set.Area[0]), math.Sqrt(a.set.Area[1])
	for range iouDraws {
		part := iouParts[rng.IntN(len(iouParts))]
		if part >= 1 {
			return
		}
		for range iouTries {
			bw, bh := int(float64(w)*uniform(rng, lo, hi)), int(float64(h)*uniform(rng, lo, hi))
			if bw < 1 || bh < 1 {
				continue
			}
			if aspect := float64(bw) / float64(bh); !(a.set.Aspect[0] <= aspect && aspect <= a.set.Aspect[1]) {
				continue
			}
			x, y := int(float64(w-bw)*rng.Float64()), int(float64(h-bh)*rng.Float64())
			crop := image.Rect(x, y, x+bw, y+bh)
			if !overlaps(crop, a.boxes, part) {
				continue
			}
			a.take(t, crop, p)
			t.Centers = true
			return
		}
	}
}

// overlaps reports whether a box whose center is in a crop overlaps it by a part
// of what both cover.
func overlaps(crop image.Rectangle, boxes []Box, part float64) bool {
	for _, b := range boxes {
		if !centered(crop, b) {
			continue
		}
		in := common(crop, b)
		if in >= part*(b.area()+float64(crop.Dx()*crop.Dy())-in) {
			return true
		}
	}
	return false
}

func centered(crop image.Rectangle, b Box) bool {
	x, y := (b.X0+b.X1)/2, (b.Y0+b.Y1)/2
	return x > float64(crop.Min.X) && x < float64(crop.Max.X) && y > float64(crop.Min.Y) && y < float64(crop.Max.Y)
}

// zoomOut makes t the whole picture, as evaluation scales it, small on a ground
// of middle grey.
func (a *Augmentation) zoomOut(t *Transform, p *input.Preprocess, rng *rand.Rand) {
	const grey = 128
	times := uniform(rng, 1, a.set.ZoomOut.Most)
	t.Size = image.Pt(max(roundEven(float64(t.Size.X)/times), 1), max(roundEven(float64(t.Size.Y)/times), 1))
	th, tw := p.Size[0], p.Size[1]
	free := image.Pt(tw-min(t.Size.X, tw), th-min(t.Size.Y, th))
	at := image.Pt(rng.IntN(free.X+1), rng.IntN(free.Y+1))
	t.Window = image.Rect(0, 0, tw, th).Sub(at)
	if t.Fill == 0 {
		t.Fill = grey
	}
}

// recolor changes brightness, contrast and saturation.
func recolor(c *input.Color, m *Image, rng *rand.Rand) {
	factor := func(most float64) float32 { return float32(uniform(rng, 1-most, 1+most)) }
	if c.Brightness > 0 {
		m.brighten(factor(c.Brightness))
	}
	if c.Contrast > 0 {
		m.contrast(factor(c.Contrast))
	}
	if c.Saturation > 0 {
		m.saturate(factor(c.Saturation))
	}
}
