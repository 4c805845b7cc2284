package vision

import (
	"image"
	"math"
	"math/rand/v2"

	"github.com/mixnet-go/mixnet/input"
)

// Augmentation is an [input.Augment] that is checked and complete. The zero
// value changes nothing at random.
type Augmentation struct {
	set   input.Augment
	boxes []Box // of the picture
}

// NewAugmentation completes and checks a.
func NewAugmentation(a input.Augment) (Augmentation, error) {
	set, err := a.Complete()
	return Augmentation{set: set}, err
}

// Mirrored returns a that always mirrors a picture, or never: for whoever
// decides it otherwise than by a's probability.
func (a Augmentation) Mirrored(always bool) Augmentation {
	a.set.Flip = 0
	if always {
		a.set.Flip = 1
	}
	return a
}

// Around returns a for a picture with boxes, in its upright form, which crops of
// the kinds for them go by.
func (a Augmentation) Around(boxes []Box) Augmentation {
	a.boxes = boxes
	return a
}

// cropTries is how often a random box is drawn before it is given up.
const cropTries = 10

// draw says what becomes of a picture of w×h pixels this time. p has its
// defaults.
func (a *Augmentation) draw(p *input.Preprocess, w, h int, rng *rand.Rand) Transform {
	t := evaluation(p, w, h)
	if z := a.set.ZoomOut; z.Probability > 0 && rng.Float64() < z.Probability {
		a.zoomOut(&t, p, rng)
		t.Flip = a.set.Flip > 0 && rng.Float64() < a.set.Flip
		return t
	}
	switch a.set.Crop {
	case input.PadCrop:
		// The margin takes the place of evaluation's.
		whole := *p
		whole.CropPct = 1
		t = evaluation(&whole, w, h)
		t.Margin = a.set.PadMode
		if pad := a.set.Pad; pad > 0 {
			t.Shift = image.Pt(rng.IntN(2*pad+1)-pad, rng.IntN(2*pad+1)-pad)
		}
	case input.InceptionCrop:
		a.take(&t, a.inceptionBox(w, h, rng), p)
	case input.TensorFlowCrop:
		if box, ok := a.tensorFlowBox(w, h, rng); ok {
			a.take(&t, box, p)
		}
	case input.SSDCrop:
		a.ssdCrop(&t, p, w, h, rng)
	case input.IoUCrop:
		a.iouCrop(&t, p, w, h, rng)
	}
	t.Flip = a.set.Flip > 0 && rng.Float64() < a.set.Flip
	return t
}

// take makes t scale a random box to the network's input.
func (a *Augmentation) take(t *Transform, box image.Rectangle, p *input.Preprocess) {
	t.Source = box
	t.Size = image.Pt(p.Size[1], p.Size[0])
	t.Window = image.Rectangle{Max: t.Size}
	if a.set.Interpolation != "" {
		t.Filter = a.set.Interpolation
	}
}

// inceptionBox draws a box of a w×h picture.
func (a *Augmentation) inceptionBox(w, h int, rng *rand.Rand) image.Rectangle {
	area := float64(w) * float64(h)
	lo, hi := math.Log(a.set.Aspect[0]), math.Log(a.set.Aspect[1])
	for range cropTries {
		target := area * uniform(rng, a.set.Area[0], a.set.Area[1])
		aspect := math.Exp(uniform(rng, lo, hi))
		bw, bh := roundEven(math.Sqrt(target*aspect)), roundEven(math.Sqrt(target/aspect))
		if bw > 0 && bh > 0 && bw <= w && bh <= h {
			x, y := rng.IntN(w-bw+1), rng.IntN(h-bh+1)
			return image.Rect(x, y, x+bw, y+bh)
		}
	}
	bw, bh := w, h
	switch aspect := float64(w) / float64(h); {
	case aspect < a.set.Aspect[0]:
		bh = min(max(roundEven(float64(w)/a.set.Aspect[0]), 1), h)
	case aspect > a.set.Aspect[1]:
		bw = min(max(roundEven(float64(h)*a.set.Aspect[1]), 1), w)
	}
	x, y := (w-bw)/2, (h-bh)/2
	return image.Rect(x, y, x+bw, y+bh)
}

// minCovered is the part of the picture that a box must hold which
// tensorFlowBox draws.
const minCovered = 0.1

// tensorFlowBox draws a box of a w×h picture; ok is false if all draws failed
// or the box is the whole picture.
func (a *Augmentation) tensorFlowBox(w, h int, rng *rand.Rand) (box image.Rectangle, ok bool) {
	for range cropTries {
		box, size := a.tensorFlowDraw(w, h, rng)
		if box.Empty() || size < minCovered*float64(w)*float64(h) {
			continue
		}
		return a.tensorFlowPlace(box, w, h, rng), box.Dx() < w || box.Dy() < h
	}
	return box, false
}

// tensorFlowDraw draws the size of a box of a w×h picture, empty if it does not
// fit, and returns its area.
func (a *Augmentation) tensorFlowDraw(w, h int, rng *rand.Rand) (box image.Rectangle, size float64) {
	area := float64(w) * float64(h)
	lowest, highest := a.set.Area[0]*area, a.set.Area[1]*area
	aspect := uniform(rng, a.set.Aspect[0], a.set.Aspect[1])
	bh, maxH := roundEven(math.Sqrt(lowest/aspect)), roundEven(math.Sqrt(highest/aspect))
	if roundEven(float64(maxH)*aspect) > w {
		maxH = int((float64(w) + 0.5 - 1e-7) / aspect)
		if roundEven(float64(maxH)*aspect) > w {
			maxH--
		}
	}
	maxH = min(maxH, h)
	bh = min(bh, maxH)
	bh += rng.IntN(max(maxH-bh, 0) + 1)
	bw := roundEven(float64(bh) * aspect)
	if float64(bw*bh) < lowest {
		bh++
		bw = roundEven(float64(bh) * aspect)
	}
	size = float64(bw * bh)
	if size < lowest || size > highest || bw > w || bh > h || bw < 1 || bh < 1 {
		return image.Rectangle{}, 0
	}
	return image.Rect(0, 0, bw, bh), size
}

// tensorFlowPlace puts a box somewhere in a w×h picture.
func (a *Augmentation) tensorFlowPlace(box image.Rectangle, w, h int, rng *rand.Rand) image.Rectangle {
	return box.Add(image.Pt(rng.IntN(max(w-box.Dx(), 1)), rng.IntN(max(h-box.Dy(), 1))))
}

// uniform draws evenly from [lo, hi).
func uniform(rng *rand.Rand, lo, hi float64) float64 { return lo + rng.Float64()*(hi-lo) }
