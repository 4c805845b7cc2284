package mixnet

import (
	"cmp"
	"context"
	"fmt"
	"image"

	"github.com/mixnet-go/mixnet/explain"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/vision"
)

// LogitsPixels computes the logits of n pictures that are the network's input
// already, into dst, n × classes: pixels are n × height × width × channels
// bytes, as the model's Preprocess says.
func (c *Classifier) LogitsPixels(ctx context.Context, dst []float32, pixels []byte, n int) error {
	if err := c.checkPrepared(len(dst), len(pixels), n); err != nil {
		return err
	}
	return c.compute(ctx, logits, dst, pixels, n)
}

// LogitsValues is LogitsPixels of normalised values.
func (c *Classifier) LogitsValues(ctx context.Context, dst, values []float32, n int) error {
	if err := c.checkPrepared(len(dst), len(values), n); err != nil {
		return err
	}
	x := inputs(c.header.Preprocess(), n)
	return both(c.mirror, dst, values, x, func(y *tensor.Tensor, values []float32) error {
		return c.program.Run(ctx, y, &tensor.Tensor{Shape: x, Data: values})
	})
}

// Explains returns why the classifier cannot explain itself: Options.Maps was
// not set, or ErrNotLinear of package explain; nil if it can.
func (c *Classifier) Explains() error { return c.why }

// ExplainPixels is LogitsPixels of one picture, with class activation maps of
// it.
func (c *Classifier) ExplainPixels(ctx context.Context, pixels []byte) (*explain.Result, error) {
	if c.why != nil {
		return nil, c.why
	}
	x := inputs(c.header.Preprocess(), 1)
	if len(pixels) != x.Len() {
		return nil, fmt.Errorf("%d values: a picture has %d", len(pixels), x.Len())
	}
	r, err := c.explainer.RunBytes(ctx, pixels, x)
	if err == nil && c.mirror {
		err = c.compute(ctx, logits, r.Logits, pixels, 1)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (c *Classifier) checkPrepared(results, values, n int) error {
	classes, size := c.program.Graph().Classes(), c.inputLen()
	if n < 1 || results != n*classes || values != n*size {
		return fmt.Errorf("%d values, and room for %d results: %d pictures have %d and %d", values, results, n, n*size, n*classes)
	}
	return nil
}

// DetectPixels is DetectPicture of a picture that is the network's input
// already, height × width × channels bytes: t is how it was made of the upright
// picture, and turned how the stored one must be turned to be that.
func (d *Detector) DetectPixels(ctx context.Context, pixels []byte, t vision.Transform, turned vision.Orientation, o DetectOptions) (*Found, error) {
	if want := inputs(d.input, 1).Len(); len(pixels) != want {
		return nil, fmt.Errorf("%d values: a picture has %d", len(pixels), want)
	}
	f, err := d.finder(ctx, o)
	if err != nil {
		return nil, err
	}
	defer d.workers.Put(f)
	if err := d.program.RunBytesTo(ctx, pixels, inputs(d.input, 1), f.results...); err != nil {
		return nil, err
	}
	found := new(Found)
	if err := d.find(found, f, &t, cmp.Or(turned, vision.Upright)); err != nil {
		return nil, err
	}
	return found, nil
}

// DetectValues is DetectPixels of normalised values. The boxes are places in
// the network's input.
func (d *Detector) DetectValues(ctx context.Context, values []float32, o DetectOptions) (*Found, error) {
	x := inputs(d.input, 1)
	if len(values) != x.Len() {
		return nil, fmt.Errorf("%d values: a picture has %d", len(values), x.Len())
	}
	f, err := d.finder(ctx, o)
	if err != nil {
		return nil, err
	}
	defer d.workers.Put(f)
	if err := d.program.RunTo(ctx, &tensor.Tensor{Shape: x, Data: values}, f.results...); err != nil {
		return nil, err
	}
	whole := image.Rect(0, 0, x.W, x.H)
	found := new(Found)
	if err := d.find(found, f, &vision.Transform{Source: whole, Size: whole.Max, Window: whole}, vision.Upright); err != nil {
		return nil, err
	}
	return found, nil
}

// inputs is the shape of n inputs.
func inputs(in input.Preprocess, n int) tensor.Shape {
	return tensor.Shape{N: n, H: in.Size[0], W: in.Size[1], C: in.Channels}
}

// both runs a network on inputs, and where their mirror images have a say as
// well, takes the mean of the two.
func both[T byte | float32](mirror bool, dst []float32, in []T, x tensor.Shape, run func(*tensor.Tensor, []T) error) error {
	y := tensor.Tensor{Shape: tensor.Shape{N: x.N, H: 1, W: 1, C: len(dst) / x.N}, Data: dst}
	if err := run(&y, in); err != nil || !mirror {
		return err
	}
	other := tensor.New[float32](y.Shape)
	if err := run(other, mirrored(in, x)); err != nil {
		return err
	}
	for i, v := range other.Data {
		dst[i] = (dst[i] + v) / 2
	}
	return nil
}

// mirrored returns pictures with left and right exchanged.
func mirrored[T any](pixels []T, s tensor.Shape) []T {
	out := make([]T, len(pixels))
	row := s.W * s.C
	for start := 0; start < len(pixels); start += row {
		for x := range s.W {
			copy(out[start+(s.W-1-x)*s.C:][:s.C], pixels[start+x*s.C:])
		}
	}
	return out
}
