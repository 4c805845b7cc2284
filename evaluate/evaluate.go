// Package evaluate measures how well a network classifies a data set.
//
// [Run] judges every image, and [Outcomes] keeps how: accuracy with its
// bounds, the confusion of classes and the difference between two networks
// all follow from that.
package evaluate

import (
	"context"
	"slices"
	"time"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/tensor"
)

// Forwarder computes a network's logits, N×1×1×classes, of a batch of images.
// An engine.Program is one.
type Forwarder interface {
	Run(ctx context.Context, logits, images *tensor.Tensor) error
}

// Options adjusts Run.
type Options struct {
	// Progress, if not nil, is called after every batch with the result so far.
	Progress func(*Result)
	// Mirror judges by the sum of the logits of an image and of its mirror
	// image, which takes twice the time.
	Mirror bool
}

// Result is the outcome of an evaluation.
type Result struct {
	*Outcomes
	// Seconds is the time taken, with reading and decoding the images.
	Seconds float64
	// Bad are the examples that could not be read; they are not counted.
	Bad []data.BadExample
}

// ImagesPerSecond returns the rate, with reading and decoding the images.
func (r *Result) ImagesPerSecond() float64 { return float64(r.Images()) / max(r.Seconds, 1e-9) }

// Run judges f, a network for the classes of the loader's set, on one epoch of
// the loader, which must neither shuffle nor drop examples. When ctx ends it
// returns the result so far and ctx's error, and likewise ErrNotFinite where an
// output is not a finite number.
func Run(ctx context.Context, f Forwarder, loader *data.Loader, o Options) (*Result, error) {
	r := &Result{Outcomes: NewOutcomes(loader.Set())}
	start := time.Now()
	logits := tensor.New[float32](tensor.Shape{N: loader.Shape().N, H: 1, W: 1, C: r.Classes})
	var mirrored *tensor.Tensor
	if o.Mirror {
		mirrored = tensor.New[float32](logits.Shape)
	}
	for batch, err := range loader.Epoch(ctx, 0, 0) {
		if err != nil {
			return r, err
		}
		out := first(logits, batch.Images.Shape.N)
		if err := f.Run(ctx, out, &batch.Images); err != nil {
			return r, err
		}
		if o.Mirror {
			mirror(&batch.Images)
			other := first(mirrored, out.Shape.N)
			if err := f.Run(ctx, other, &batch.Images); err != nil {
				return r, err
			}
			for i, v := range other.Data {
				out.Data[i] += v
			}
		}
		for i, example := range batch.Examples {
			if err := r.Add(example, out.Data[i*r.Classes:][:r.Classes]); err != nil {
				return r, err
			}
		}
		r.Seconds, r.Bad = time.Since(start).Seconds(), loader.Bad()
		if o.Progress != nil {
			o.Progress(r)
		}
	}
	r.Bad = loader.Bad()
	return r, nil
}

// first returns the first n rows of logits.
func first(logits *tensor.Tensor, n int) *tensor.Tensor {
	s := logits.Shape
	s.N = n
	return &tensor.Tensor{Shape: s, Data: logits.Data[:n*s.C]}
}

// mirror exchanges left and right.
func mirror(images *tensor.Tensor) {
	s := images.Shape
	for row := range slices.Chunk(images.Data, s.W*s.C) {
		for left, right := 0, s.W-1; left < right; left, right = left+1, right-1 {
			for c := range s.C {
				row[left*s.C+c], row[right*s.C+c] = row[right*s.C+c], row[left*s.C+c]
			}
		}
	}
}
