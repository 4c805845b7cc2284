package detect

import (
	"cmp"
	"math"
	"slices"
)

// Post says what becomes of a network's output.
type Post struct {
	Style Style `json:"style" toml:"style"`
	// Score is the least score of a detection.
	Score float64 `json:"score" toml:"score"`
	// IoU suppresses a detection that overlaps a better one of its class by more.
	IoU float64 `json:"iou" toml:"iou"`
	// PerClass and Max bound the detections of a class and of all.
	PerClass int `json:"per_class" toml:"per_class"`
	Max      int `json:"max" toml:"max"`
	// Agnostic suppresses across classes.
	Agnostic bool `json:"agnostic,omitempty" toml:"agnostic,omitempty"`
}

// Usual returns the settings that a framework evaluates with.
func Usual(style Style) Post {
	if style == Torchvision {
		return Post{Style: style, Score: 0.001, IoU: 0.55, PerClass: 300, Max: 300}
	}
	return Post{Style: style, Score: 1e-8, IoU: 0.6, PerClass: 100, Max: 100}
}

// Detection is a box that was found.
type Detection struct {
	Box   Box
	Slot  int // class, counted from 1
	Score float32
}

// Detector turns outputs into detections, reusing its memory. It must not be
// used by two goroutines at once.
type Detector struct {
	post    Post
	code    Code
	anchors []Anchor
	slots   int

	scores  []float32 // of all anchors and slots
	boxes   []Box
	decoded []bool
	found   []candidate
	kept    []candidate
	out     []Detection
}

// candidate is a box of one class that may be a detection.
type candidate struct {
	anchor, slot int32
	score        float32
}

// NewDetector prepares for outputs of the given anchors and slots.
func NewDetector(p Post, anchors []Anchor, slots int) *Detector {
	return &Detector{post: p, code: Code{p.Style}, anchors: anchors, slots: slots, boxes: make([]Box, len(anchors)), decoded: make([]bool, len(anchors))}
}

// Detect returns what an image shows, the surest first, by the network's box
// codes (four numbers an anchor) and class outputs (a number for every anchor
// and slot, before sigmoid or softmax). The result is valid until the next
// call.
func (d *Detector) Detect(codes, logits []float32) []Detection {
	d.found, d.kept, d.out = d.found[:0], d.kept[:0], d.out[:0]
	clear(d.decoded)
	d.candidates(logits)
	slices.SortFunc(d.found, func(a, b candidate) int {
		if a.slot != b.slot {
			return cmp.Compare(a.slot, b.slot)
		}
		return better(a, b)
	})
	for from := 0; from < len(d.found); {
		to := from
		for to < len(d.found) && d.found[to].slot == d.found[from].slot {
			to++
		}
		d.suppress(d.found[from:to], codes)
		from = to
	}
	slices.SortStableFunc(d.kept, better)
	for _, c := range d.kept {
		if len(d.out) == d.post.Max {
			break
		}
		if d.post.Agnostic && d.overlaps(c) {
			continue
		}
		b := d.boxes[c.anchor].Clip()
		if b.Area() <= 0 {
			continue
		}
		d.out = append(d.out, Detection{Box: b, Slot: int(c.slot), Score: c.score})
	}
	return d.out
}

func better(a, b candidate) int {
	if a.score != b.score {
		return cmp.Compare(b.score, a.score)
	}
	return cmp.Compare(a.anchor, b.anchor)
}

// candidates collects what scores enough. A threshold on the output itself
// spares most of the exponentials.
func (d *Detector) candidates(logits []float32) {
	if d.post.Style == Torchvision {
		d.softmax(logits)
		return
	}
	least := float32(math.Log(d.post.Score / (1 - d.post.Score)))
	for i := range d.anchors {
		for s, v := range logits[i*d.slots+1 : (i+1)*d.slots] {
			if v >= least-1e-3 {
				if p := sigmoid(v); float64(p) > d.post.Score {
					d.found = append(d.found, candidate{int32(i), int32(s + 1), p})
				}
			}
		}
	}
}

func (d *Detector) softmax(logits []float32) {
	for i := range d.anchors {
		row := logits[i*d.slots:][:d.slots]
		peak := slices.Max(row)
		d.scores = d.scores[:0]
		sum := float32(0)
		for _, v := range row {
			e := float32(math.Exp(float64(v - peak)))
			d.scores = append(d.scores, e)
			sum += e
		}
		for s := 1; s < d.slots; s++ {
			if p := d.scores[s] / sum; float64(p) > d.post.Score {
				d.found = append(d.found, candidate{int32(i), int32(s), p})
			}
		}
	}
}

func sigmoid(v float32) float32 { return float32(1 / (1 + math.Exp(-float64(v)))) }

// box returns an anchor's decoded box; torchvision's is clipped before boxes
// are compared.
func (d *Detector) box(anchor int32, codes []float32) Box {
	if !d.decoded[anchor] {
		b := d.code.Decode(codes[4*anchor:][:4], d.anchors[anchor])
		if d.post.Style == Torchvision {
			b = b.Clip()
		}
		d.boxes[anchor], d.decoded[anchor] = b, true
	}
	return d.boxes[anchor]
}

// suppress keeps those of one class, the best first, that overlap none kept.
// Torchvision cuts the number of candidates before, TensorFlow that of the kept.
func (d *Detector) suppress(found []candidate, codes []float32) {
	if d.post.Style == Torchvision {
		found = found[:min(len(found), d.post.PerClass)]
	}
	first := len(d.kept)
next:
	for _, c := range found {
		if len(d.kept)-first == d.post.PerClass {
			break
		}
		b := d.box(c.anchor, codes)
		for _, k := range d.kept[first:] {
			if float64(IoU(d.boxes[k.anchor], b)) > d.post.IoU {
				continue next
			}
		}
		d.kept = append(d.kept, c)
	}
}

// overlaps reports whether a detection of any class covers a candidate.
func (d *Detector) overlaps(c candidate) bool {
	b := d.boxes[c.anchor].Clip()
	for i := range d.out {
		if float64(IoU(d.out[i].Box, b)) > d.post.IoU {
			return true
		}
	}
	return false
}
