package vision

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"

	"github.com/mixnet-go/mixnet/input"
)

// AugmentCrop says which part of a training picture is taken.
type AugmentCrop string

const (
	// NoCrop takes what evaluation takes.
	NoCrop AugmentCrop = "none"
	// PadCrop pads the picture, scaled to the network's size, with Pad pixels
	// on every side and takes a window of the network's size anywhere: the
	// usual choice for small pictures.
	PadCrop AugmentCrop = "pad"
	// InceptionCrop takes a box of random area and proportions, as
	// torchvision's RandomResizedCrop does, and scales it to the network's
	// size.
	InceptionCrop AugmentCrop = "inception"
	// TensorFlowCrop is InceptionCrop as TensorFlow's
	// sample_distorted_bounding_box draws it for MixNet's training: even
	// proportions, even heights, at least a tenth of the picture, and what
	// evaluation takes if ten draws fail or give the whole picture.
	TensorFlowCrop AugmentCrop = "tensorflow"
)

// PadMode says what a padded picture has on its margin, in torchvision's words.
type PadMode string

const (
	// PadConstant is black, and PadMode's zero value too.
	PadConstant PadMode = "constant"
	// PadReflect is the picture mirrored at its outermost pixels, which are not
	// repeated. A black margin shifts the statistics of batch norm away from
	// what evaluation, which has none, finds; this one hardly does.
	PadReflect PadMode = "reflect"
)

// Augment is the random change of pictures in training. The zero value takes
// what evaluation takes, unchanged.
type Augment struct {
	// Crop is NoCrop unless said otherwise.
	Crop AugmentCrop `json:"crop" toml:"crop"`
	// Pad is the margin of PadCrop in pixels.
	Pad int `json:"pad,omitempty" toml:"pad,omitempty"`
	// PadMode is what the margin shows; black if unset.
	PadMode PadMode `json:"pad_mode,omitempty" toml:"pad_mode,omitempty"`
	// Area bounds a random box's part of the picture; 0.08 to 1 if zero.
	Area [2]float64 `json:"area" toml:"area"`
	// Aspect bounds a random box's width over height, drawn evenly on a
	// logarithmic scale; 3/4 to 4/3 if zero.
	Aspect [2]float64 `json:"aspect" toml:"aspect"`
	// Interpolation scales a random box; the network's own if unset.
	Interpolation input.Interpolation `json:"interpolation,omitempty" toml:"interpolation,omitempty"`
	// Flip is the probability of a mirror image.
	Flip float64 `json:"flip" toml:"flip"`
	// AlternateFlip mirrors every image in every other epoch instead: a seed
	// says in which (Jordan, "94% on CIFAR-10 in 3.29 Seconds", 2024).
	// A loader, which knows the epoch, sets Flip accordingly.
	AlternateFlip bool `json:"alternate_flip,omitempty" toml:"alternate_flip,omitempty"`
	// RandAugment follows the crop and flip.
	RandAugment RandAugment `json:"rand_augment" toml:"rand_augment"`
	// Erase comes last, after the normalisation: [Processor.TrainTo] does it,
	// [Processor.Train] does not.
	Erase Erase `json:"erase" toml:"erase"`
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
	if a.RandAugment.M == 0 {
		a.RandAugment.M = 9
	}
	if a.Erase.Area == [2]float64{} {
		a.Erase.Area = [2]float64{0.02, 1. / 3}
	}
	if a.Erase.Aspect == [2]float64{} {
		a.Erase.Aspect = [2]float64{0.3, 1 / 0.3}
	}
	return a
}

// Validate reports what keeps a, after its defaults, from being applied.
func (a Augment) Validate() error {
	a = a.WithDefaults()
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: augmentation: %s", input.ErrPreprocess, fmt.Sprintf(format, args...))
	}
	switch a.Crop {
	case NoCrop, PadCrop, InceptionCrop, TensorFlowCrop:
	default:
		return bad("crop %q: want %s, %s, %s or %s", a.Crop, NoCrop, PadCrop, InceptionCrop, TensorFlowCrop)
	}
	if a.Pad < 0 || a.Pad > input.MaxSide {
		return bad("pad %d: want 0 to %d", a.Pad, input.MaxSide)
	}
	switch a.PadMode {
	case "", PadConstant, PadReflect:
	default:
		return bad("pad_mode %q: want %s or %s", a.PadMode, PadConstant, PadReflect)
	}
	for _, area := range [][2]float64{a.Area, a.Erase.Area} {
		if !(area[0] > 0 && area[0] <= area[1] && area[1] <= 1) {
			return bad("area %v: want 0 < low <= high <= 1", area)
		}
	}
	for _, aspect := range [][2]float64{a.Aspect, a.Erase.Aspect} {
		if !(aspect[0] > 0 && aspect[0] <= aspect[1] && aspect[1] <= 100) {
			return bad("aspect %v: want 0 < low <= high <= 100", aspect)
		}
	}
	for _, p := range []float64{a.Flip, a.Erase.Probability} {
		if !(p >= 0 && p <= 1) {
			return bad("%v is no probability", p)
		}
	}
	if r := a.RandAugment; r.N < 0 || r.N > 100 || !(r.M >= 0 && r.M <= maxStrength) || !(r.Std >= 0 && r.Std <= maxStrength) {
		return bad("RandAugment %+v: want n of 0 to 100, m and std of 0 to %d", r, maxStrength)
	}
	if a.Interpolation != "" {
		return a.Interpolation.Validate()
	}
	return nil
}

