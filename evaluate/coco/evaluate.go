package coco

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
)

// Summary is COCO's twelve numbers.
type Summary struct {
	AP       float64 `json:"ap"` // mean over overlaps of 0.50, 0.55, … 0.95
	AP50     float64 `json:"ap50"`
	AP75     float64 `json:"ap75"`
	APSmall  float64 `json:"ap_small"`  // areas up to 32²
	APMedium float64 `json:"ap_medium"` // up to 96²
	APLarge  float64 `json:"ap_large"`
	AR1      float64 `json:"ar1"` // recall of the best detection of a category on an image
	AR10     float64 `json:"ar10"`
	AR100    float64 `json:"ar100"`
	ARSmall  float64 `json:"ar_small"`
	ARMedium float64 `json:"ar_medium"`
	ARLarge  float64 `json:"ar_large"`
}

// Values returns the twelve numbers in pycocotools' order.
func (s Summary) Values() [12]float64 {
	return [...]float64{s.AP, s.AP50, s.AP75, s.APSmall, s.APMedium, s.APLarge, s.AR1, s.AR10, s.AR100, s.ARSmall, s.ARMedium, s.ARLarge}
}

// ClassResult is the outcome of one category.
type ClassResult struct {
	Category
	Truths     int // without crowds
	Detections int
	AP, AP50   float64
}

// Result is the outcome of an evaluation.
type Result struct {
	Summary
	Classes []ClassResult
	// Unknown counts detections of categories that the set does not have. They
	// are left out.
	Unknown int
	// Intervals are those of AP and AP50 over images drawn anew; the zero value
	// if none were asked for.
	Intervals struct{ AP, AP50 Interval }
	// Resampled is AP on each set of images that was drawn.
	Resampled []float64
	images    int
}

// Options adjusts Evaluate. The zero value judges without intervals.
type Options struct {
	// Resamples is how many sets of images are drawn for the intervals; 0 for
	// no intervals.
	Resamples int
	// Level is the intervals' confidence; 0 means 0.95.
	Level float64
	// Seed determines the sets drawn.
	Seed uint64
	// Threads is the number of goroutines; 0 means GOMAXPROCS.
	Threads int
}

// Evaluate judges detections. It stops with ctx's error when ctx is done.
func (s *Set) Evaluate(ctx context.Context, found []Detection, o Options) (*Result, error) {
	classes, unknown, err := s.classes(found)
	if err != nil {
		return nil, err
	}
	curves := make([]classCurves, len(classes))
	if err := parallel(ctx, len(classes), o.Threads, func(i int) { curves[i] = classes[i].curves() }); err != nil {
		return nil, err
	}
	r := &Result{Unknown: unknown, Summary: summarize(curves)}
	for i, c := range curves {
		cr := ClassResult{Category: classes[i].Category, AP: c.precision(0), AP50: c.precisionAt(0, 0)}
		for _, cell := range classes[i].cells {
			cr.Detections += len(cell.found)
		}
		cr.Truths = c.size[0].truths
		r.Classes = append(r.Classes, cr)
	}
	images := map[int64]bool{}
	for _, m := range s.Images {
		images[m.ID] = true
	}
	r.images = len(images)
	if o.Resamples > 0 {
		var at50 []float64
		if r.Resampled, at50, err = bootstrap(ctx, curves, r.images, o); err != nil {
			return nil, err
		}
		r.Intervals.AP, r.Intervals.AP50 = quantiles(r.Resampled, o.Level), quantiles(at50, o.Level)
	}
	return r, nil
}

// ranked is a detection among all of its category, the best first.
type ranked struct {
	score    float64
	image    int // index in the order of ids
	rank     int // on its image
	verdicts [thresholds]verdict
}

// sized is what a category's curve of one size is made of.
type sized struct {
	truths  int
	byImage []int // truths, by cell
	ranked  []ranked
}

// classCurves are the curves of a category.
type classCurves struct {
	size   [sizes]sized
	images []int // of the cells
	// ap is the mean precision over recalls by size and threshold, ar the last
	// recall for 1, 10 and 100 detections by size and threshold; -1 without
	// truths.
	ap [sizes][thresholds]float64
	ar [sizes][3][thresholds]float64
}

