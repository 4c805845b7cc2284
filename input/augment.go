package input

import "fmt"

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
	// SSDCrop is for pictures with boxes: TensorFlow's ssd_random_crop. One of
	// seven parts between 0 and 1 is drawn of which a box in the crop must hold
	// as much of its own, and boxes of which less is left are dropped; with
	// probability 0.15 nothing is cropped. The crop is scaled to the network's
	// size whatever its proportions.
	SSDCrop AugmentCrop = "ssd"
	// IoUCrop is torchvision's RandomIoUCrop: a box must overlap the crop by a
	// part that is drawn, and those whose center is outside are dropped.
	IoUCrop AugmentCrop = "iou"
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

// Augment says how pictures are changed at random in training. The zero value
// takes what evaluation takes, unchanged.
type Augment struct {
	// Crop is NoCrop unless said otherwise.
	Crop AugmentCrop `json:"crop" toml:"crop"`
	// Pad is the margin of PadCrop in pixels.
	Pad int `json:"pad,omitempty" toml:"pad,omitempty"`
	// PadMode is what the margin shows; black if unset.
	PadMode PadMode `json:"pad_mode,omitempty" toml:"pad_mode,omitempty"`
	// Area bounds a random box's part of the picture; 0.08 to 1 if zero, of an
	// SSDCrop 0.1 to 1. Of an IoUCrop, both sides are drawn evenly between the
	// roots; 0.09 to 1 if zero.
	Area [2]float64 `json:"area" toml:"area"`
	// Aspect bounds a random box's width over height, drawn evenly on a
	// logarithmic scale; 3/4 to 4/3 if zero, of an SSDCrop and an IoUCrop 1/2 to
	// 2.
	Aspect [2]float64 `json:"aspect" toml:"aspect"`
	// ZoomOut puts a picture small on a grey ground, in place of the crop.
	ZoomOut ZoomOut `json:"zoom_out,omitzero" toml:"zoom_out,omitempty"`
	// Interpolation scales a random box; the network's own if unset.
	Interpolation Interpolation `json:"interpolation,omitempty" toml:"interpolation,omitempty"`
	// Flip is the probability of a mirror image.
	Flip float64 `json:"flip" toml:"flip"`
	// AlternateFlip mirrors every image in every other epoch instead: a seed
	// says in which (Jordan, "94% on CIFAR-10 in 3.29 Seconds", 2024).
	// A loader, which knows the epoch, sets Flip accordingly.
	AlternateFlip bool `json:"alternate_flip,omitempty" toml:"alternate_flip,omitempty"`
	// Color follows the crop and flip.
	Color Color `json:"color,omitzero" toml:"color,omitempty"`
	// RandAugment follows Color.
	RandAugment RandAugment `json:"rand_augment" toml:"rand_augment"`
	// Erase comes last, after the normalization.
	Erase Erase `json:"erase" toml:"erase"`
}

// WithDefaults returns a with every unset field filled in.
func (a Augment) WithDefaults() Augment {
	if a.Crop == "" {
		a.Crop = NoCrop
	}
	area, aspect := [2]float64{0.08, 1}, [2]float64{3. / 4, 4. / 3}
	switch a.Crop {
	case SSDCrop:
		area, aspect = [2]float64{0.1, 1}, [2]float64{0.5, 2}
	case IoUCrop:
		area, aspect = [2]float64{0.09, 1}, [2]float64{0.5, 2}
	}
	if a.Area == [2]float64{} {
		a.Area = area
	}
	if a.Aspect == [2]float64{} {
		a.Aspect = aspect
	}
	if a.ZoomOut.Probability > 0 && a.ZoomOut.Most == 0 {
		a.ZoomOut.Most = 4
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
	_, err := a.Complete()
	return err
}

// Complete is [Augment.WithDefaults] of a valid a; otherwise it reports what
// keeps a from being applied.
func (a Augment) Complete() (Augment, error) {
	a = a.WithDefaults()
	return a, a.check()
}

// check is Validate of what has its defaults.
func (a Augment) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: augmentation: %s", ErrPreprocess, fmt.Sprintf(format, args...))
	}
	switch a.Crop {
	case NoCrop, PadCrop, InceptionCrop, TensorFlowCrop, SSDCrop, IoUCrop:
	default:
		return bad("crop %q: want %s, %s, %s, %s, %s or %s", a.Crop, NoCrop, PadCrop, InceptionCrop, TensorFlowCrop, SSDCrop, IoUCrop)
	}
	if a.Pad < 0 || a.Pad > MaxSide {
		return bad("pad %d: want 0 to %d", a.Pad, MaxSide)
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
	for _, p := range []float64{a.Flip, a.Erase.Probability, a.ZoomOut.Probability, a.Color.Brightness, a.Color.Contrast, a.Color.Saturation} {
		if !(p >= 0 && p <= 1) {
			return bad("%v is no probability", p)
		}
	}
	if z := a.ZoomOut; z != (ZoomOut{}) && !(z.Most > 1 && z.Most <= 16) {
		return bad("zoom_out.most %v: want more than 1 and at most 16", z.Most)
	}
	if r := a.RandAugment; r.N < 0 || r.N > 100 || !(r.M >= 0 && r.M <= MaxStrength) || !(r.Std >= 0 && r.Std <= MaxStrength) {
		return bad("RandAugment %+v: want n of 0 to 100, m and std of 0 to %d", r, MaxStrength)
	}
	if a.Interpolation != "" {
		return a.Interpolation.Validate()
	}
	return nil
}

// ZoomOut shows a training picture small, for objects smaller than the data has
// (Liu et al., SSD, arXiv 1512.02325, section 3.6).
type ZoomOut struct {
	// Probability of it; 0 means never.
	Probability float64 `json:"probability" toml:"probability"`
	// Most is the largest number of times that the ground's sides are the
	// picture's, drawn evenly from 1; 4 if zero.
	Most float64 `json:"most" toml:"most,omitzero"`
}

// Color changes a training picture's brightness, contrast and saturation, each
// by a factor drawn evenly from 1 less to 1 more than the number here, 0 to 1.
type Color struct {
	Brightness float64 `json:"brightness" toml:"brightness,omitzero"`
	Contrast   float64 `json:"contrast" toml:"contrast,omitzero"`
	Saturation float64 `json:"saturation" toml:"saturation,omitzero"`
}

// RandAugment changes a picture by N operations drawn at random, all of one
// strength (Cubuk et al., RandAugment, 2019), with torchvision's operations and
// scale.
type RandAugment struct {
	// N is the number of operations; 0 means none.
	N int `json:"n" toml:"n"`
	// M is their strength, 0 to 30; 9 if it is zero.
	M float64 `json:"m" toml:"m"`
	// Std is the deviation of the strength, drawn anew for every operation;
	// 0 means always M.
	Std float64 `json:"std,omitempty" toml:"std,omitempty"`
}

// MaxStrength is the end of the scale of [RandAugment].M.
const MaxStrength = 30

// Erase overwrites a rectangle of a training picture (Zhong et al., Random
// Erasing, 2017).
type Erase struct {
	// Probability of it; 0 means never.
	Probability float64 `json:"probability" toml:"probability"`
	// Area bounds the rectangle's part of the picture; 0.02 to 1/3 if zero.
	Area [2]float64 `json:"area" toml:"area"`
	// Aspect bounds its height over width, drawn evenly on a logarithmic
	// scale; 0.3 to 1/0.3 if zero.
	Aspect [2]float64 `json:"aspect" toml:"aspect"`
	// Noise fills it with normal noise of deviation 1 instead of the mean.
	Noise bool `json:"noise" toml:"noise"`
}
