package evaluate

import (
	"errors"
	"math"
	"slices"

	"github.com/mixnet-go/mixnet/internal/rng"
)

// Interval is a value with the bounds that hold it with 95 % confidence.
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// unknown is what no image says anything about.
var unknown = Interval{Low: 0, High: 1}

// Score is the accuracy of a model, as fractions.
type Score struct {
	Images int      `json:"images"`
	Top1   Interval `json:"top1"`
	Top5   Interval `json:"top5"`
	// MeanClass is the mean over the classes of their top-1: the measure for
	// Oxford-IIIT Pets.
	MeanClass Interval `json:"mean_class"`
}

// resamples is how many test sets a bootstrap draws.
const resamples = 5000

// tail is the probability below, and that above, an interval.
const tail = 0.025

// Score returns o's accuracy with the bounds of a percentile bootstrap over
// the images (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
// chapter 13): each is the 2.5 % and the 97.5 % quantile of the accuracies on
// test sets of the same size drawn from the images with replacement. They tell
// how far the accuracy on other images of the same kind may lie; what another
// seed in training would change comes on top.
//
// Where all answers are right or all are wrong, every resample says the same:
// then the bounds are the exact ones of Clopper and Pearson (1934).
func (o *Outcomes) Score(seed uint64) Score {
	read := o.read()
	n := len(read)
	if n == 0 {
		return Score{Top1: unknown, Top5: unknown, MeanClass: unknown}
	}
	counts := make([][2]int, o.Classes)
	all := o.tally(read, counts)
	s := Score{Images: n, Top1: Interval{Value: all.top1}, Top5: Interval{Value: all.top5}, MeanClass: Interval{Value: all.meanClass}}
	var top1, top5, meanClass [resamples]float64
	draw := make([]int, n)
	r := rng.New(seed, streamBootstrap)
	for i := range resamples {
		for j := range draw {
			draw[j] = read[r.IntN(n)]
		}
		t := o.tally(draw, counts)
		top1[i], top5[i], meanClass[i] = t.top1, t.top5, t.meanClass
	}
	s.Top1.bound(top1[:], n)
	s.Top5.bound(top5[:], n)
	s.MeanClass.bound(meanClass[:], n)
	return s
}

// ErrOutcomes says that outcomes are of different test sets.
var ErrOutcomes = errors.New("outcomes are not of the same images")

// Difference returns o's top-1 minus other's on the images that both have
// read, with the bounds of a bootstrap over pairs: both models are judged on
// the same images, so that how hard those are cancels out. Where the two
// always agree, or one is always right where the other is not, the bounds are
// those of a part that does not show in so many images.
func (o *Outcomes) Difference(other *Outcomes, seed uint64) (Interval, error) {
	if !slices.Equal(o.Labels, other.Labels) {
		return Interval{}, ErrOutcomes
	}
	var diff []int
	sum := 0
	for _, i := range o.read() {
		if other.Ranks[i] >= 0 {
			diff = append(diff, right(o.Ranks[i])-right(other.Ranks[i]))
			sum += diff[len(diff)-1]
		}
	}
	n := len(diff)
	if n == 0 {
		return Interval{Low: -1, High: 1}, nil
	}
	r := rng.New(seed, streamBootstrap)
	var drawn [resamples]float64
	for i := range drawn {
		s := 0
		for range n {
			s += diff[r.IntN(n)]
		}
		drawn[i] = float64(s) / float64(n)
	}
	slices.Sort(drawn[:])
	d := Interval{Value: float64(sum) / float64(n)}
	d.Low, d.High = quantiles(drawn[:])
	if d.Low == d.High {
		d.Low, d.High = max(d.Value-allAlike(n), -1), min(d.Value+allAlike(n), 1)
	}
	return d, nil
}

// streamBootstrap tells this use of a seed from others.
const streamBootstrap = 0x626f6f74

// tally is the accuracy on some images.
type tally struct{ top1, top5, meanClass float64 }

// tally counts images; counts is memory for the images and the right answers
// of every class.
func (o *Outcomes) tally(images []int, counts [][2]int) tally {
	clear(counts)
	var top1, top5 int
	for _, i := range images {
		c := &counts[o.Labels[i]]
		c[0]++
		if o.Ranks[i] == 0 {
			top1++
			c[1]++
		}
		if o.Ranks[i] < 5 {
			top5++
		}
	}
	n := float64(len(images))
	t := tally{top1: float64(top1) / n, top5: float64(top5) / n}
	seen := 0.0
	for _, c := range counts {
		if c[0] > 0 {
			t.meanClass += float64(c[1]) / float64(c[0])
			seen++
		}
	}
	t.meanClass /= seen
	return t
}

func right(rank int) int {
	if rank == 0 {
		return 1
	}
	return 0
}

// bound sets the bounds of v to quantiles of its values on resamples of n
// images.
func (v *Interval) bound(drawn []float64, n int) {
	slices.Sort(drawn)
	v.Low, v.High = quantiles(drawn)
	switch v.Value {
	case 0:
		v.High = allAlike(n)
	case 1:
		v.Low = 1 - allAlike(n)
	}
}

// allAlike returns the largest part of the images of which n draws may have
// none with a probability of tail.
func allAlike(n int) float64 { return 1 - math.Pow(tail, 1/float64(max(n, 1))) }

// quantiles returns the bounds that tail of the sorted values lie outside of
// on each side.
func quantiles(sorted []float64) (low, high float64) {
	k := int(tail * float64(len(sorted)))
	return sorted[k], sorted[len(sorted)-1-k]
}
