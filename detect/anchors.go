package detect

import (
	"fmt"
	"math"
)

// Anchors says which boxes stand on every place of every feature map.
type Anchors struct {
	// Style is the framework whose order and rounding the anchors follow.
	Style Style `json:"style" toml:"style"`
	// MinScale and MaxScale are the sides of the square anchors of the first
	// map and the last, as parts of the input's; those between are spaced
	// evenly. Zero means 0.2 and 0.95.
	MinScale float64 `json:"min_scale,omitempty" toml:"min_scale,omitzero"`
	MaxScale float64 `json:"max_scale,omitempty" toml:"max_scale,omitzero"`
	// ReduceLowest gives the first map three anchors instead of six: a square
	// one of scale 0.1, and two of MinScale.
	ReduceLowest bool `json:"reduce_lowest,omitempty" toml:"reduce_lowest,omitempty"`
}

// Style is the framework whose computation is followed in every detail.
type Style string

// The styles.
const (
	TensorFlow  Style = "tensorflow"  // Object Detection API
	Torchvision Style = "torchvision" // torchvision.models.detection
)

// Validate reports what is wrong with a.
func (a Anchors) Validate() error {
	lo, hi := a.scales()
	switch {
	case a.Style != TensorFlow && a.Style != Torchvision:
		return fmt.Errorf("anchors: style %q: want %s or %s", a.Style, TensorFlow, Torchvision)
	case !(lo > 0 && lo < hi && hi <= 1):
		return fmt.Errorf("anchors: scales %g to %g: want 0 < least < largest ≤ 1", lo, hi)
	case a.Style == Torchvision && a.ReduceLowest:
		return fmt.Errorf("anchors: %s has six on every place", Torchvision)
	}
	return nil
}

func (a Anchors) scales() (lo, hi float64) {
	lo, hi = a.MinScale, a.MaxScale
	if lo == 0 {
		lo = 0.2
	}
	if hi == 0 {
		hi = 0.95
	}
	return lo, hi
}

// PerPlace returns the number of anchors on a place of a map.
func (a Anchors) PerPlace(level int) int {
	if level == 0 && a.ReduceLowest {
		return 3
	}
	return 6
}

// shape is the width and height of an anchor.
type shape struct{ w, h float64 }

// shapes returns the anchors of a place of a map, of so many maps.
func (a Anchors) shapes(level, levels int) []shape {
	lo, hi := a.scales()
	scale := func(i int) float64 {
		switch {
		case i >= levels:
			return 1
		case levels == 1:
			return lo
		}
		return lo + (hi-lo)*float64(i)/float64(levels-1)
	}
	s, next := scale(level), math.Sqrt(scale(level)*scale(level+1))
	of := func(s, ratio float64) shape { return shape{s * math.Sqrt(ratio), s / math.Sqrt(ratio)} }
	if a.Style == Torchvision {
		all := []shape{{s, s}, {next, next}}
		for _, r := range []float64{2, 3} {
			all = append(all, of(s, r), of(s, 1/r))
		}
		for i := range all {
			all[i] = shape{min(all[i].w, 1), min(all[i].h, 1)}
		}
		return all
	}
	if level == 0 && a.ReduceLowest {
		return []shape{of(0.1, 1), of(lo, 2), of(lo, 0.5)}
	}
	return []shape{of(s, 1), of(s, 2), of(s, 0.5), of(s, 3), of(s, 0.3333), {next, next}} // the literal 0.3333 is TensorFlow's
}

// Anchor is a box by its center and size.
type Anchor struct{ CX, CY, W, H float32 }

// Box returns the anchor's corners.
func (a Anchor) Box() Box {
	return Box{a.CX - a.W/2, a.CY - a.H/2, a.CX + a.W/2, a.CY + a.H/2}
}

// On returns the anchors on maps of the given heights and widths: map by map,
// row by row, place by place.
func (a Anchors) On(maps [][2]int) []Anchor {
	var all []Anchor
	for level, m := range maps {
		shapes := a.shapes(level, len(maps))
		for y := range m[0] {
			for x := range m[1] {
				for _, s := range shapes {
					all = append(all, Anchor{
						CX: float32((float64(x) + 0.5) / float64(m[1])), CY: float32((float64(y) + 0.5) / float64(m[0])),
						W: float32(s.w), H: float32(s.h),
					})
				}
			}
		}
	}
	return all
}
