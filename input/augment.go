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
	// Area bounds a random box's part of the picture; 0.08 to 1 if zero.
	Area [2]float64 `json:"area" toml:"area"`
	// Aspect bounds a random box's width over height, drawn evenly on a
	// logarithmic scale; 3/4 to 4/3 if zero.
	Aspect [2]float64 `json:"aspect" toml:"aspect"`
	// Interpolation scales a random box; the network's own if unset.
	Interpolation Interpolation `json:"interpolation,omitempty" toml:"interpolation,omitempty"`
	// Flip is the probability of a mirror image.
	Flip float64 `json:"flip" toml:"flip"`
	// AlternateFlip mirrors every image in every other epoch instead: a seed
	// says in which (Jordan, "94% on CIFAR-10 in 3.29 Seconds", 2024).
	// A loader, which knows the epoch, sets Flip accordingly.
	AlternateFlip bool `json:"alternate_flip,omitempty" toml:"alternate_flip,omitempty"`
	// RandAugment follows the crop and flip.
	RandAugment RandAugment `json:"rand_augment" toml:"rand_augment"`
	// Erase comes last, after the normalization.
	Erase Erase `json:"erase" toml:"erase"`
}

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
	case NoCrop, PadCrop, InceptionCrop, TensorFlowCrop:
	default:
		return bad("crop %q: want %s, %s, %s or %s", a.Crop, NoCrop, PadCrop, InceptionCrop, TensorFlowCrop)
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
	for _, p := range []float64{a.Flip, a.Erase.Probability} {
		if !(p >= 0 && p <= 1) {
			return bad("%v is no probability", p)
		}
	}
	if r := a.RandAugment; r.N < 0 || r.N > 100 || !(r.M >= 0 && r.M <= MaxStrength) || !(r.Std >= 0 && r.Std <= MaxStrength) {
		return bad("RandAugment %+v: want n of 0 to 100, m and std of 0 to %d", r, MaxStrength)
	}
	if a.Interpolation != "" {
		return a.Interpolation.Validate()
	}
	return nil
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
