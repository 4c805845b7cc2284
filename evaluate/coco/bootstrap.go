package coco

import (
	"context"
	"math/rand/v2"
	"slices"
)

// Interval is a confidence interval.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// bootstrap draws images with replacement and returns the quantiles of what AP
// and AP50 are on them.
func bootstrap(ctx context.Context, curves []classCurves, images int, o Options) (ap, ap50 Interval, err error) {
	level := o.Level
	if level == 0 {
		level = 0.95
	}
	all, at50 := make([]float64, o.Resamples), make([]float64, o.Resamples)
	err = parallel(ctx, o.Resamples, o.Threads, func(k int) {
		rng := rand.New(rand.NewPCG(o.Seed, uint64(k)))
		times := make([]float64, images)
		for range images {
			times[rng.IntN(images)]++
		}
		var sum, first []float64
		for i := range curves {
			c := &curves[i]
			s := &c.size[0]
			truths := 0.0
			for j, n := range s.byImage {
				truths += times[c.images[j]] * float64(n)
			}
			for t := range thresholds {
				v := average(s.ranked, t, truths, func(r *ranked) float64 { return times[r.image] })
				sum = append(sum, v)
				if t == 0 {
					first = append(first, v)
				}
			}
		}
		all[k], at50[k] = mean(sum), mean(first)
	})
	return quantiles(all, level), quantiles(at50, level), err
}

// quantiles returns the interval that holds a part of the values, as much left
// out below as above.
func quantiles(v []float64, level float64) Interval {
	slices.Sort(v)
	at := func(q float64) float64 { return v[min(int(q*float64(len(v))), len(v)-1)] }
	return Interval{Low: at((1 - level) / 2), High: at((1 + level) / 2)}
}
