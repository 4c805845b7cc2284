package quantize

import (
	"context"

	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/model"
)

// Result is a quantized model and what it lost.
type Result struct {
	Model *model.Model `json:"-"`
	// Images are those that ranges were found by, Judged those compared on.
	Images int `json:"images"`
	Judged int `json:"judged"`
	// Agreement is the part of the judged images that get the same class as
	// before; nil for a network without classes.
	Agreement *evaluate.Interval `json:"agreement,omitempty"`
	// SignalToNoise is the ratio of the logits, or of all results of a network
	// that has none, in decibels.
	SignalToNoise float64 `json:"signal_to_noise_db"`
	// Accuracy is nil where the images have no classes of the model.
	Accuracy *Accuracy `json:"accuracy,omitempty"`
	// Layers are the convolutions, in order.
	Layers []Layer `json:"layers"`
	// Float is how many of them stay in floats.
	Float int `json:"float"`
}

// Accuracy is top-1 before and after, and the difference, after less before,
// with the bounds of 95 % for pairs.
type Accuracy struct {
	Before evaluate.Interval `json:"before"`
	After  evaluate.Interval `json:"after"`
	Change evaluate.Interval `json:"change"`
}

// Reason is why a layer stays in floats.
type Reason string

const (
	// ReasonAsked is that Options.Float names it.
	ReasonAsked Reason = "asked"
	// ReasonNoise is that it is one of those which lose most.
	ReasonNoise Reason = "noise"
	// ReasonFactors is that what 1 in its sums of whole numbers stands for is so
	// many steps of its result, for some channel, that it cannot be computed.
	ReasonFactors Reason = "factors"
)

// Layer is a convolution with what follows it.
type Layer struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	Float bool   `json:"float"`                   // it stays in floats
	Why   Reason `json:"float_because,omitempty"` // it does
	// OwnNoise is the noise that rounding its weights and results alone adds,
	// over the signal, and SignalToNoise that of its result in the whole network,
	// in decibels.
	OwnNoise      float64 `json:"own_noise"`
	SignalToNoise float64 `json:"signal_to_noise_db"`
}

// seed of the intervals that are drawn.
const seed = 1

// result describes a model.
func (r *run) result(ctx context.Context, m *model.Model, after *verdict) (*Result, error) {
	out := &Result{Model: m, Images: r.loader.Set().Len(), Judged: r.judge.Set().Len(), Float: len(r.kept)}
	noise := after.noise(r.before)
	out.SignalToNoise = noise.ratio()
	if r.m.Graph.Classes() > 0 {
		agreement := after.agreement(r.before)
		out.Agreement = &agreement
	}
	if r.labelled {
		change, err := after.outcomes.Difference(r.before.outcomes, seed)
		if err != nil {
			return nil, err
		}
		out.Accuracy = &Accuracy{Before: r.before.outcomes.Score(seed).Top1, After: after.outcomes.Score(seed).Top1, Change: change}
	}
	var err error
	out.Layers, err = r.layers(ctx, m)
	return out, err
}
