package zoo

import (
	"cmp"
	"math"
	"slices"
)

// Rounding says how Scaled turns a fraction of a block into whole ones.
type Rounding uint8

// The rules of rounding repeats.
const (
	RoundUp      Rounding = iota // EfficientNet
	RoundNearest                 // timm's MixNet-XL and -XXL; halves to even
)

// Scaled returns the table with its channels multiplied by width, rounded to
// multiples of 8 but for the channels of single kernel sizes, and its repeats
// by depth. The head widens only where the
// table says so. Factors of 0 and 1 change nothing.
func (n Network) Scaled(width, depth float64, r Rounding) Network {
	n.Stages = slices.Clone(n.Stages)
	if width = cmp.Or(width, 1); width != 1 {
		n.fixParts() // widths that become equal must not join two parts
		if !n.Stem.Fixed {
			n.Stem.Out = roundTo(float64(n.Stem.Out)*width, 8)
		}
		for i := range n.Stages {
			s := &n.Stages[i]
			s.Out = roundTo(float64(s.Out)*width, 8)
			s.Channels = slices.Clone(s.Channels)
			for j, c := range s.Channels {
				s.Channels[j] = max(1, int(math.Round(float64(c)*width)))
			}
		}
		if n.Head.Widen && width > 1 {
			n.Head.Out = roundTo(float64(n.Head.Out)*width, 8)
		}
	}
	if depth = cmp.Or(depth, 1); depth != 1 {
		for _, rows := range n.Parts() {
			scaleDepth(n.Stages, rows, depth, r)
		}
	}
	return n
}

// Parts returns the indices of the rows of each part of the numbering
// blocks.PART.BLOCK.
func (n Network) Parts() [][]int {
	var parts [][]int
	for _, b := range n.blocks() {
		if b.part == len(parts) {
			parts = append(parts, nil)
		}
		if rows := &parts[b.part]; !slices.Contains(*rows, b.row) {
			*rows = append(*rows, b.row)
		}
	}
	return parts
}

// fixParts writes the numbering of the rows into them.
func (n Network) fixParts() {
	for _, rows := range n.Parts() {
		for i, row := range rows {
			n.Stages[row].Part = SamePart
			if i == 0 {
				n.Stages[row].Part = NewPart
			}
		}
	}
}

// scaleDepth multiplies the repeats of some rows that form a part. The sum is
// rounded and shared out from the last row to the first, so that single first
// blocks stay single longest (timm's rule).
func scaleDepth(stages []Stage, rows []int, depth float64, r Rounding) {
	total := 0
	for _, i := range rows {
		if stages[i].FixedDepth {
			return
		}
		total += cmp.Or(stages[i].Repeats, 1)
	}
	scaled := int(math.Ceil(float64(total) * depth))
	if r == RoundNearest {
		scaled = max(1, int(math.RoundToEven(float64(total)*depth)))
	}
	for _, i := range slices.Backward(rows) {
		old := cmp.Or(stages[i].Repeats, 1)
		stages[i].Repeats = max(1, int(math.RoundToEven(float64(old)/float64(total)*float64(scaled))))
		total -= old
		scaled -= stages[i].Repeats
	}
}

// roundTo rounds v to a multiple of divisor, at least divisor, and never to
// less than nine tenths of v: the rule of the MobileNet and MixNet code.
func roundTo(v float64, divisor int) int {
	d := float64(divisor)
	r := max(d, math.Floor((v+d/2)/d)*d)
	if r < 0.9*v {
		r += d
	}
	return int(r)
}
