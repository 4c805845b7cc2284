package coco

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
)

// Interval is a confidence interval.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// bootstrap draws images with replacement and returns what AP and AP50 are on
// them.
func bootstrap(ctx context.Context, curves []classCurves, images int, o Options) (all, at50 []float64, err error) {
	all, at50 = make([]float64, o.Resamples), make([]float64, o.Resamples)
	err = parallel(ctx, o.Resamples, o.Threads, func(k int) {
		rng := rand.New(rand.NewPCG(o.Seed, uint64(k)))
		times := make([]float64, images)
		for range images {
			times[rng.IntN(images)]++
		}
		var line curve
		var sum, first []float64
		for i := range curves {
			c := &curves[i]
			s := &c.size[0]
			truths := 0.0
			for j, n := range s.byImage {
				truths += times[c.images[j]] * float64(n)
			}
			for t := range thresholds {
				v := line.average(s.ranked, t, truths, times)
				sum = append(sum, v)
				if t == 0 {
					first = append(first, v)
				}
			}
		}
		all[k], at50[k] = mean(sum), mean(first)
	})
	return all, at50, err
}

// Difference returns the interval of by how much a's AP is above b's: both were
// judged on the same images with the same seed, so that a set of images drawn
// anew has easy ones for both or for neither. It is an error if the two were not
// judged on as many such sets.
func Difference(a, b *Result, level float64) (Interval, error) {
	if len(a.Resampled) == 0 || len(a.Resampled) != len(b.Resampled) || a.images != b.images {
		return Interval{}, fmt.Errorf("coco: results on %d and %d sets drawn of %d and %d images cannot be compared", len(a.Resampled), len(b.Resampled), a.images, b.images)
	}
	d := make([]float64, len(a.Resampled))
	for i := range d {
		d[i] = a.Resampled[i] - b.Resampled[i]
	}
	return quantiles(d, level), nil
}

// quantiles returns the interval that holds a part of the values, as much left
// out below as above; 0.95 of them if level is 0.
func quantiles(values []float64, level float64) Interval {
	level = cmp.Or(level, 0.95)
	v := slices.Sorted(slices.Values(values))
	at := func(q float64) float64 { return v[min(int(q*float64(len(v))), len(v)-1)] }
	return Interval{Low: at((1 - level) / 2), High: at((1 + level) / 2)}
}
