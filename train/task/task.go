// Package task says what a network is trained for: what its outputs are
// compared with, by which loss, and by which measures one result is better than
// another. Package train/classify is the task of naming the class of an image.
package task

import (
	"fmt"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/tensor"
)

// Task is what a network is trained for. Its methods are called by one
// goroutine at a time.
type Task interface {
	// Check reports what keeps a network from being trained or judged on a set:
	// outputs that it lacks, classes that do not fit.
	Check(g *graph.Graph, d data.Dataset) error
	// Metrics says what Loss and evaluations measure.
	Metrics() Metrics
	// Loss sets the gradients of the outputs, those of the network that have a
	// loss, to scale times that of the loss of the batch's images, and adds to
	// sums, by Metrics().Train, what they amount to. The loss of an output is
	// weighted by its own Loss.
	Loss(b *data.Batch, outputs []Output, scale float64, sums []float64) error
	// Evaluate begins an evaluation on a set.
	Evaluate(d data.Dataset) Evaluation
}

// Output is one of a network's outputs for a batch.
type Output struct {
	graph.Output
	// Shape is that of Value and Grad; N is the number of images.
	Shape tensor.Shape
	// Value is what the network made of the batch. It is valid until the next
	// one.
	Value []float32
	// Grad receives the gradient; nil in an evaluation.
	Grad []float32
}

// Of returns the image i's part of values of the output.
func (o *Output) Of(values []float32, i int) []float32 {
	n := o.Shape.H * o.Shape.W * o.Shape.C
	return values[i*n : (i+1)*n]
}

// Find returns the output of a name.
func Find(outputs []Output, name string) (*Output, error) {
	for i := range outputs {
		if outputs[i].Name == name {
			return &outputs[i], nil
		}
	}
	return nil, fmt.Errorf("the network has no output %q with a loss", name)
}

// Evaluation measures a network on a set. Auxiliary heads, which only training
// computes, are not among the outputs.
type Evaluation interface {
	// Add takes a batch and the outputs for it.
	Add(b *data.Batch, outputs []Output) error
	// Values returns the measures, by Metrics().Val.
	Values() []float64
}

// Metrics names what is measured, in the order of reports.
type Metrics struct {
	// Train are the sums of Loss, which are divided by the number of images. The
	// first is the loss.
	Train []string `json:"train"`
	// Val are the measures of an evaluation.
	Val []string `json:"val"`
	// Best is that of Val by which one result is better than another: the
	// higher, or with Lower the lower.
	Best  string `json:"best"`
	Lower bool   `json:"lower,omitempty"`
}

// Better reports whether the measure a is better than b.
func (m *Metrics) Better(a, b float64) bool {
	if m.Lower {
		return a < b
	}
	return a > b
}
