package evaluate

import (
	"fmt"

	"github.com/mixnet-go/mixnet/data"
)

// Outcomes is how a network did on a set, image by image. All slices are by
// the image's index in the set.
type Outcomes struct {
	// Classes is the number of classes of the set.
	Classes int `json:"classes"`
	// Names say where the images come from; nil if that is not kept.
	Names []string `json:"names,omitempty"`
	// Labels are the images' classes.
	Labels []int `json:"labels"`
	// Ranks are the places of the images' classes among the network's choices:
	// 0 for a right answer, -1 for an image that was not read.
	Ranks []int `json:"ranks"`
	// Predicted are the network's first choices, and Probability and
	// TrueProbability the softmax of its outputs for those and for Labels.
	// They may be nil in outcomes that were stored.
	Predicted       []int     `json:"predicted,omitempty"`
	Probability     []float32 `json:"probability,omitempty"`
	TrueProbability []float32 `json:"true_probability,omitempty"`
}

// NewOutcomes returns the outcomes of d before any image is read.
func NewOutcomes(d data.Dataset) *Outcomes {
	n := d.Len()
	o := &Outcomes{
		Classes: len(d.Classes()), Labels: make([]int, n), Ranks: make([]int, n),
		Predicted: make([]int, n), Probability: make([]float32, n), TrueProbability: make([]float32, n),
	}
	for i := range o.Labels {
		o.Labels[i], o.Ranks[i] = d.Label(i), -1
	}
	return o
}

// KeepNames adds where the images of d come from, for outcomes that are stored.
func (o *Outcomes) KeepNames(d data.Dataset) {
	o.Names = make([]string, d.Len())
	for i := range o.Names {
		o.Names[i] = d.Name(i)
	}
}

// Add notes the network's output for an image. It is an error that wraps
// [ErrNotFinite] if that holds no finite numbers.
func (o *Outcomes) Add(example int, logits []float32) error {
	if len(logits) != o.Classes {
		return fmt.Errorf("evaluate: an output of %d values for %d classes", len(logits), o.Classes)
	}
	r, err := judge(logits, o.Labels[example])
	if err != nil {
		return fmt.Errorf("example %d of the set: %w", example, err)
	}
	o.Ranks[example], o.Predicted[example] = r.Rank, r.Predicted
	o.Probability[example], o.TrueProbability[example] = float32(r.Probability), float32(r.TrueProbability)
	return nil
}

// Append adds the outcomes of further images, of the same classes.
func (o *Outcomes) Append(more *Outcomes) error {
	n := len(more.Labels)
	for _, l := range []int{len(more.Ranks), len(more.Predicted), len(more.Probability), len(more.TrueProbability)} {
		if more.Classes != o.Classes || l != n {
			return fmt.Errorf("%w: outcomes of %d classes and of %d are not joined, nor such without predictions", ErrOutcomes, o.Classes, more.Classes)
		}
	}
	for i, label := range more.Labels {
		if p, r := more.Predicted[i], more.Ranks[i]; label < 0 || label >= o.Classes || p < 0 || p >= o.Classes || r >= o.Classes {
			return fmt.Errorf("%w: image %d is of no class", ErrOutcomes, i)
		}
	}
	o.Labels, o.Ranks, o.Predicted = append(o.Labels, more.Labels...), append(o.Ranks, more.Ranks...), append(o.Predicted, more.Predicted...)
	o.Probability, o.TrueProbability = append(o.Probability, more.Probability...), append(o.TrueProbability, more.TrueProbability...)
	return nil
}

// read returns the indices of the images that were read.
func (o *Outcomes) read() []int {
	var read []int
	for i, r := range o.Ranks {
		if r >= 0 {
			read = append(read, i)
		}
	}
	return read
}

// Images returns the number of images that were read.
func (o *Outcomes) Images() int {
	n := 0
	for _, r := range o.Ranks {
		if r >= 0 {
			n++
		}
	}
	return n
}

// Top returns the part of the images read whose class was among the first k
// choices.
func (o *Outcomes) Top(k int) float64 {
	n, right := int64(0), int64(0)
	for _, r := range o.Ranks {
		if r >= 0 {
			n++
			if r < k {
				right++
			}
		}
	}
	return ratio(right, n)
}

// MeanClass returns the mean over the classes that have images of the part
// recognized.
func (o *Outcomes) MeanClass() float64 {
	read := o.read()
	if len(read) == 0 {
		return 0
	}
	return o.tally(read, make([][2]int, o.Classes)).meanClass
}

// All returns the outcomes of the images read, in the order of the set; nil if
// o holds no predictions.
func (o *Outcomes) All() []Outcome {
	if o.Predicted == nil {
		return nil
	}
	var all []Outcome
	for _, i := range o.read() {
		all = append(all, Outcome{
			Example: i, Truth: o.Labels[i], Predicted: o.Predicted[i], Rank: o.Ranks[i],
			Probability: float64(o.Probability[i]), TrueProbability: float64(o.TrueProbability[i]),
		})
	}
	return all
}

// Confusion counts which class was taken for which; nothing if o holds no
// predictions.
func (o *Outcomes) Confusion() *Confusion {
	c := NewConfusion(o.Classes)
	if o.Predicted == nil {
		return c
	}
	for _, i := range o.read() {
		c.Counts[o.Labels[i]*c.Classes+o.Predicted[i]]++
	}
	return c
}
