// Package input describes how a picture becomes the input of a network: its
// size, cropping, interpolation and normalization. It is data only; package
// vision carries it out.
package input

import (
	"cmp"
	"errors"
	"fmt"
	"math"
)

// Interpolation names the filter of a resize.
type Interpolation string

// The antialiased filters, each as Pillow has it and spelled as timm and
// torchvision spell it.
const (
	Bilinear Interpolation = "bilinear" // triangle, support 1
	Bicubic  Interpolation = "bicubic"  // Keys cubic, a = -0.5, support 2
	Lanczos  Interpolation = "lanczos"  // windowed sinc, support 3
	Box      Interpolation = "box"      // mean of the covered area
	Nearest  Interpolation = "nearest"  // no filter
)

// The filters that mix the four nearest pixels, whatever the reduction, as
// detectors are often trained. Results are rounded to whole levels.
const (
	BilinearHalfPixel Interpolation = "bilinear_half_pixel" // middles of pixels meet: PyTorch's interpolate, TensorFlow 2
	BilinearLegacy    Interpolation = "bilinear_legacy"     // corners of pixels meet: TensorFlow 1's resize_bilinear
)

// CropMode says how an image of any shape becomes Size.
type CropMode string

const (
	// CropCenter scales the short side to floor(Size/CropPct), keeping the
	// proportions, and cuts Size from the middle: torchvision's and timm's
	// evaluation.
	CropCenter CropMode = "center"
	// CropSquash scales each side to floor(Size/CropPct) whatever the
	// proportions, and cuts Size from the middle.
	CropSquash CropMode = "squash"
	// CropFirst cuts the square of CropPct times the short side from the
	// middle and scales that to Size: the evaluation of TensorFlow's MixNet
	// code.
	CropFirst CropMode = "first"
	// CropLetterbox scales the whole picture, keeping the proportions, to fit
	// into Size, puts it into the middle and fills the rest with Fill. CropPct
	// has no part in it.
	CropLetterbox CropMode = "letterbox"
)

// Preprocess says how an image becomes a network's input. It is stored with
// the network's weights. The zero value of each field means its default, see
// [Preprocess.WithDefaults].
type Preprocess struct {
	// Size is the network's input height and width in pixels; 224×224.
	Size [2]int `json:"size"`
	// Channels is 3 for RGB (the default) or 1 for grey.
	Channels int `json:"channels"`
	// CropPct is the part of the scaled image's side that is kept, in (0, 1];
	// 0.875.
	CropPct float64 `json:"crop_pct"`
	// CropMode is CropCenter unless said otherwise.
	CropMode CropMode `json:"crop_mode"`
	// Fill is the level of all channels beside the picture, of CropLetterbox.
	Fill uint8 `json:"fill,omitempty"`
	// Interpolation is Bicubic unless said otherwise.
	Interpolation Interpolation `json:"interpolation"`
	// Mean and Std, one per channel and in units of the range 0 to 1, make
	// the input (pixel/255 - Mean) / Std. Defaults: ImageNet's for RGB, 0.5
	// and 0.5 for grey.
	Mean []float32 `json:"mean"`
	Std  []float32 `json:"std"`
}

// ErrPreprocess is wrapped by every error about a Preprocess that cannot be
// applied.
var ErrPreprocess = errors.New("invalid preprocessing")

// MaxSide bounds the side of an image that a Preprocess may ask for.
const MaxSide = 1 << 14

// ImageNetMean returns the usual mean of ImageNet's RGB channels, in units of
// the range 0 to 1.
func ImageNetMean() []float32 { return []float32{0.485, 0.456, 0.406} }

// ImageNetStd returns the standard deviations that go with [ImageNetMean].
func ImageNetStd() []float32 { return []float32{0.229, 0.224, 0.225} }

