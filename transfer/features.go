package transfer

import (
	"context"
	"errors"
	"fmt"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/tensor"
)

// Features are what a network's classifier sees of a set of images: the pooled
// results of the last convolution.
type Features struct {
	// Width is the number of features of an image.
	Width int
	// Classes is the number of classes of the set.
	Classes int
	// X holds the images' features, one row each.
	X []float32
	// Labels are the images' classes.
	Labels []int
	// Examples are the images' indices in the set; one that could not be read
	// is not among them.
	Examples []int
	// Bad are those that could not be read.
	Bad []data.BadExample
}

// Len returns the number of images.
func (f *Features) Len() int { return len(f.Labels) }

// row returns the features of an image.
func (f *Features) row(i int) []float32 { return f.X[i*f.Width : (i+1)*f.Width] }

// ErrNoFeatures says that a network has no linear classifier on pooled
// features.
var ErrNoFeatures = errors.New("the network has no linear classifier on pooled features")

// Inference is how Extract and Evaluate go through a set. The zero value will
// do.
type Inference struct {
	// Threads is the number of threads; 0 means all cores.
	Threads int
	// MaxBad is how many unreadable images are skipped, as in data.Config.
	MaxBad int
	// Progress is called with the number of images done; nil for nothing.
	Progress func(images int64)
}

// loader returns the batches of d for m.
func (o *Inference) loader(m *model.Model, d data.Dataset) (*data.Loader, error) {
	return data.NewLoader(d, data.Config{Preprocess: m.Preprocess(), Batch: inferenceBatch, Workers: o.Threads, MaxBad: o.MaxBad})
}

// Extract computes the features of every image of d, as evaluation sees it:
// without augmentation.
func Extract(ctx context.Context, m *model.Model, d data.Dataset, o Inference) (*Features, error) {
	head, err := classifier(m.Graph)
	if err != nil {
		return nil, err
	}
	program, err := engine.Compile(m.Graph, m.Values, engine.Options{Threads: o.Threads, Quantization: m.Quantization})
	if err != nil {
		return nil, err
	}
	defer program.Close()
	loader, err := o.loader(m, d)
	if err != nil {
		return nil, err
	}
	f := &Features{Width: head.In, Classes: len(d.Classes())}
	out := make([]float32, inferenceBatch*head.In)
	for b, err := range loader.Epoch(ctx, 0, 0) {
		if err != nil {
			return nil, err
		}
		n := b.Images.Shape.N
		x := tensor.Tensor{Shape: tensor.Shape{N: n, H: 1, W: 1, C: head.In}, Data: out[:n*head.In]}
		if err := program.Features(ctx, &x, &b.Images); err != nil {
			return nil, err
		}
		f.X = append(f.X, x.Data...)
		f.Labels = append(f.Labels, b.Labels...)
		f.Examples = append(f.Examples, b.Examples...)
		if o.Progress != nil {
			o.Progress(int64(f.Len()))
		}
	}
	f.Bad = loader.Bad()
	return f, nil
}

// classifier returns the layer that turns a network's features into logits.
func classifier(g *graph.Graph) (*graph.Linear, error) {
	logits, scores := g.Find(graph.Logits)
	features, pooled := g.Find(graph.Features)
	if !scores || !pooled {
		return nil, fmt.Errorf("%s: %w", g.Name, ErrNoFeatures)
	}
	head, ok := g.Nodes[logits.ID].Op.(*graph.Linear)
	if !ok {
		return nil, fmt.Errorf("%s: %w", g.Name, ErrNoFeatures)
	}
	in := g.Nodes[logits.ID].Inputs[0]
	if _, drop := g.Nodes[in].Op.(*graph.Dropout); drop {
		in = g.Nodes[in].Inputs[0]
	}
	if in != features.ID {
		return nil, fmt.Errorf("%s: %w", g.Name, ErrNoFeatures)
	}
	return head, nil
}