func (c *class) curves() classCurves {
	var out classCurves
	var line curve
	overlaps := make([][]float64, len(c.cells))
	for i := range c.cells {
		overlaps[i] = c.cells[i].overlaps()
		out.images = append(out.images, c.cells[i].image)
	}
	for size := range sizes {
		s := &out.size[size]
		for i := range c.cells {
			j := c.cells[i].judge(overlaps[i], size)
			s.truths += j.truths
			s.byImage = append(s.byImage, j.truths)
			for d, det := range c.cells[i].found {
				r := ranked{score: det.Score, image: c.cells[i].image, rank: d}
				for t := range thresholds {
					r.verdicts[t] = j.verdicts[t][d]
				}
				s.ranked = append(s.ranked, r)
			}
		}
		slices.SortStableFunc(s.ranked, func(a, b ranked) int { return cmp.Compare(b.score, a.score) })
		for t := range thresholds {
			out.ap[size][t] = line.average(s.ranked, t, float64(s.truths), nil)
			for i, most := range [...]int{1, 10, maxDetections} {
				out.ar[size][i][t] = s.recall(t, most)
			}
		}
	}
	return out
}

// curve is precision over recall, where that rises: in between, precision only
// falls. Its memory serves one category after the other.
type curve struct{ recall, precision []float64 }

// average returns the mean over recalls of the best precision that has at least
// the recall; -1 without truths. What was found on an image counts so many times;
// nil means once.
func (c *curve) average(all []ranked, t int, truths float64, times []float64) float64 {
	if truths == 0 {
		return -1
	}
	c.recall, c.precision = c.recall[:0], c.precision[:0]
	tp, fp := 0.0, 0.0
	for i := range all {
		w := 1.0
		if times != nil {
			w = times[all[i].image]
		}
		switch v := all[i].verdicts[t]; {
		case w == 0 || v == ignored:
		case v == wrong:
			fp += w
		default:
			tp += w
			c.recall = append(c.recall, tp/truths)
			c.precision = append(c.precision, tp/(fp+tp+epsilon))
		}
	}
	for i := len(c.precision) - 1; i > 0; i-- {
		c.precision[i-1] = max(c.precision[i-1], c.precision[i])
	}
	sum, at := 0.0, 0
	for i := range recalls {
		for at < len(c.recall) && c.recall[at] < recall(i) {
			at++
		}
		if at == len(c.recall) {
			break
		}
		sum += c.precision[at]
	}
	return sum / recalls
}

// recall returns the part of the truths that the best detections of every image
// find; -1 without truths.
func (s *sized) recall(t, most int) float64 {
	if s.truths == 0 {
		return -1
	}
	n := 0
	for i := range s.ranked {
		if s.ranked[i].rank < most && s.ranked[i].verdicts[t] == right {
			n++
		}
	}
	return float64(n) / float64(s.truths)
}

func (c *classCurves) precision(size int) float64 { return mean(c.ap[size][:]) }

func (c *classCurves) precisionAt(size, t int) float64 { return c.ap[size][t] }

// summarize takes the means over categories and thresholds.
func summarize(curves []classCurves) Summary {
	precision := func(size, from, to int) float64 {
		var all []float64
		for i := range curves {
			all = append(all, curves[i].ap[size][from:to]...)
		}
		return mean(all)
	}
	recall := func(size, most int) float64 {
		var all []float64
		for i := range curves {
			all = append(all, curves[i].ar[size][most][:]...)
		}
		return mean(all)
	}
	return Summary{
		AP: precision(0, 0, thresholds), AP50: precision(0, 0, 1), AP75: precision(0, 5, 6),
		APSmall: precision(1, 0, thresholds), APMedium: precision(2, 0, thresholds), APLarge: precision(3, 0, thresholds),
		AR1: recall(0, 0), AR10: recall(0, 1), AR100: recall(0, 2),
		ARSmall: recall(1, 2), ARMedium: recall(2, 2), ARLarge: recall(3, 2),
	}
}

// mean returns the mean of the values that are there, or -1.
func mean(v []float64) float64 {
	sum, n := 0.0, 0
	for _, x := range v {
		if x > -1 {
			sum += x
			n++
		}
	}
	if n == 0 {
		return -1
	}
	return sum / float64(n)
}

// parallel calls f for 0 to n-1 on some goroutines.
func parallel(ctx context.Context, n, threads int, f func(i int)) error {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(threads, max(n, 1)) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		next <- i
	}
	close(next)
	wg.Wait()
	return ctx.Err()
}
