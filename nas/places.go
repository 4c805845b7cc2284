package nas

import "slices"

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
	count := 1
	for i := range t.Stages {
		choose(l.stages[i].out, t.Stages[i].Out)
		choose(l.stages[i].depth, t.Stages[i].Depth)
		for _, axes := range l.stages[i].axes {
			n := 1
			for _, a := range axes {
				n *= len(a.options)
			}
			count = max(count, n)
		}
	}
	all := make([]Arch, count)
	for n := range all {
		a := slices.Clone(widest)
		for i := range t.Stages {
			for b, decisions := range l.stages[i].blocks {
				rest := n
				for k, d := range decisions {
					options := len(l.stages[i].axes[b][k].options)
					if d >= 0 {
						a[d] = uint8(rest % options)
					}
					rest /= options
				}
			}
		}
		all[n] = a
	}
	return all
}
