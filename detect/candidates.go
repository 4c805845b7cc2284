package detect

import (
	"cmp"
	"math"
	"slices"
)

// candidate is a box of one class that may be a detection.
type candidate struct {
	index uint32 // anchor × slots + slot
	score float32
}

// sigmoids queues the class outputs of all anchors that score enough. The
// sigmoid is computed of those only that come to their turn.
func (d *Detector) sigmoids(logits []float32) {
	const margin = 1e-3 // for the sigmoid's rounding, here and there
	least := float32(math.Log(d.post.Score/(1-d.post.Score))) - margin
	for i := range d.anchors {
		first := uint32(i*d.slots + 1)
		for s, v := range logits[first:][:d.slots-1] {
			if v >= least {
				d.queue.add(v, first+uint32(s))
			}
		}
	}
}

// softmax queues the scores of all anchors that are enough. No score is more
// than its output's exponential over the largest's, which spares most anchors
// theirs.
func (d *Detector) softmax(logits []float32) {
	const margin = 1e-3
	least := float32(math.Log(d.post.Score)) - margin
	for i := range d.anchors {
		row := logits[i*d.slots:][:d.slots]
		object := float32(math.Inf(-1))
		for _, v := range row[1:] {
			if v > object {
				object = v
			}
		}
		peak := max(object, row[0])
		if object-peak < least {
			continue
		}
		scores := d.row[:0]
		sum := float32(0)
		for _, v := range row {
			e := float32(math.Exp(float64(v - peak)))
			scores = append(scores, e)
			sum += e
		}
		d.row = scores
		for s := 1; s < len(scores); s++ {
			if p := scores[s] / sum; float64(p) > d.post.Score {
				d.queue.add(p, uint32(i*d.slots+s))
			}
		}
	}
}

// score returns the score of a value that is queued.
func (d *Detector) score(v float32) float32 {
	if d.post.Style == Torchvision {
		return v
	}
	return sigmoid(v)
}

func sigmoid(v float32) float32 { return float32(1 / (1 + math.Exp(-float64(v)))) }

// queue gives values in falling order of their scores, those of equal scores in
// rising order of their indices. It sorts no further than it is asked: values
// are shared out to buckets by the first bits of their floating-point number,
// and a bucket is sorted when its turn comes.
type queue struct {
	all      []uint64 // key of the value, index
	shared   []uint64 // the same in the order of the buckets
	ends     [buckets]int32
	bucket   int // the first that is not sorted
	sorted   int // elements of shared in their order
	at       int
	equalEnd int     // of the run of equal scores that at lies in
	score    float32 // of that run
	after    float32 // of the element at equalEnd, if there is one
}

const buckets = 1 << 11 // by sign, exponent, and two bits of the mantissa

// key returns a number that is the smaller, the larger the value.
func key(v float32) uint32 {
	b := math.Float32bits(v)
	if b>>31 == 0 {
		return ^b & (1<<31 - 1)
	}
	return b
}

// value is the inverse of key.
func value(k uint32) float32 {
	if k>>31 == 0 {
		k = ^k & (1<<31 - 1)
	}
	return math.Float32frombits(k)
}

func (q *queue) reset() {
	q.all = q.all[:0]
	q.bucket, q.sorted, q.at, q.equalEnd = 0, 0, 0, 0
}

func (q *queue) add(v float32, index uint32) {
	q.all = append(q.all, uint64(key(v))<<32|uint64(index))
}

// order shares the elements out to their buckets.
func (q *queue) order() {
	q.shared = slices.Grow(q.shared[:0], len(q.all))[:len(q.all)]
	clear(q.ends[:])
	const shift = 64 - 11
	for _, e := range q.all {
		q.ends[e>>shift]++
	}
	sum := int32(0)
	for i, n := range q.ends {
		q.ends[i] = sum
		sum += n
	}
	for _, e := range q.all {
		i := &q.ends[e>>shift]
		q.shared[*i] = e
		*i++
	}
}

// next takes the best element, by a function of rising values.
func (q *queue) next(score func(float32) float32) (candidate, bool) {
	if q.at == len(q.all) {
		return candidate{}, false
	}
	if q.at == q.equalEnd {
		q.run(score)
	}
	e := q.shared[q.at]
	q.at++
	return candidate{uint32(e), q.score}, true
}

// run finds the elements from at on that have one score, which different values
// may have, and sorts them by their indices.
func (q *queue) run(score func(float32) float32) {
	of := func(i int) float32 {
		for i == q.sorted {
			slices.Sort(q.shared[q.sorted:q.ends[q.bucket]])
			q.sorted = int(q.ends[q.bucket])
			q.bucket++
		}
		return score(value(uint32(q.shared[i] >> 32)))
	}
	q.score = q.after
	if q.at == 0 {
		q.score = of(0)
	}
	end := q.at + 1
	for ; end < len(q.all); end++ {
		if q.after = of(end); q.after != q.score {
			break
		}
	}
	q.equalEnd = end
	slices.SortFunc(q.shared[q.at:end], func(a, b uint64) int { return cmp.Compare(uint32(a), uint32(b)) })
}
