package classify

import (
	"math"
	"testing"
)

// TestCrossEntropyGradient compares the gradient with central differences, for
// blended and weighted targets.
func TestCrossEntropyGradient(t *testing.T) {
	logits := []float64{0.3, -1.2, 2.1, 0.4, 1.7, -0.5}
	for name, want := range map[string]Targets{
		"plain":    {Labels: []int{2, 0}},
		"smoothed": {Labels: []int{2, 0}, Smoothing: 0.1},
		"mixed":    {Labels: []int{2, 0}, Other: []int{0, 2}, Share: 0.7, Smoothing: 0.1},
		"same":     {Labels: []int{1, 1}, Other: []int{1, 1}, Share: 0.25},
		"weighted": {Labels: []int{2, 0}, Other: []int{0, 2}, Share: 0.7, Weights: []float64{3, 1, 0.5}},
	} {
		grad := make([]float64, len(logits))
		CrossEntropy(logits, want, 2, grad)
		scratch := make([]float64, len(logits))
		for i := range logits {
			const h = 1e-5
			at := func(d float64) float64 {
				x := append([]float64(nil), logits...)
				x[i] += d
				sum, _ := CrossEntropy(x, want, 0, scratch)
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
	a, _ := CrossEntropy(logits, Targets{Labels: []int{0}}, 0, grad)
	b, _ := CrossEntropy(logits, Targets{Labels: []int{2}}, 0, grad)
	mixed, correct := CrossEntropy(logits, Targets{Labels: []int{2}, Other: []int{0}, Share: 0.25}, 0, grad)
	if want := 0.25*b + 0.75*a; math.Abs(mixed-want) > 1e-12 || correct != 1 {
		t.Errorf("loss %v, %d correct; want %v, 1", mixed, correct, want)
	}
}
