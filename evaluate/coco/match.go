package coco

import "math"

const (
	thresholds = 10  // of the overlap: 0.5, 0.55, … 0.95
	recalls    = 101 // at which precision is taken: 0, 0.01, … 1
	sizes      = 4   // all, small, medium, large
)

// overlap returns threshold i of the overlap. The products and sums are
// NumPy's linspace, so that the ninth is 0.9 less a unit in the last place.
func overlap(i int) float64 { return float64(float64(i)*0.049999999999999996) + 0.5 }

// recall returns the i-th recall that precision is taken at.
func recall(i int) float64 { return float64(i) * 0.01 }

// sizeRange returns the areas, both ends included, of a size.
func sizeRange(size int) (lo, hi float64) {
	switch size {
	case 1:
		return 0, 32 * 32
	case 2:
		return 32 * 32, 96 * 96
	case 3:
		return 96 * 96, 1e10
	}
	return 0, 1e10
}

// Overlap returns intersection over union; against a crowd, intersection over
// the detection's area.
func Overlap(found, truth Box, crowd bool) float64 {
	w := min(found.X+found.W, truth.X+truth.W) - max(found.X, truth.X)
	if w <= 0 {
		return 0
	}
	h := min(found.Y+found.H, truth.Y+truth.H) - max(found.Y, truth.Y)
	if h <= 0 {
		return 0
	}
	i := float64(w * h)
	if crowd {
		return i / found.Area()
	}
	return i / (found.Area() + truth.Area() - i)
}

// verdict is what became of a detection at one threshold.
type verdict uint8

const (
	wrong   verdict = iota // counts as a false positive
	right                  // counts as a true positive
	ignored                // counts neither way
)

// judged is a cell's outcome for one size.
type judged struct {
	truths   int         // that count
	verdicts [][]verdict // by threshold and detection
	match    []int       // of each detection at the first threshold: the index of its truth, or -1
}

// overlaps returns the overlap of each detection with each truth, row by row.
func (c *cell) overlaps() []float64 {
	m := make([]float64, 0, len(c.found)*len(c.truths))
	for _, d := range c.found {
		for _, t := range c.truths {
			m = append(m, Overlap(d.Box, t.Box, t.Crowd))
		}
	}
	return m
}

// judge matches detections, the best first, with truths of a size.
func (c *cell) judge(m []float64, size int) judged {
	lo, hi := sizeRange(size)
	var order []int // of truths: those that count come first
	skip := make([]bool, len(c.truths))
	for i, t := range c.truths {
		if skip[i] = t.Crowd || t.Area < lo || t.Area > hi; !skip[i] {
			order = append(order, i)
		}
	}
	out := judged{truths: len(order), verdicts: make([][]verdict, thresholds)}
	for i := range c.truths {
		if skip[i] {
			order = append(order, i)
		}
	}
	taken := make([]bool, len(c.truths))
	all := make([]verdict, thresholds*len(c.found))
	for t := range thresholds {
		clear(taken)
		v := all[t*len(c.found):][:len(c.found)]
		for d, det := range c.found {
			best := c.best(m[d*len(c.truths):], order, skip, taken, overlap(t))
			if t == 0 {
				out.match = append(out.match, best)
			}
			v[d] = c.verdict(det, best, skip, lo, hi)
			if best >= 0 {
				taken[best] = true
			}
		}
		out.verdicts[t] = v
	}
	return out
}

// best returns the truth that a detection is matched with, or -1: the one with
// the highest overlap of at least the threshold that is not taken, one that
// counts before others, the later of equals.
func (c *cell) best(row []float64, order []int, skip, taken []bool, threshold float64) int {
	iou, best := min(threshold, 1-1e-10), -1
	for _, g := range order {
		if taken[g] && !c.truths[g].Crowd {
			continue
		}
		if best >= 0 && !skip[best] && skip[g] {
			break
		}
		if row[g] < iou {
			continue
		}
		iou, best = row[g], g
	}
	return best
}

// verdict says what a matched or unmatched detection counts as. A truth with
// id 0 is not known from none: what it is matched with is wrong.
func (c *cell) verdict(d Detection, best int, skip []bool, lo, hi float64) verdict {
	if best >= 0 && skip[best] {
		return ignored
	}
	if best >= 0 && c.truths[best].ID != 0 {
		return right
	}
	if a := d.Box.Area(); a < lo || a > hi {
		return ignored
	}
	return wrong
}

// epsilon is the least difference of float64 from 1.
var epsilon = math.Nextafter(1, 2) - 1
