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
	boxed   Image // before the margin of a letterbox
	scaled  Image
}

// NewProcessor returns a processor for p, whose unset fields get their
// defaults.
func NewProcessor(p input.Preprocess) (*Processor, error) {
	p, err := p.Complete()
	if err != nil {
		return nil, err
	}
	v := &Processor{pre: p}
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

// Transform returns what [Processor.Fit] does to an upright picture of w×h
// pixels.
func (v *Processor) Transform(w, h int) Transform { return evaluation(&v.pre, w, h) }

// Fit scales and crops pic for evaluation into dst, an image of the network's
// size and channels, reusing dst's memory.
func (v *Processor) Fit(dst *Image, pic Picture) (Transform, error) {
	info, err := v.open(pic)
	if err != nil {
		return Transform{}, err
	}
	t := evaluation(&v.pre, info.W, info.H)
	return t, v.apply(dst, pic, info, &t)
}

// Augment is [Processor.Fit] with the random changes of a, drawn from rng,
// except for a's Erase.
func (v *Processor) Augment(dst *Image, pic Picture, a *Augmentation, rng *rand.Rand) (Transform, error) {
	info, err := v.open(pic)
	if err != nil {
		return Transform{}, err
	}
	t := a.draw(&v.pre, info.W, info.H, rng)
	if err := v.apply(dst, pic, info, &t); err != nil {
		return Transform{}, err
	}
	recolor(&a.set.Color, dst, rng)
	randAugment(&a.set.RandAugment, dst, &v.moved, rng)
	return t, nil
}

// open checks pic and returns its size.
func (v *Processor) open(pic Picture) (Info, error) {
	if pic.Pixels != nil {
		return Info{W: pic.Pixels.W, H: pic.Pixels.H, Orientation: Upright}, pic.Pixels.Check()
	}
	return v.Decoder.Inspect(pic.File)
}

// apply carries out t on pic into dst.
func (v *Processor) apply(dst *Image, pic Picture, info Info, t *Transform) error {
	if t.Shift == (image.Point{}) && !t.Flip {
		return v.place(dst, pic, info, t)
	}
	if err := v.place(&v.moved, pic, info, t); err != nil {
		return err
	}
	dst.reset(v.moved.W, v.moved.H, v.moved.C)
	move(dst, &v.moved, t.Shift, t.Margin == input.PadReflect, t.Flip)
	return nil
}

// place fills dst with t's window of pic. Of a file, only what that needs is
// decoded.
func (v *Processor) place(dst *Image, pic Picture, info Info, t *Transform) error {
	inside := t.Window.Intersect(image.Rectangle{Max: t.Size})
	v.resizer.prepare(scaling{t.Filter, t.Source.Dx(), t.Source.Dy(), t.Size.X, t.Size.Y, inside})
	need := v.resizer.needs()
	src, origin := pic.Pixels, image.Point{}.Sub(t.Source.Min)
	if src == nil {
		if err := v.Decoder.Region(&v.region, pic.File, info, need.Add(t.Source.Min), v.pre.Channels); err != nil {
			return err
		}
		src, origin = &v.region, need.Min
		defer v.region.trim()
	}
	if src.C != v.pre.Channels {
		defer v.other.trim()
		v.other.convert(src, v.pre.Channels)
		src = &v.other
	}
	if inside == t.Window {
		v.resizer.run(dst, src, origin)
		return nil
	}
	v.resizer.run(&v.boxed, src, origin)
	dst.reset(t.Window.Dx(), t.Window.Dy(), v.boxed.C)
	for i := range dst.Pix {
		dst.Pix[i] = t.Fill
	}
	at := inside.Min.Sub(t.Window.Min)
	row := v.boxed.W * v.boxed.C
	for y := range v.boxed.H {
		copy(dst.Pix[((at.Y+y)*dst.W+at.X)*dst.C:], v.boxed.Pix[y*row:(y+1)*row])
	}
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

// FitTo is [Processor.Fit] followed by [Processor.Normalize] into dst, which
// has [Processor.Len] elements.
func (v *Processor) FitTo(dst []float32, pic Picture) (Transform, error) {
	t, err := v.Fit(&v.scaled, pic)
	if err != nil {
		return t, err
	}
	return t, v.Normalize(dst, &v.scaled)
}

// AugmentTo is [Processor.Augment] followed by [Processor.Normalize] into dst,
// which has [Processor.Len] elements, and by a's Erase.
func (v *Processor) AugmentTo(dst []float32, pic Picture, a *Augmentation, rng *rand.Rand) (Transform, error) {
	t, err := v.Augment(&v.scaled, pic, a, rng)
	if err != nil {
		return t, err
	}
	if err := v.Normalize(dst, &v.scaled); err != nil {
		return t, err
	}
	erase(&a.set.Erase, dst, v.scaled.H, v.scaled.W, v.scaled.C, rng)
	return t, nil
}
