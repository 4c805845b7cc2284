package quantize

import "math"

// histogram counts values in bins of equal width over a range that doubles as
// larger ones come. What it ends as does not depend on the order of values.
type histogram struct {
	bins     []int64 // of [-limit, limit)
	limit    float64
	min, max float64
	n        int64
	finite   bool
}

// histogramBins is the number of bins: at least a quarter of them, 2048, are in the
// range of values of one sign.
const histogramBins = 8192

// firstLimit is where ranges start.
const firstLimit = 1.0 / 1024

func newHistogram() *histogram {
	return &histogram{bins: make([]int64, histogramBins), limit: firstLimit, min: math.Inf(1), max: math.Inf(-1), finite: true}
}

// add counts values.
func (h *histogram) add(values []float32) {
	lo, hi := float32(math.Inf(1)), float32(math.Inf(-1))
	for _, v := range values {
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
		if v-v != 0 {
			h.finite = false
			return
		}
	}
	h.min, h.max = min(h.min, float64(lo)), max(h.max, float64(hi))
	for max(-h.min, h.max) >= h.limit {
		h.double()
	}
	h.n += int64(len(values))
	scale, middle := float32(histogramBins/2/h.limit), float32(histogramBins/2)
	for _, v := range values {
		h.bins[min(int(v*scale+middle), histogramBins-1)]++
	}
}

// double doubles the range.
func (h *histogram) double() {
	const quarter = histogramBins / 4
	old := h.bins
	h.bins = make([]int64, histogramBins)
	for i, n := range old {
		h.bins[quarter+i/2] += n
	}
	h.limit *= 2
}

// merge adds the counts of another one.
func (h *histogram) merge(o *histogram) {
	for h.limit < o.limit {
		h.double()
	}
	c := *o
	for c.limit < h.limit {
		c.double()
	}
	for i, n := range c.bins {
		h.bins[i] += n
	}
	h.n += o.n
	h.min, h.max = min(h.min, o.min), max(h.max, o.max)
	h.finite = h.finite && o.finite
}

// middles returns the values in the middle of the bins that are not empty, and
// their counts.
func (h *histogram) middles() (x, n []float64) {
	width := 2 * h.limit / histogramBins
	for i, count := range h.bins {
		if count > 0 {
			x = append(x, min(max((float64(i)+0.5)*width-h.limit, h.min), h.max))
			n = append(n, float64(count))
		}
	}
	return x, n
}

// deviation returns the standard deviation of the values.
func (h *histogram) deviation() float64 {
	x, n := h.middles()
	sum, squares, all := 0.0, 0.0, 0.0
	for i, v := range x {
		sum += n[i] * v
		squares += n[i] * v * v
		all += n[i]
	}
	if all == 0 {
		return 0
	}
	mean := sum / all
	return math.Sqrt(max(0, squares/all-mean*mean))
}
