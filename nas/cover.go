package nas

import "iter"

// Covering lists architectures in which every block of the space occurs, with every
// width it can read and write, at its stage's resolution. Blocks of a stage
// behind its first count as the same place.
func (t *TableSpace) Covering() iter.Seq[Arch] {
	widths, variants := t.coverWidths(), t.variants()
	return func(yield func(Arch) bool) {
		// Widths are lines of an affine plane over a prime field: of any two
		// stages that follow each other every pair of widths occurs.
		for slope := range widths {
			for start := range widths {
				for v := range variants {
					if !yield(t.covering(start, slope, v, widths)) {
						return
					}
				}
			}
		}
	}
}

// variants returns the most combinations of choices that a block has.
func (t *TableSpace) variants() int {
	most := 1
	for _, sl := range t.layout.stages {
		for _, axes := range sl.axes {
			n := 1
			for _, a := range axes {
				n *= len(a.options)
			}
			most = max(most, n)
		}
	}
	return most
}

// vary gives a block of a stage one of its combinations of choices, of which
// variants counts the most: the rest begin anew.
func (t *TableSpace) vary(a Arch, stage, block, variant int) {
	sl := &t.layout.stages[stage]
	for k, decision := range sl.blocks[block] {
		options := len(sl.axes[block][k].options)
		if decision >= 0 {
			a[decision] = uint8(variant % options)
		}
		variant /= options
	}
}

// coverWidths returns a prime that is at least as large as any list of widths.
func (t *TableSpace) coverWidths() int {
	widths := max(len(t.Stem), len(t.Head), 1)
	for i := range t.Stages {
		widths = max(widths, len(t.Stages[i].Out))
	}
	for !prime(widths) {
		widths++
	}
	return widths
}

func prime(n int) bool {
	for d := 2; d*d <= n; d++ {
		if n%d == 0 {
			return false
		}
	}
	return true
}

// covering is the architecture whose widths are start + slope·stage and whose
// blocks all have one variant, at the largest depths. The blocks of a stage have
// different variants, as far as there are.
func (t *TableSpace) covering(start, slope, variant, widths int) Arch {
	l := t.layout
	a := make(Arch, len(l.decisions))
	set := func(decision, option int) {
		if decision >= 0 {
			a[decision] = uint8(option % len(l.decisions[decision].Options))
		}
	}
	set(l.stem, start)
	for i := range t.Stages {
		sl := &l.stages[i]
		set(sl.out, (start+slope*(i+1))%widths)
		for o, d := range t.Stages[i].Depth {
			if d == t.Stages[i].blocks() {
				set(sl.depth, o)
			}
		}
		for b := range sl.blocks {
			if t.Stages[i].Shared && b > 0 {
				break
			}
			t.vary(a, i, b, variant+b*7)
		}
	}
	set(l.head, (start+slope*(len(t.Stages)+1))%widths)
	return a
}