// augment draws a's changes from rng and carries them out.
func (v *Processor) augment(dst *Image, pic Picture, info Info, a *Augment, rng *rand.Rand) error {
	f, filter := evalFit(&v.pre, info.W, info.H), v.pre.Interpolation
	h, w := v.pre.Size[0], v.pre.Size[1]
	switch a.Crop {
	case PadCrop:
		// The margin takes the place of evaluation's.
		p := v.pre
		p.CropPct = 1
		f = evalFit(&p, info.W, info.H)
	case InceptionCrop:
		f = fit{a.inceptionBox(info.W, info.H, rng), w, h, image.Rect(0, 0, w, h)}
		if a.Interpolation != "" {
			filter = a.Interpolation
		}
	case TensorFlowCrop:
		if box, ok := a.tensorFlowBox(info.W, info.H, rng); ok {
			f = fit{box, w, h, image.Rect(0, 0, w, h)}
			if a.Interpolation != "" {
				filter = a.Interpolation
			}
		}
	}
	var shift image.Point
	if a.Crop == PadCrop && a.Pad > 0 {
		shift = image.Pt(rng.IntN(2*a.Pad+1)-a.Pad, rng.IntN(2*a.Pad+1)-a.Pad)
	}
	flip := a.Flip > 0 && rng.Float64() < a.Flip
	if shift == (image.Point{}) && !flip {
		if err := v.place(dst, pic, info, f, filter); err != nil {
			return err
		}
	} else {
		if err := v.place(&v.moved, pic, info, f, filter); err != nil {
			return err
		}
		dst.reset(w, h, v.pre.Channels)
		move(dst, &v.moved, shift, a.PadMode == PadReflect, flip)
	}
	a.RandAugment.apply(dst, &v.moved, rng)
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

// tensorFlowBox draws a box of a w×h picture; ok is false if all draws failed
// or the box is the whole picture.
func (a *Augment) tensorFlowBox(w, h int, rng *rand.Rand) (box image.Rectangle, ok bool) {
	const minCovered = 0.1
	area := float64(w) * float64(h)
	lowest, highest := a.Area[0]*area, a.Area[1]*area
	for range cropTries {
		aspect := uniform(rng, a.Aspect[0], a.Aspect[1])
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
		size := float64(bw * bh)
		if size < lowest || size > highest || size < minCovered*area || bw > w || bh > h || bw < 1 || bh < 1 {
			continue
		}
		x, y := rng.IntN(max(w-bw, 1)), rng.IntN(max(h-bh, 1))
		return image.Rect(x, y, x+bw, y+bh), bw < w || bh < h
	}
	return box, false
}

// uniform draws evenly from [lo, hi).
func uniform(rng *rand.Rand, lo, hi float64) float64 { return lo + rng.Float64()*(hi-lo) }

// move copies src to dst of the same size: the pixel at p+shift goes to p. From
// outside comes src reflected, or else black. If flip is set, the result is
// mirrored from left to right.
func move(dst, src *Image, shift image.Point, reflect, flip bool) {
	w, c := dst.W, dst.C
	from := min(max(0, -shift.X), w)
	to := max(from, min(w, w-shift.X))
	for y := range dst.H {
		out := dst.Pix[y*w*c:][:w*c]
		sy := y + shift.Y
		if reflect {
			sy = reflected(sy, src.H)
		}
		if sy < 0 || sy >= src.H {
			clear(out)
			continue
		}
		row := src.Pix[sy*w*c:][:w*c]
		if from < to {
			copy(out[from*c:to*c], row[(from+shift.X)*c:])
		}
		if reflect {
			reflectInto(out, row, c, 0, from, shift.X)
			reflectInto(out, row, c, to, w, shift.X)
		} else {
			clear(out[:from*c])
			clear(out[to*c:])
		}
		if flip {
			mirror(out, c)
		}
	}
}

// reflectInto copies to the pixels of out in [from, to) what reflected row has
// shift pixels further on.
func reflectInto(out, row []uint8, c, from, to, shift int) {
	for x := from; x < to; x++ {
		copy(out[x*c:(x+1)*c], row[reflected(x+shift, len(row)/c)*c:])
	}
}

// reflected returns where in a row of n pixels the mirrors at its first and last
// show position i.
func reflected(i, n int) int {
	if n == 1 {
		return 0
	}
	period := 2 * (n - 1)
	i = ((i % period) + period) % period
	return min(i, period-i)
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
