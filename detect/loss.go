package detect

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// LossKind is how the class outputs of an anchor are compared with its object.
type LossKind string

// The kinds of loss. All compare box codes by Huber's loss with δ = 1.
const (
	// Multibox is sigmoid cross-entropy over all slots, the background's
	// included, of the objects' anchors and the worst of the others
	// (TensorFlow's configurations of 2018).
	Multibox LossKind = "multibox"
	// Focal is sigmoid focal loss (Lin et al. 2017) of all anchors. Background
	// is no class: its anchors' targets are 0 everywhere.
	Focal LossKind = "focal"
	// Softmax is cross-entropy of the softmax, of the objects' anchors and the
	// worst of the others (torchvision).
	Softmax LossKind = "softmax"
)

// LossConfig says how outputs are compared with objects.
type LossConfig struct {
	Kind LossKind `json:"kind" toml:"kind"`
	// Negatives is how many background anchors count for each of an object, in
	// an image; 0 means 3. MinNegatives is the least number for an image, which
	// lets images without objects teach. Focal takes all.
	Negatives    int `json:"negatives,omitempty" toml:"negatives,omitzero"`
	MinNegatives int `json:"min_negatives,omitempty" toml:"min_negatives,omitzero"`
	// Gamma and Alpha are those of focal loss; 0 means 2 and 0.75.
	Gamma float64 `json:"gamma,omitempty" toml:"gamma,omitzero"`
	Alpha float64 `json:"alpha,omitempty" toml:"alpha,omitzero"`
	// BoxWeight multiplies the loss of the box codes; 0 means 1.
	BoxWeight float64 `json:"box_weight,omitempty" toml:"box_weight,omitzero"`
}

// Validate reports what is wrong with c.
func (c LossConfig) Validate() error {
	switch {
	case c.Kind != Multibox && c.Kind != Focal && c.Kind != Softmax:
		return fmt.Errorf("detection loss %q: want %s, %s or %s", c.Kind, Multibox, Focal, Softmax)
	case c.Negatives < 0 || c.MinNegatives < 0:
		return fmt.Errorf("detection loss: %d negatives, at least %d: want none below 0", c.Negatives, c.MinNegatives)
	case !(c.Gamma >= 0 && c.Alpha >= 0 && c.Alpha <= 1 && c.BoxWeight >= 0):
		return fmt.Errorf("detection loss: γ %g, α %g, box weight %g: want 0 or more, α at most 1", c.Gamma, c.Alpha, c.BoxWeight)
	}
	return nil
}

func (c LossConfig) withDefaults() LossConfig {
	c.Negatives = cmp.Or(c.Negatives, 3)
	c.Gamma, c.Alpha, c.BoxWeight = cmp.Or(c.Gamma, 2), cmp.Or(c.Alpha, 0.75), cmp.Or(c.BoxWeight, 1)
	return c
}

// Float is what losses are computed on.
type Float interface{ float32 | float64 }

// Loss compares the outputs for a batch of images with what they show. It keeps
// its memory from one batch to the next and must not be used by two goroutines
// at once.
type Loss[T Float] struct {
	cfg     LossConfig
	style   Style
	anchors []Anchor
	slots   int

	match  [][]int
	score  []float64 // of the anchors of an image: their class loss
	order  []int
	picked []bool
}

// NewLoss prepares for outputs of the given anchors and slots.
func NewLoss[T Float](c LossConfig, style Style, anchors []Anchor, slots int) (*Loss[T], error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	n := len(anchors)
	return &Loss[T]{cfg: c.withDefaults(), style: style, anchors: anchors, slots: slots, score: make([]float64, n), picked: make([]bool, n)}, nil
}

// Value is a batch's loss: sums over its images, over the number of anchors that
// stand for objects.
type Value struct {
	Box, Class float64
	Positives  int // anchors that stand for an object
}

// Total returns the whole loss.
func (v Value) Total() float64 { return v.Box + v.Class }

