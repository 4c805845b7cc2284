package nas

import (
	"fmt"
	"slices"

	"github.com/mixnet-go/mixnet/zoo"
)

// Place says which block of a space's table a block of a network is.
type Place struct {
	Stage, Block int
	Row          int // of the block's list of rows; -1 where it is chosen from lists
}

// Places returns the places of the blocks of an architecture's network, in the
// order of its rows. They are those of the choices as they stand: what is left
// out before a block does not move it, unless the architecture is canonical.
func (t *TableSpace) Places(a Arch) []Place {
	l := t.layout
	var all []Place
	for i := range t.Stages {
		for b := range t.depth(a, i, l) {
			if t.none(a, i, b, l) {
				continue
			}
			p := Place{Stage: i, Block: b, Row: -1}
			if len(t.Stages[i].choices(b).Rows) > 0 {
				p.Row = at(a, l.stages[i].blocks[b][0])
			}
			all = append(all, p)
		}
	}
	return all
}

// Cover returns architectures of the greatest widths and depths that together
// have all combinations of choices of every block.
func (t *TableSpace) Cover() []Arch {
	l := t.layout
	widest := make(Arch, len(l.decisions))
	choose := func(decision int, values []int) {
		if decision >= 0 {
			widest[decision] = uint8(slices.Index(values, slices.Max(values)))
		}
	}
	choose(l.stem, t.Stem)
	choose(l.head, t.Head)
	for i := range t.Stages {
		choose(l.stages[i].out, t.Stages[i].Out)
		choose(l.stages[i].depth, t.Stages[i].Depth)
	}
	all := make([]Arch, t.variants())
	for n := range all {
		a := slices.Clone(widest)
		for i := range t.Stages {
			for b := range l.stages[i].blocks {
				t.vary(a, i, b, n)
			}
		}
		all[n] = a
	}
	return all
}

// Choice is a block of a space whose blocks are chosen whole, from rows.
type Choice struct {
	Stage, Block int
	Decision     int // -1 where there is one row
	Rows         []Row
	Lists        bool // the one row is what lists of one option each say
}

// Choices returns the blocks of a space in which nothing is decided but the rows
// of blocks and the widths of stem and head, and a network of the greatest widths
// without its blocks' rows. Other spaces have none.
func (t *TableSpace) Choices() ([]Choice, zoo.Network, error) {
	l := t.layout
	var all []Choice
	decided := 0
	n := t.Base
	n.Stages = nil
	if len(t.Stem) > 0 {
		n.Stem.Out = slices.Max(t.Stem)
	}
	if len(t.Head) > 0 {
		n.Head.Out = slices.Max(t.Head)
	}
	for _, d := range []int{l.stem, l.head} {
		if d >= 0 {
			decided++
		}
	}
	for i := range t.Stages {
		s, sl := &t.Stages[i], &l.stages[i]
		for b := range s.blocks() {
			c := Choice{Stage: i, Block: b, Decision: -1, Rows: s.choices(b).Rows}
			if len(c.Rows) == 0 {
				var row zoo.Stage
				for _, x := range sl.axes[b] {
					x.set(&row, 0)
				}
				c.Rows, c.Lists = []Row{{Stage: row}}, true
			} else if c.Decision = sl.blocks[b][0]; c.Decision >= 0 {
				decided++
			}
			row := zoo.Stage{Out: s.Out[0], Part: zoo.SamePart}
			if b == 0 {
				row.Stride, row.Part = max(s.Stride, 1), zoo.NewPart
			}
			n.Stages = append(n.Stages, row)
			all = append(all, c)
		}
	}
	if decided != len(l.decisions) || slices.ContainsFunc(t.Stages, func(s StageChoices) bool { return s.Shared }) {
		return nil, n, fmt.Errorf("space %s: more is decided than which rows its blocks are", t.Name())
	}
	return all, n, nil
}