// WithDefaults returns p with every unset field filled in.
func (p Preprocess) WithDefaults() Preprocess {
	if p.Size == [2]int{} {
		p.Size = [2]int{224, 224}
	}
	if p.Channels == 0 {
		p.Channels = 3
	}
	if p.CropPct == 0 {
		p.CropPct = 0.875
	}
	if p.CropMode == "" {
		p.CropMode = CropCenter
	}
	if p.Interpolation == "" {
		p.Interpolation = Bicubic
	}
	if len(p.Mean) == 0 {
		p.Mean = []float32{0.5}
		if p.Channels == 3 {
			p.Mean = ImageNetMean()
		}
	}
	if len(p.Std) == 0 {
		p.Std = []float32{0.5}
		if p.Channels == 3 {
			p.Std = ImageNetStd()
		}
	}
	return p
}

// Over returns p with every unset field as in q.
func (p Preprocess) Over(q Preprocess) Preprocess {
	if p.Size == [2]int{} {
		p.Size = q.Size
	}
	p.Channels = cmp.Or(p.Channels, q.Channels)
	p.CropPct = cmp.Or(p.CropPct, q.CropPct)
	p.CropMode = cmp.Or(p.CropMode, q.CropMode)
	p.Fill = cmp.Or(p.Fill, q.Fill)
	p.Interpolation = cmp.Or(p.Interpolation, q.Interpolation)
	if len(p.Mean) == 0 {
		p.Mean = q.Mean
	}
	if len(p.Std) == 0 {
		p.Std = q.Std
	}
	return p
}

// Validate reports what keeps p, after its defaults, from being applied.
func (p Preprocess) Validate() error {
	_, err := p.Complete()
	return err
}

// Complete is [Preprocess.WithDefaults] of a valid p; otherwise it reports what
// keeps p from being applied.
func (p Preprocess) Complete() (Preprocess, error) {
	p = p.WithDefaults()
	return p, p.check()
}

// check is Validate of what has its defaults.
func (p Preprocess) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrPreprocess, fmt.Sprintf(format, args...))
	}
	if p.Size[0] < 1 || p.Size[1] < 1 || p.Size[0] > MaxSide || p.Size[1] > MaxSide {
		return bad("size %d×%d: each side must be between 1 and %d", p.Size[0], p.Size[1], MaxSide)
	}
	if p.Channels != 1 && p.Channels != 3 {
		return bad("%d channels: want 3 (RGB) or 1 (grey)", p.Channels)
	}
	if !(p.CropPct > 0.01 && p.CropPct <= 1) {
		return bad("crop_pct %v: want more than 0.01 and at most 1", p.CropPct)
	}
	switch p.CropMode {
	case CropCenter, CropSquash, CropFirst, CropLetterbox:
	default:
		return bad("crop_mode %q: want %s, %s, %s or %s", p.CropMode, CropCenter, CropSquash, CropFirst, CropLetterbox)
	}
	if err := p.Interpolation.Validate(); err != nil {
		return err
	}
	if len(p.Mean) != p.Channels || len(p.Std) != p.Channels {
		return bad("%d means and %d deviations for %d channels", len(p.Mean), len(p.Std), p.Channels)
	}
	for c := range p.Mean {
		m, s := float64(p.Mean[c]), float64(p.Std[c])
		if math.IsNaN(m) || math.IsInf(m, 0) || math.IsNaN(s) || math.IsInf(s, 0) || s <= 0 {
			return bad("channel %d: mean %v, deviation %v: want finite numbers and a positive deviation", c, m, s)
		}
	}
	return nil
}

// Validate reports an error unless i is one of the filters.
func (i Interpolation) Validate() error {
	switch i {
	case Bilinear, Bicubic, Lanczos, Box, Nearest, BilinearHalfPixel, BilinearLegacy:
		return nil
	}
	return fmt.Errorf("%w: interpolation %q: want %s, %s, %s, %s, %s, %s or %s",
		ErrPreprocess, i, Bilinear, Bicubic, Lanczos, Box, Nearest, BilinearHalfPixel, BilinearLegacy)
}
