package engine

import "slices"

// Slices, shuffles and concatenations move nothing if what reads the result can
// take channels from where they lie: such a value is a selection of channels
// of another one. 1×1 convolutions read any selection, depthwise ones any of
// which each run of neighbours is computed by itself.

// channels returns what v is a part of, or v itself, and which of its channels
// v has.
func (v *value) channels() (in *value, order []int) {
	if v.order != nil {
		return v.in, v.order
	}
	in, first := v, 0
	if v.in != nil {
		in, first = v.in, v.at
	}
	order = make([]int, v.c)
	for i := range order {
		order[i] = first + i
	}
	return in, order
}

// choose makes v a selection of the channels of in.
func (v *value) choose(in *value, order []int) {
	v.in, v.at, v.order = in, order[0], nil
	if !consecutive(order) {
		v.at, v.order = 0, order
	}
}

// consecutive reports whether each channel follows the one before.
func consecutive(order []int) bool {
	for i, c := range order {
		if c != order[0]+i {
			return false
		}
	}
	return true
}

// ascending returns the positions of order's elements sorted by these, and the
// sorted elements.
func ascending(order []int) (at, sorted []int) {
	at = make([]int, len(order))
	for i := range at {
		at[i] = i
	}
	slices.SortStableFunc(at, func(a, b int) int { return order[a] - order[b] })
	sorted = make([]int, len(order))
	for i, p := range at {
		sorted[i] = order[p]
	}
	return at, sorted
}

// plain returns v, or a copy if it is a selection.
func (l *lowering) plain(v *value) *value {
	if v.order == nil {
		return v
	}
	if l.copies[v] == nil {
		y := &value{shape: v.shape, c: v.c, code: v.code}
		l.copies[v] = y
		l.emit(&gatherLayer{x: v, y: y})
	}
	return l.copies[v]
}

// selectable returns the value of n, as floats if it is bfloat16: layers on
// these read no selections.
func (l *lowering) selectable(n *node) *value {
	v := l.value(n)
	if v.half {
		v = l.float(v)
	}
	return v
}

// slice makes the value of n a part of its input.
func (l *lowering) slice(n *node, from, to int) {
	in, order := l.selectable(n.in[0]).channels()
	l.value(n).code = in.code
	l.value(n).choose(in, order[from:to])
}

// shuffle makes the value of n its input's channels in another order.
func (l *lowering) shuffle(n *node, groups int) {
	in, order := l.selectable(n.in[0]).channels()
	perGroup := len(order) / groups
	shuffled := make([]int, len(order))
	for i := range shuffled {
		shuffled[i] = order[i%groups*perGroup+i/groups]
	}
	l.value(n).code = in.code
	l.value(n).choose(in, shuffled)
}

// grow makes the value of a concatenation a selection, where some parts are
// selections or slices of one value: the other parts become further channels of
// its storage. It reports whether it can.
func (l *lowering) grow(n *node) bool {
	var root *value
	for _, in := range n.in {
		if v := l.value(in); v.in != nil {
			r, _ := v.storage()
			if root != nil && r != root {
				return false
			}
			root = r
		}
	}
	if root == nil || root == l.input || !sameCode(root, l.parts(n)) {
		return false
	}
	for i, in := range n.in {
		if v := l.value(in); v.in == nil && (v == root || v == l.input || slices.Contains(n.in[:i], in)) {
			return false
		}
	}
	if !root.grown {
		all := &value{shape: root.shape, c: root.c, grown: true, code: root.code}
		root.in, root = all, all
	}
	var order []int
	for _, in := range n.in {
		v := l.value(in)
		if v.in == nil {
			v.in, v.at = root, root.c
			root.c += v.c
		}
		base, part := v.channels()
		first := 0
		if base != root {
			_, first = base.storage()
		}
		for _, c := range part {
			order = append(order, first+c)
		}
	}
	l.value(n).code = root.code
	l.value(n).choose(root, order)
	return true
}

// gatherLayer copies a selection of channels.
type gatherLayer struct {
	noWeights
	x, y *value
}

func (l *gatherLayer) args() (r, w []*value) { return present(l.x), present(l.y) }

func (l *gatherLayer) plan(b *builder) {
	p := &gather{y: b.view(l.y), x: b.view(l.x), order: l.x.order}
	p.spans = b.spans(p.y)
	b.addSpans("gather", "gather", p, len(p.spans), p.y, p.x)
}
