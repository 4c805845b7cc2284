package evaluate

import (
	"cmp"
	"errors"
	"math"
	"slices"
)

// Outcome is how one image was judged.
type Outcome struct {
	// Example is the image's index in the set.
	Example int `json:"example"`
	// Truth is its class, and Predicted the network's first choice.
	Truth     int `json:"truth"`
	Predicted int `json:"predicted"`
	// Rank is the place of Truth among the network's choices, 0 for the first.
	Rank int `json:"rank"`
	// Probability and TrueProbability are the softmax of the outputs for
	// Predicted and for Truth.
	Probability     float64 `json:"probability"`
	TrueProbability float64 `json:"true_probability"`
}

// Right reports whether the first choice was the class.
func (o Outcome) Right() bool { return o.Rank == 0 }

// ErrNotFinite says that a network's output is not a finite number, which only
// damaged weights lead to.
var ErrNotFinite = errors.New("the network's output is not a finite number: are the weights damaged?")

// judge compares the output for an image with its class.
func judge(logits []float32, truth int) (Outcome, error) {
	o := Outcome{Truth: truth, Rank: Rank(logits, truth)}
	for i, v := range logits {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return o, ErrNotFinite
		}
		if v > logits[o.Predicted] {
			o.Predicted = i
		}
	}
	sum, largest := 0.0, float64(logits[o.Predicted])
	for _, v := range logits {
		sum += math.Exp(float64(v) - largest)
	}
	o.Probability = 1 / sum
	o.TrueProbability = math.Exp(float64(logits[truth])-largest) / sum
	return o, nil
}

// Worst returns the n wrong outcomes whose class was thought the least
// probable, the worst first; of equal ones the first in the set.
func Worst(all []Outcome, n int) []Outcome {
	var wrong []Outcome
	for _, o := range all {
		if !o.Right() {
			wrong = append(wrong, o)
		}
	}
	slices.SortStableFunc(wrong, func(a, b Outcome) int {
		return cmp.Or(cmp.Compare(a.TrueProbability, b.TrueProbability), cmp.Compare(b.Probability, a.Probability))
	})
	return wrong[:min(n, len(wrong))]
}

// Pair says how often images of one class were taken for another.
type Pair struct {
	Truth, Predicted int
	Count            int64
	Part             float64 // of the images of Truth
}

// Pairs returns the n most frequent confusions, the most frequent first, and of
// equal ones those that are a larger part of their class.
func (c *Confusion) Pairs(n int) []Pair {
	var pairs []Pair
	for i := range c.Classes {
		images, _ := c.Class(i)
		for j := range c.Classes {
			if count := c.Counts[i*c.Classes+j]; i != j && count > 0 {
				pairs = append(pairs, Pair{i, j, count, ratio(count, images)})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b Pair) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(b.Part, a.Part))
	})
	return pairs[:min(n, len(pairs))]
}
