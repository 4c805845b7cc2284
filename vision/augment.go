package vision

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"
)

// AugmentCrop says which part of a training picture is taken.
type AugmentCrop string

const (
	// NoCrop takes what evaluation takes.
	NoCrop AugmentCrop = "none"
	// PadCrop pads the picture, scaled to the network's size, with Pad black
	// pixels on every side and takes a window of the network's size anywhere:
	// the usual choice for small pictures.
	PadCrop AugmentCrop = "pad"
	// InceptionCrop takes a box of random area and proportions, as
	// torchvision's RandomResizedCrop does, and scales it to the network's
	// size.
	InceptionCrop AugmentCrop = "inception"
)

// Augment is the random change of pictures in training. The zero value takes
// what evaluation takes, unchanged.
type Augment struct {
	// Crop is NoCrop unless said otherwise.
	Crop AugmentCrop `json:"crop" toml:"crop"`
	// Pad is the margin of PadCrop in pixels.
	Pad int `json:"pad,omitempty" toml:"pad,omitempty"`
	// Area bounds InceptionCrop's part of the picture; 0.08 to 1 if zero.
	Area [2]float64 `json:"area" toml:"area"`
	// Aspect bounds InceptionCrop's width over height, drawn evenly on a
	// logarithmic scale; 3/4 to 4/3 if zero.
	Aspect [2]float64 `json:"aspect" toml:"aspect"`
	// Interpolation scales InceptionCrop's box; the network's own if unset.
	Interpolation Interpolation `json:"interpolation,omitempty" toml:"interpolation,omitempty"`
	// Flip is the probability of a mirror image.
	Flip float64 `json:"flip" toml:"flip"`
}

// cropTries is how often InceptionCrop draws before it takes the middle.
const cropTries = 10

// WithDefaults returns a with every unset field filled in.
func (a Augment) WithDefaults() Augment {
	if a.Crop == "" {
		a.Crop = NoCrop
	}
	if a.Area == [2]float64{} {
		a.Area = [2]float64{0.08, 1}
	}
	if a.Aspect == [2]float64{} {
		a.Aspect = [2]float64{3. / 4, 4. / 3}
	}
	return a
}

// Validate reports what keeps a, after its defaults, from being applied.
func (a Augment) Validate() error {
	a = a.WithDefaults()
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: augmentation: %s", ErrPreprocess, fmt.Sprintf(format, args...))
	}
	switch a.Crop {
	case NoCrop, PadCrop, InceptionCrop:
	default:
		return bad("crop %q: want %s, %s or %s", a.Crop, NoCrop, PadCrop, InceptionCrop)
	}
	if a.Pad < 0 || a.Pad > maxSide {
		return bad("pad %d: want 0 to %d", a.Pad, maxSide)
	}
	if !(a.Area[0] > 0 && a.Area[0] <= a.Area[1] && a.Area[1] <= 1) {
		return bad("area %v: want 0 < low <= high <= 1", a.Area)
	}
	if !(a.Aspect[0] > 0 && a.Aspect[0] <= a.Aspect[1] && a.Aspect[1] <= 100) {
		return bad("aspect %v: want 0 < low <= high <= 100", a.Aspect)
	}
	if !(a.Flip >= 0 && a.Flip <= 1) {
		return bad("flip %v: want a probability", a.Flip)
	}
	if a.Interpolation != "" {
		return a.Interpolation.Validate()
	}
	return nil
}

// augment draws a's changes from rng and carries them out.
func (v *Processor) augment(dst *Image, pic Picture, info Info, a *Augment, rng *rand.Rand) error {
	f, filter := v.pre.fit(info.W, info.H), v.pre.Interpolation
	h, w := v.pre.Size[0], v.pre.Size[1]
	switch a.Crop {
	case PadCrop:
		// The margin takes the place of evaluation's.
		p := v.pre
		p.CropPct = 1
		f = p.fit(info.W, info.H)
	case InceptionCrop:
		f = fit{a.inceptionBox(info.W, info.H, rng), w, h, image.Rect(0, 0, w, h)}
		if a.Interpolation != "" {
			filter = a.Interpolation
		}
	}
	var shift image.Point
	if a.Crop == PadCrop && a.Pad > 0 {
		shift = image.Pt(rng.IntN(2*a.Pad+1)-a.Pad, rng.IntN(2*a.Pad+1)-a.Pad)
	}
	flip := a.Flip > 0 && rng.Float64() < a.Flip
	if shift == (image.Point{}) && !flip {
		return v.place(dst, pic, info, f, filter)
	}
	if err := v.place(&v.moved, pic, info, f, filter); err != nil {
		return err
	}
	dst.reset(w, h, v.pre.Channels)
	move(dst, &v.moved, shift, flip)
	return nil
}

// inceptionBox draws a box of a w×h picture.
func (a *Augment) inceptionBox(w, h int, rng *rand.Rand) image.Rectangle {
	area := float64(w) * float64(h)
	lo, hi := math.Log(a.Aspect[0]), math.Log(a.Aspect[1])
	for range cropTries {
		target := area * uniform(rng, a.Area[0], a.Area[1])
		aspect := math.Exp(uniform(rng, lo, hi))
		bw, bh := roundEven(math.Sqrt(target*aspect)), roundEven(math.Sqrt(target/aspect))
		if bw > 0 && bh > 0 && bw <= w && bh <= h {
			x, y := rng.IntN(w-bw+1), rng.IntN(h-bh+1)
			return image.Rect(x, y, x+bw, y+bh)
		}
	}
	bw, bh := w, h
	switch aspect := float64(w) / float64(h); {
	case aspect < a.Aspect[0]:
		bh = min(max(roundEven(float64(w)/a.Aspect[0]), 1), h)
	case aspect > a.Aspect[1]:
		bw = min(max(roundEven(float64(h)*a.Aspect[1]), 1), w)
	}
	x, y := (w-bw)/2, (h-bh)/2
	return image.Rect(x, y, x+bw, y+bh)
}

// uniform draws evenly from [lo, hi).
func uniform(rng *rand.Rand, lo, hi float64) float64 { return lo + rng.Float64()*(hi-lo) }

// move copies src to dst of the same size: the pixel at p+shift goes to p, black
// from outside, and mirrored from left to right if flip is set.
func move(dst, src *Image, shift image.Point, flip bool) {
	w, c := dst.W, dst.C
	from, to := max(0, -shift.X), min(w, w-shift.X)
	for y := range dst.H {
		out := dst.Pix[y*w*c:][:w*c]
		sy := y + shift.Y
		if sy < 0 || sy >= src.H || from >= to {
			clear(out)
			continue
		}
		clear(out[:from*c])
		clear(out[to*c:])
		copy(out[from*c:to*c], src.Pix[(sy*w+from+shift.X)*c:])
		if flip {
			mirror(out, c)
		}
	}
}

// mirror reverses the pixels of a row.
func mirror(row []uint8, c int) {
	if c == 1 {
		for i, j := 0, len(row)-1; i < j; i, j = i+1, j-1 {
			row[i], row[j] = row[j], row[i]
		}
		return
	}
	for i, j := 0, len(row)-3; i < j; i, j = i+3, j-3 {
		a, b := row[i:i+3], row[j:j+3]
		a[0], a[1], a[2], b[0], b[1], b[2] = b[0], b[1], b[2], a[0], a[1], a[2]
	}
}
