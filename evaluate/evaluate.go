// Package evaluate measures how well a network classifies a data set.
package evaluate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/tensor"
)

// Options adjusts Run.
type Options struct {
	// Progress, if not nil, is called after every batch with the result so far.
	Progress func(*Result)
	// Each, if not nil, is called for every image, in the order of the set.
	Each func(Outcome)
	// Mirror judges by the sum of the logits of an image and of its mirror
	// image, which takes twice the time.
	Mirror bool
}

// Result is the outcome of an evaluation.
type Result struct {
	Confusion
	// Seconds is the time taken, with reading and decoding the images.
	Seconds float64
	// Bad are the examples that could not be read; they are not counted.
	Bad []data.BadExample
}

// ImagesPerSecond returns the rate, with reading and decoding the images.
func (r *Result) ImagesPerSecond() float64 { return float64(r.Total) / max(r.Seconds, 1e-9) }

// Run classifies one epoch of a loader, which must neither shuffle nor drop
// examples. When ctx ends it returns the result so far and ctx's error, and
// likewise ErrNotFinite where an output is not a finite number.
func Run(ctx context.Context, p *engine.Program, classes int, loader *data.Loader, o Options) (*Result, error) {
	r := &Result{Confusion: *NewConfusion(classes)}
	start := time.Now()
	logits := tensor.New[float32](tensor.Shape{N: loader.Shape().N, H: 1, W: 1, C: p.Graph().Classes()})
	var mirrored *tensor.Tensor
	if o.Mirror {
		mirrored = tensor.New[float32](logits.Shape)
	}
	for batch, err := range loader.Epoch(ctx, 0, 0) {
		if err != nil {
			return r, err
		}
		n := batch.Images.Shape.N
		if n == 0 {
			continue
		}
		out := &tensor.Tensor{Shape: logits.Shape, Data: logits.Data[:n*logits.Shape.C]}
		out.Shape.N = n
		if err := p.Run(ctx, out, &batch.Images); err != nil {
			return r, err
		}
		if o.Mirror {
			mirror(&batch.Images)
			other := &tensor.Tensor{Shape: out.Shape, Data: mirrored.Data[:len(out.Data)]}
			if err := p.Run(ctx, other, &batch.Images); err != nil {
				return r, err
			}
			for i, v := range other.Data {
				out.Data[i] += v
			}
		}
		for i, label := range batch.Labels {
			outcome, err := judge(out.Data[i*out.Shape.C:][:out.Shape.C], label)
			if err != nil {
				return r, fmt.Errorf("example %d of the set: %w", batch.Examples[i], err)
			}
			r.count(label, outcome.Predicted, outcome.Rank)
			if o.Each != nil {
				outcome.Example = batch.Examples[i]
				o.Each(outcome)
			}
		}
		r.Seconds = time.Since(start).Seconds()
		if o.Progress != nil {
			o.Progress(r)
		}
	}
	r.Bad = loader.Bad()
	return r, nil
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
