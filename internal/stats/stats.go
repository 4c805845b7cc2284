// Package stats has the few statistics that results of several seeds need.
package stats

import (
	"math"
	"math/rand/v2"
	"slices"
)

// MeanAndSD returns the mean of values and their standard deviation, 0 for fewer
// than two.
func MeanAndSD(v []float64) (mean, sd float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		sd += (x - mean) * (x - mean)
	}
	if len(v) > 1 {
		return mean, math.Sqrt(sd / float64(len(v)-1))
	}
	return mean, 0
}

// Interval is a value and where it lies with 95 % confidence.
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Resolved reports whether the interval holds no zero.
func (v Interval) Resolved() bool { return v.Low > 0 || v.High < 0 }

// studentT are the 97.5 % quantiles of Student's distribution by its degrees of
// freedom.
var studentT = []float64{0, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228}

// Paired is the mean of a less b, pair by pair, with the interval of Student's
// distribution. It is false for fewer than two pairs.
func Paired(a, b []float64) (Interval, bool) {
	if len(a) != len(b) || len(a) < 2 {
		return Interval{}, false
	}
	d := make([]float64, len(a))
	for i := range a {
		d[i] = a[i] - b[i]
	}
	mean, sd := MeanAndSD(d)
	t := 1.96
	if n := len(d) - 1; n < len(studentT) {
		t = studentT[n]
	}
	half := t * sd / math.Sqrt(float64(len(d)))
	return Interval{mean, mean - half, mean + half}, true
}

// Bootstrap is the mean of differences, a row a seed and a column an image, with
// the interval of samples of seeds and images both, drawn with replacement.
func Bootstrap(rows [][]int8, samples int, seed uint64) Interval {
	images := len(rows[0])
	rng := rand.New(rand.NewPCG(seed, 0xb007))
	means := make([]float64, samples)
	counts := make([]int32, images)
	for s := range means {
		clear(counts)
		for range images {
			counts[rng.IntN(images)]++
		}
		var sum int64
		for range rows {
			for i, d := range rows[rng.IntN(len(rows))] {
				sum += int64(d) * int64(counts[i])
			}
		}
		means[s] = float64(sum) / float64(images*len(rows))
	}
	slices.Sort(means)
	var total int64
	for _, row := range rows {
		for _, d := range row {
			total += int64(d)
		}
	}
	at := func(q float64) float64 { return means[int(q*float64(samples-1)+0.5)] }
	return Interval{float64(total) / float64(images*len(rows)), at(0.025), at(0.975)}
}

// Wilson is the interval of a part of n that are right or wrong (Wilson, 1927).
func Wilson(part float64, n int) Interval {
	const z = 1.959964
	if n <= 0 {
		return Interval{part, 0, 1}
	}
	m := float64(n)
	center := (part + z*z/(2*m)) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(part*(1-part)/m+z*z/(4*m*m))
	return Interval{part, max(0, center-half), min(1, center+half)}
}