// Run returns the loss of box codes (anchors × 4 an image) and class outputs
// (anchors × slots an image) of a batch. The gradients, times scale, are put
// into dCodes and dLogits.
func (l *Loss[T]) Run(codes, logits []T, objects [][]Object, scale float64, dCodes, dLogits []T) Value {
	var v Value
	for len(l.match) < len(objects) {
		l.match = append(l.match, nil)
	}
	for i, o := range objects {
		l.match[i] = Match(l.anchors, o, l.style, l.match[i])
		for _, m := range l.match[i] {
			if m >= 0 {
				v.Positives++
			}
		}
	}
	clear(dCodes)
	clear(dLogits)
	norm := 1 / float64(max(v.Positives, 1))
	n := len(l.anchors)
	for i, o := range objects {
		c, g := codes[i*n*4:][:n*4], dCodes[i*n*4:][:n*4]
		z, d := logits[i*n*l.slots:][:n*l.slots], dLogits[i*n*l.slots:][:n*l.slots]
		l.pick(z, l.match[i])
		for a, m := range l.match[i] {
			if !l.picked[a] {
				continue
			}
			slot := 0
			if m >= 0 {
				slot = o[m].Slot
				v.Box += norm * l.cfg.BoxWeight * l.box(c[a*4:][:4], l.anchors[a], o[m].Box, norm*l.cfg.BoxWeight*scale, g[a*4:][:4])
			}
			v.Class += norm * l.class(z[a*l.slots:][:l.slots], slot, norm*scale, d[a*l.slots:][:l.slots])
		}
	}
	return v
}

// pick marks the anchors of an image that count.
func (l *Loss[T]) pick(logits []T, match []int) {
	positives := 0
	l.order = l.order[:0]
	for a, m := range match {
		l.picked[a] = m >= 0 || l.cfg.Kind == Focal && m == Background
		if m >= 0 {
			positives++
		} else if m == Background {
			l.order = append(l.order, a)
		}
	}
	if l.cfg.Kind == Focal {
		return
	}
	most := min(max(l.cfg.Negatives*positives, l.cfg.MinNegatives), len(l.order))
	if most == 0 {
		return
	}
	for _, a := range l.order {
		l.score[a] = l.class(logits[a*l.slots:][:l.slots], 0, 0, nil)
	}
	slices.SortStableFunc(l.order, func(a, b int) int { return cmp.Compare(l.score[b], l.score[a]) })
	for _, a := range l.order[:most] {
		l.picked[a] = true
	}
}

// box returns Huber's loss of a code; grad receives scale times its gradient.
func (l *Loss[T]) box(code []T, a Anchor, b Box, scale float64, grad []T) float64 {
	sum := 0.0
	for i, want := range (Code{l.style}).Encode(b, a) {
		switch x := float64(code[i]) - float64(want); {
		case math.Abs(x) <= 1:
			sum += x * x / 2
			grad[i] = T(scale * x)
		default:
			sum += math.Abs(x) - 0.5
			grad[i] = T(scale * math.Copysign(1, x))
		}
	}
	return sum
}

// class returns the loss of an anchor's class outputs; grad, unless it is nil,
// receives scale times its gradient.
func (l *Loss[T]) class(z []T, slot int, scale float64, grad []T) float64 {
	if l.cfg.Kind == Softmax {
		return softmaxLoss(z, slot, scale, grad)
	}
	sum := 0.0
	for s, x := range z {
		target := 0.0
		if s == slot && (slot > 0 || l.cfg.Kind == Multibox) {
			target = 1
		}
		var loss, g float64
		if l.cfg.Kind == Focal {
			loss, g = focal(float64(x), target, l.cfg.Gamma, l.cfg.Alpha)
		} else {
			loss, g = crossEntropy(float64(x), target)
		}
		sum += loss
		if grad != nil {
			grad[s] = T(scale * g)
		}
	}
	return sum
}

// crossEntropy returns that of σ(x) and a target, and its derivative.
func crossEntropy(x, target float64) (loss, grad float64) {
	return max(x, 0) - x*target + math.Log1p(math.Exp(-math.Abs(x))), 1/(1+math.Exp(-x)) - target
}

// focal returns α(1-p)^γ times the cross-entropy, p being the probability given
// to the target, and its derivative.
func focal(x, target, gamma, alpha float64) (loss, grad float64) {
	sign, weight := 1.0, alpha
	if target == 0 {
		sign, weight = -1, 1-alpha
	}
	ce, _ := crossEntropy(sign*x, 1)
	p := math.Exp(-ce) // of the target
	q := -math.Expm1(-ce)
	pow := math.Pow(q, gamma)
	// d/dx of -(1-p)^γ log p, with dp/dx = sign·p·(1-p).
	return weight * pow * ce, -weight * sign * pow * (gamma*p*ce + q)
}

func softmaxLoss[T Float](z []T, slot int, scale float64, grad []T) float64 {
	peak := math.Inf(-1)
	for _, x := range z {
		peak = max(peak, float64(x))
	}
	sum := 0.0
	for _, x := range z {
		sum += math.Exp(float64(x) - peak)
	}
	norm := peak + math.Log(sum)
	if grad != nil {
		for s, x := range z {
			g := math.Exp(float64(x) - norm)
			if s == slot {
				g--
			}
			grad[s] = T(scale * g)
		}
	}
	return norm - float64(z[slot])
}
