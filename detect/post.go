package detect

import "slices"

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
//
// Candidates are taken from the best on until there are enough detections, so
// that a low threshold, under which every anchor is a candidate for every
// class, costs little more than a high one.
type Detector struct {
	post    Post
	code    Code
	anchors []Anchor
	slots   int
	wanted  []bool // by slot; nil means all

	queue   queue
	row     []float32 // exponentials of an anchor
	boxes   []sized   // by anchor
	decoded []bool    // by anchor
	classes []class   // by slot
	kept    []kept
	shown   []sized // what suppresses across classes
	out     []Detection
}

// sized is a box and its area.
type sized struct {
	Box
	area float32
}

func measured(b Box) sized { return sized{b, b.Area()} }

// overlap returns the IoU of two boxes.
func (a sized) overlap(b sized) float32 {
	i := a.Intersect(b.Box).Area()
	if i == 0 {
		return 0
	}
	return i / (a.area + b.area - i)
}

// class is what is known of one class.
type class struct {
	seen, kept int32 // numbers of candidates
	last       int32 // of the kept ones, -1 if there is none
}

// kept is a box that suppresses others of its class.
type kept struct {
	sized
	before int32 // the class's one before, -1 if there is none
}

// NewDetector prepares for outputs of the given anchors and slots.
func NewDetector(p Post, anchors []Anchor, slots int) *Detector {
	return &Detector{
		post: p, code: Code{p.Style}, anchors: anchors, slots: slots,
		boxes: make([]sized, len(anchors)), decoded: make([]bool, len(anchors)), classes: make([]class, slots),
	}
}

// Only restricts what later calls of Detect return to some slots; none means
// all. Of the others, boxes still suppress across classes where Post says so.
func (d *Detector) Only(slots ...int) {
	d.wanted = nil
	if len(slots) == 0 {
		return
	}
	d.wanted = make([]bool, d.slots)
	for _, s := range slots {
		d.wanted[s] = true
	}
}

// Detect returns what an image shows, the surest first, by the network's box
// codes (four numbers an anchor) and class outputs (a number for every anchor
// and slot, before sigmoid or softmax). The result is valid until the next
// call.
func (d *Detector) Detect(codes, logits []float32) []Detection {
	d.kept, d.shown, d.out = d.kept[:0], d.shown[:0], d.out[:0]
	clear(d.decoded)
	for i := range d.classes {
		d.classes[i] = class{last: -1}
	}
	d.queue.reset()
	if d.post.Style == Torchvision {
		d.softmax(logits)
	} else {
		d.sigmoids(logits)
	}
	d.queue.order()
	for len(d.out) < d.post.Max {
		c, ok := d.queue.next(d.score)
		if !ok || float64(c.score) <= d.post.Score {
			break
		}
		d.consider(c, codes)
	}
	return d.out
}

// consider makes a candidate a detection unless it is suppressed, of too many,
// or outside the image.
func (d *Detector) consider(c candidate, codes []float32) {
	anchor, slot := int(c.index)/d.slots, int(c.index)%d.slots
	wanted := d.wanted == nil || d.wanted[slot]
	if !wanted && !d.post.Agnostic {
		return
	}
	b := d.box(anchor, codes)
	if !d.keep(&d.classes[slot], b) {
		return
	}
	shown := measured(b.Clip())
	if d.post.Agnostic && slices.ContainsFunc(d.shown, func(o sized) bool { return float64(o.overlap(shown)) > d.post.IoU }) || shown.area <= 0 {
		return
	}
	if d.post.Agnostic {
		d.shown = append(d.shown, shown)
	}
	if wanted {
		d.out = append(d.out, Detection{Box: shown.Box, Slot: slot, Score: c.score})
	}
}

// keep adds a box to those of a class unless one of them overlaps it or there
// are enough. Torchvision counts the candidates of a class, TensorFlow those
// kept.
func (d *Detector) keep(k *class, b sized) bool {
	n := &k.kept
	if d.post.Style == Torchvision {
		n = &k.seen
	}
	if int(*n) >= d.post.PerClass {
		return false
	}
	k.seen++
	for i := k.last; i >= 0; i = d.kept[i].before {
		if float64(d.kept[i].overlap(b)) > d.post.IoU {
			return false
		}
	}
	d.kept = append(d.kept, kept{b, k.last})
	k.last = int32(len(d.kept) - 1)
	k.kept++
	return true
}

// box returns an anchor's decoded box; torchvision's is clipped before boxes
// are compared.
func (d *Detector) box(anchor int, codes []float32) sized {
	if !d.decoded[anchor] {
		b := d.code.Decode(codes[4*anchor:][:4], d.anchors[anchor])
		if d.post.Style == Torchvision {
			b = b.Clip()
		}
		d.boxes[anchor], d.decoded[anchor] = measured(b), true
	}
	return d.boxes[anchor]
}
