package train

import (
	"math"
	"testing"

	"github.com/mixnet-go/mixnet/recipe"
)

// TestCrossEntropyGradient compares the gradient with central differences, for
// blended and weighted targets.
func TestCrossEntropyGradient(t *testing.T) {
	logits := []float64{0.3, -1.2, 2.1, 0.4, 1.7, -0.5}
	for name, want := range map[string]targets{
		"plain":    {labels: []int{2, 0}},
		"smoothed": {labels: []int{2, 0}, smoothing: 0.1},
		"mixed":    {labels: []int{2, 0}, other: []int{0, 2}, share: 0.7, smoothing: 0.1},
		"same":     {labels: []int{1, 1}, other: []int{1, 1}, share: 0.25},
		"weighted": {labels: []int{2, 0}, other: []int{0, 2}, share: 0.7, weights: []float64{3, 1, 0.5}},
	} {
		grad := make([]float64, len(logits))
		crossEntropy(logits, want, 2, grad)
		scratch := make([]float64, len(logits))
		for i := range logits {
			const h = 1e-5
			at := func(d float64) float64 {
				x := append([]float64(nil), logits...)
				x[i] += d
				sum, _ := crossEntropy(x, want, 0, scratch)
				return sum
			}
			if numeric := 2 * (at(h) - at(-h)) / (2 * h); math.Abs(numeric-grad[i]) > 1e-8 {
				t.Errorf("%s: gradient %d is %v, by differences %v", name, i, grad[i], numeric)
			}
		}
	}
}

// A blend is the weighted mean of the losses of its parts.
func TestCrossEntropyOfBlend(t *testing.T) {
	logits, grad := []float64{1, 2, 4}, make([]float64, 3)
	a, _ := crossEntropy(logits, targets{labels: []int{0}}, 0, grad)
	b, _ := crossEntropy(logits, targets{labels: []int{2}}, 0, grad)
	mixed, correct := crossEntropy(logits, targets{labels: []int{2}, other: []int{0}, share: 0.25}, 0, grad)
	if want := 0.25*b + 0.75*a; math.Abs(mixed-want) > 1e-12 || correct != 1 {
		t.Errorf("loss %v, %d correct; want %v, 1", mixed, correct, want)
	}
}

func TestFinished(t *testing.T) {
	r := recipe.Recipe{Epochs: 10, Patience: 2}
	history := []Epoch{{Best: true}, {}, {Best: true}, {}}
	if finished(r, history) {
		t.Error("one epoch without progress ended the run")
	}
	if !finished(r, append(history, Epoch{})) {
		t.Error("two epochs without progress did not end the run")
	}
	// Seven of ten epochs are on images that grow: patience begins with the eighth.
	r.Sizes = recipe.Sizes{Pixels: []int{8, 16}, Order: recipe.Progressive, Ramp: 0.7}
	if history = make([]Epoch, 8); finished(r, history[:7]) || finished(r, history) || !finished(r, append(history, Epoch{})) {
		t.Error("patience does not wait for the last size")
	}
	if r.Patience = 0; finished(r, make([]Epoch, 9)) || !finished(r, make([]Epoch, 10)) {
		t.Error("without patience a run does not end after its epochs")
	}
}
