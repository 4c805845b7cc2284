package mixnet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"slices"

	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/vision"
	"github.com/mixnet-go/mixnet/zoo"
)

// Detect returns the objects in an image.
func (d *Detector) Detect(ctx context.Context, img image.Image, o DetectOptions) (*Found, error) {
	return d.DetectPicture(ctx, Image(img), o)
}

// DetectFile is Detect of the picture in a file: JPEG, PNG, WebP, TIFF, BMP, GIF
// or PNM, whatever its name. Objects are looked for in the picture turned
// upright.
func (d *Detector) DetectFile(ctx context.Context, path string, o DetectOptions) (*Found, error) {
	return d.DetectPicture(ctx, File(path), o)
}

// DetectBytes is DetectFile of the content of a file.
func (d *Detector) DetectBytes(ctx context.Context, file []byte, o DetectOptions) (*Found, error) {
	return d.DetectPicture(ctx, Bytes(file), o)
}

// DetectPicture returns the objects in a picture.
func (d *Detector) DetectPicture(ctx context.Context, p Picture, o DetectOptions) (*Found, error) {
	found := new(Found)
	if err := d.DetectInto(ctx, found, p, o); err != nil {
		return nil, err
	}
	return found, nil
}

// DetectInto is DetectPicture whose result replaces what is in found, reusing
// its memory. For one [vision.Image] after the other, as frames of a video with
// the same options, it allocates nothing.
func (d *Detector) DetectInto(ctx context.Context, found *Found, p Picture, o DetectOptions) error {
	f, err := d.finder(ctx, o)
	if err != nil {
		return err
	}
	defer d.workers.Put(f)
	src, err := p.load(f.processor, d.limits, &f.pixels)
	if err != nil {
		return err
	}
	t, err := p.fit(ctx, f.processor, &f.image, src)
	if err != nil {
		return err
	}
	if err := d.program.RunBytesTo(ctx, f.image.Pix, inputs(d.input, 1), f.results...); err != nil {
		return err
	}
	turned := vision.Upright
	if src.File != nil {
		if info, err := vision.Inspect(src.File); err == nil && info.Orientation != 0 {
			turned = info.Orientation
		}
	}
	return d.find(found, f, &t, turned)
}

// finder returns what a call with some options needs. It goes back to the
// workers.
func (d *Detector) finder(ctx context.Context, o DetectOptions) (*finder, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	post, err := d.settings(o)
	if err != nil {
		return nil, err
	}
	f := d.workers.Get().(*finder)
	f.set(d, post, o.Classes)
	return f, nil
}

// find makes objects of the network's outputs.
func (d *Detector) find(found *Found, f *finder, t *vision.Transform, turned vision.Orientation) error {
	codes, logits := f.heads.Image(0)
	if err := errors.Join(checkFinite(codes), checkFinite(logits)); err != nil {
		return err
	}
	*found = Found{Orientation: turned, Objects: found.Objects[:0]}
	found.Width, found.Height = turned.Stored(t.Source.Dx(), t.Source.Dy())
	d.collect(found, f.detector.Detect(codes, logits), t)
	return nil
}

// set prepares f for a call's options.
func (f *finder) set(d *Detector, post detect.Post, classes []string) {
	fresh := f.detector == nil || f.post != post
	if fresh {
		f.post, f.detector = post, detect.NewDetector(post, d.anchors, zoo.Slots(len(d.names)))
	}
	if fresh || !slices.Equal(f.classes, classes) {
		f.classes = append(f.classes[:0], classes...)
		var slots []int
		for i, name := range d.names {
			if slices.Contains(classes, name) {
				slots = append(slots, i+1)
			}
		}
		f.detector.Only(slots...)
	}
}

// collect adds objects at their places in the stored picture.
func (d *Detector) collect(found *Found, all []detect.Detection, t *vision.Transform) {
	if found.Objects == nil {
		found.Objects = make([]Object, 0, len(all))
	}
	w, h := float64(d.input.Size[1]), float64(d.input.Size[0])
	uw, uh := float64(t.Source.Dx()), float64(t.Source.Dy())
	for _, x := range all {
		b := t.BackBox(vision.Box{X0: float64(x.Box.X1) * w, Y0: float64(x.Box.Y1) * h, X1: float64(x.Box.X2) * w, Y1: float64(x.Box.Y2) * h})
		b = vision.Box{X0: max(b.X0, 0), Y0: max(b.Y0, 0), X1: min(b.X1, uw), Y1: min(b.Y1, uh)}
		if b.X0 >= b.X1 || b.Y0 >= b.Y1 {
			continue // in the margin
		}
		b = found.Orientation.StoredBox(b, found.Width, found.Height)
		found.Objects = append(found.Objects, Object{
			Label: d.names[x.Slot-1], Class: x.Slot - 1, Score: float64(x.Score), X1: b.X0, Y1: b.Y0, X2: b.X1, Y2: b.Y1,
		})
	}
}

// Check returns what is wrong with options, as the calls that take them do.
func (d *Detector) Check(o DetectOptions) error {
	_, err := d.settings(o)
	return err
}

// settings completes the options of a call.
func (d *Detector) settings(o DetectOptions) (detect.Post, error) {
	p := detect.Usual(d.style)
	switch {
	case !(o.Score < 1):
		return p, fmt.Errorf("detect: a least score of %v: want less than 1", o.Score)
	case !(o.IoU >= 0 && o.IoU <= 1):
		return p, fmt.Errorf("detect: an IoU of %v: want 0 to 1", o.IoU)
	case o.Max < 0:
		return p, fmt.Errorf("detect: at most %d objects", o.Max)
	}
	for _, c := range o.Classes {
		if !slices.Contains(d.names, c) {
			return p, fmt.Errorf("detect: %s has no class %.100q; it has %s", d.header.Network, c, few(d.names))
		}
	}
	if o.Score == 0 {
		p.Score = DefaultScore
	} else if o.Score > 0 {
		p.Score = o.Score
	}
	if o.IoU > 0 {
		p.IoU = o.IoU
	}
	p.Max = cmp.Or(o.Max, MaxObjects)
	p.PerClass = max(p.PerClass, p.Max)
	p.Agnostic = o.Agnostic
	return p, nil
}
