package vision

import (
	"fmt"
	"image"
	"math/rand/v2"

	"github.com/mixnet-go/mixnet/input"
)

// Picture is an image, or a file that holds one.
type Picture struct {
	// Pixels is the image; nil means that File holds it. It is not written to.
	Pixels *Image
	// File is a whole picture file in one of the formats of [Decoder].
	File []byte
}

// Processor turns pictures into a network's input. It keeps its tables and
// buffers from one picture to the next, and serves one goroutine at a time.
type Processor struct {
	// Decoder reads pictures that are files. Its limits may be set.
	Decoder Decoder

	pre     input.Preprocess
	table   [3][256]float32
	resizer Resizer
	region  Image // the part of the picture that is needed
	other   Image // that part with the channels of the network
	moved   Image // before a shift or flip
	scaled  Image
}

// NewProcessor returns a processor for p, whose unset fields get their
// defaults.
func NewProcessor(p input.Preprocess) (*Processor, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	v := &Processor{pre: p.WithDefaults()}
	for c := range v.pre.Channels {
		for i := range 256 {
			v.table[c][i] = (float32(i)/255 - v.pre.Mean[c]) / v.pre.Std[c]
		}
	}
	return v, nil
}

// Preprocess returns the description that the processor follows.
func (v *Processor) Preprocess() input.Preprocess { return v.pre }

// Len returns the number of elements of one input, height × width × channels.
func (v *Processor) Len() int { return v.pre.Size[0] * v.pre.Size[1] * v.pre.Channels }

// Eval scales and crops pic for evaluation into dst, reusing dst's memory: an
// image of the network's size and channels.
func (v *Processor) Eval(dst *Image, pic Picture) error {
	src, info, err := v.open(pic)
	if err != nil {
		return err
	}
	return v.place(dst, src, info, evalFit(&v.pre, info.W, info.H), v.pre.Interpolation)
}

// Train is [Processor.Eval] with the random changes of a, drawn from rng.
func (v *Processor) Train(dst *Image, pic Picture, a *Augment, rng *rand.Rand) error {
	src, info, err := v.open(pic)
	if err != nil {
		return err
	}
	full := a.WithDefaults()
	return v.augment(dst, src, info, &full, rng)
}

// open checks pic and returns its size.
func (v *Processor) open(pic Picture) (Picture, Info, error) {
	if pic.Pixels != nil {
		return pic, Info{W: pic.Pixels.W, H: pic.Pixels.H, Orientation: Upright}, pic.Pixels.Check()
	}
	info, err := v.Decoder.Inspect(pic.File)
	return pic, info, err
}

// place carries out f on pic into dst. Of a file, only what f needs is decoded.
func (v *Processor) place(dst *Image, pic Picture, info Info, f fit, filter input.Interpolation) error {
	v.resizer.prepare(scaling{filter, f.box.Dx(), f.box.Dy(), f.w, f.h, f.window})
	need := v.resizer.needs()
	src, origin := pic.Pixels, image.Point{}.Sub(f.box.Min)
	if src == nil {
		if err := v.Decoder.Region(&v.region, pic.File, info, need.Add(f.box.Min), v.pre.Channels); err != nil {
			return err
		}
		src, origin = &v.region, need.Min
	}
	if src.C != v.pre.Channels {
		v.other.convert(src, v.pre.Channels)
		src = &v.other
	}
	v.resizer.run(dst, src, origin)
	return nil
}

// Normalize writes (pixel/255 - mean) / std of an image of the network's size
// to dst, height × width × channels.
func (v *Processor) Normalize(dst []float32, img *Image) error {
	if err := v.fits(img); err != nil {
		return err
	}
	if len(dst) != len(img.Pix) {
		return fmt.Errorf("%w: %d elements for an input of %d", ErrImage, len(dst), len(img.Pix))
	}
	if v.pre.Channels == 1 {
		for i, p := range img.Pix {
			dst[i] = v.table[0][p]
		}
		return nil
	}
	for i := 0; i+3 <= len(dst) && i+3 <= len(img.Pix); i += 3 {
		p, d := img.Pix[i:i+3], dst[i:i+3]
		d[0], d[1], d[2] = v.table[0][p[0]], v.table[1][p[1]], v.table[2][p[2]]
	}
	return nil
}

// fits reports an error unless img has the network's size.
func (v *Processor) fits(img *Image) error {
	if err := img.Check(); err != nil {
		return err
	}
	if img.H != v.pre.Size[0] || img.W != v.pre.Size[1] || img.C != v.pre.Channels {
		return fmt.Errorf("%w: %d×%d×%d, the network takes %d×%d×%d", ErrImage,
			img.H, img.W, img.C, v.pre.Size[0], v.pre.Size[1], v.pre.Channels)
	}
	return nil
}

// EvalTo is [Processor.Eval] followed by [Processor.Normalize] into dst, which
// has [Processor.Len] elements.
func (v *Processor) EvalTo(dst []float32, pic Picture) error {
	if err := v.Eval(&v.scaled, pic); err != nil {
		return err
	}
	return v.Normalize(dst, &v.scaled)
}

// TrainTo is [Processor.Train] followed by [Processor.Normalize] into dst,
// which has [Processor.Len] elements, and by a.Erase.
func (v *Processor) TrainTo(dst []float32, pic Picture, a *Augment, rng *rand.Rand) error {
	if err := v.Train(&v.scaled, pic, a, rng); err != nil {
		return err
	}
	if err := v.Normalize(dst, &v.scaled); err != nil {
		return err
	}
	full := a.WithDefaults()
	full.Erase.apply(dst, v.scaled.H, v.scaled.W, v.scaled.C, rng)
	return nil
}
