package autodiff

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/mixnet-go/mixnet/tensor"
)

// buffer is a tensor in the arena. It may be shared with others that are not
// needed at the same time.
type buffer[T tensor.Float] struct {
	size        int
	first, last int // moments of the first and last use; 0 before any
	owners      int // nodes whose gradient it holds, while planning
	at          int // offset in the arena
	data        []T
}

// planner goes through the moments of a step in order and notes which buffers
// are used when.
type planner[T tensor.Float] struct {
	now     int
	buffers []*buffer[T]
}

// plan settles where every tensor lives.
func (n *Net[T]) plan() error {
	n.cut()
	p := &planner[T]{}
	for _, s := range n.ahead {
		p.now++
		for _, t := range s.tasks {
			p.forward(t)
		}
	}
	for _, e := range n.outputs {
		p.now++
		if e.to.needsGrad {
			p.contribute(e, nil)
		}
	}
	for _, s := range n.back {
		p.now++
		for _, t := range s.tasks {
			p.backward(t)
		}
	}
	p.now++
	for _, e := range n.outputs {
		p.use(e.to.out)
	}
	if v := n.nodes[0]; v.grad != nil {
		p.use(v.grad)
	}
	p.drop(n.nodes[0].out)
	n.findDirect()
	n.arena, n.buffers = p.place(), p.buffers
	n.planScratch()
	if err := n.mem.reserve(sizeOf[T](n.elems())); err != nil {
		return fmt.Errorf("batches of %v: %w: make them or the images smaller, or accumulate", n.in, err)
	}
	return nil
}

// findDirect finds the contributions whose tiles can be computed where they
// are kept: those that nothing is added to on the way.
func (n *Net[T]) findDirect() {
	// Outputs that depend on no parameter pull nothing back.
	edges := slices.DeleteFunc(slices.Clone(n.outputs), func(e *edge[T]) bool { return !e.to.needsGrad })
	for _, v := range n.nodes {
		if v != nil {
			edges = append(edges, v.up...)
		}
	}
	for _, e := range edges {
		for u := e; u != nil && u.in == nil && !u.alias; u = u.to.up[0] {
			if u.out != nil {
				e.direct = u.out
				break
			}
		}
	}
}

// planScratch settles how much private memory a worker needs.
func (n *Net[T]) planScratch() {
	size, channels, weights := 0, 0, 0
	inputs, outputs := 0, 0 // channels of what is computed again
	product := 0
	gated := false
	for _, v := range n.nodes {
		if v == nil {
			continue
		}
		size = max(size, local[T]{}.scratch(n, v))
		channels = max(channels, v.shape.C)
		if v.op != nil {
			size = max(size, v.op.scratch(n, v))
		}
		if k, ok := v.op.(*conv[T]); ok {
			for i := range k.groups {
				product = max(product, k.groups[i].product.scratch())
			}
		}
		gated = gated || v.gate != nil
		if v.redo != nil {
			inputs, outputs = max(inputs, v.in[0].shape.C), max(outputs, v.shape.C)
		}
	}
	for _, s := range n.back {
		weights = max(weights, s.weights)
	}
	n.private = private{
		scratch: size, product: product, sums: 2 * channels, weights: weights,
		input: againRows * inputs, output: againRows * outputs, raw: againRows * outputs,
	}
	if gated && !n.opts.ForwardOnly {
		n.private.view = max(tileElems, channels)
	}
}

// use notes that b is in use now.
func (p *planner[T]) use(b *buffer[T]) {
	if b.last == 0 {
		b.first = p.now
		p.buffers = append(p.buffers, b)
	}
	b.last = p.now
}

// drop takes a buffer out that lives elsewhere.
func (p *planner[T]) drop(b *buffer[T]) {
	p.buffers = slices.DeleteFunc(p.buffers, func(o *buffer[T]) bool { return o == b })
}

// read notes that the value of v is read now.
func (p *planner[T]) read(v *node[T]) {
	if v.stored() {
		p.raw(v)
		return
	}
	p.compute(v)
}

// compute notes that the view v is computed now.
func (p *planner[T]) compute(v *node[T]) {
	p.raw(v.base)
	if g, ok := v.gate.(*excite[T]); ok {
		p.use(g.factors.out)
	}
}

// raw notes that the tensor of v is read now.
func (p *planner[T]) raw(v *node[T]) {
	if v.redo != nil {
		p.read(v.in[0])
		return
	}
	p.use(v.out)
}

// forward plans a task of the forward pass.
func (p *planner[T]) forward(t task[T]) {
	if t.solidify {
		p.compute(t.node)
		p.use(t.out)
		return
	}
	for _, in := range t.in {
		p.read(in)
	}
	if t.stored() && !t.solid() && t.redo == nil {
		p.use(t.out)
	}
}

// backward plans a task of the backward pass.
func (p *planner[T]) backward(t task[T]) {
	v, g := t.node, t.grad
	if t.solidify {
		p.use(g)
		p.passOn(v, p.inherit(g))
		g.owners--
		return
	}
	if v.lazy != nil {
		p.raw(v)
		g = v.lazy.node.grad
	}
	if g != nil {
		p.use(g)
	}
	if v.op.rereads() {
		for _, in := range v.in {
			p.read(in)
		}
	}
	switch v.op.(type) {
	case add[T]:
		p.share(v)
	case *norm[T]:
		p.raw(v.base)
		if e := v.up[0]; e != nil {
			p.contribute(e, p.inherit(g))
		}
	case *excite[T]:
		if e := v.up[1]; e != nil {
			p.contribute(e, nil)
		}
		return
	default:
		p.contributeAll(v.up)
	}
	if lends := v.isNorm() && v.base.lazy == v.norm; !lends {
		g.owners--
	}
}

func (p *planner[T]) contributeAll(edges []*edge[T]) {
	for _, e := range edges {
		if e != nil {
			p.contribute(e, nil)
		}
	}
}

// inherit returns b if its last owner is passing it on, tile by tile, so that
// the result may take its place.
func (p *planner[T]) inherit(b *buffer[T]) *buffer[T] {
	if b != nil && b.owners == 1 {
		return b
	}
	return nil
}

// contribute plans what Net.contribute does. carry is a buffer of the right
// size whose tiles are read for the last time just before each contribution.
func (p *planner[T]) contribute(e *edge[T], carry *buffer[T]) {
	v := e.to
	v.got++
	e.first, e.last = v.got == 1, v.got == v.want
	if !e.first {
		e.in = v.grad
		p.use(e.in)
		if own := p.inherit(e.in); own != nil {
			carry = own
		}
		e.in.owners--
		v.grad = nil
	}
	if !e.last || v.holds() {
		if carry == nil {
			carry = &buffer[T]{size: v.shape.Len()}
		}
		e.out, v.grad = carry, carry
		carry.owners++
		p.use(carry)
		if v.isNorm() {
			p.raw(v.base)
		}
		return
	}
	p.passOn(v, carry)
}

// passOn plans Net.pullBack.
func (p *planner[T]) passOn(v *node[T], carry *buffer[T]) {
	if v.up[0] == nil {
		return
	}
	p.compute(v)
	if v.gate != nil {
		p.read(v.in[0])
	}
	p.contribute(v.up[0], carry)
}

// share plans the backward pass of an addition: the inputs take over the
// buffer of the sum's gradient where they can.
func (p *planner[T]) share(v *node[T]) {
	for _, e := range v.up {
		if e == nil {
			continue
		}
		u := e.to
		if u.got > 0 || u.want == 1 && !u.holds() {
			p.contribute(e, nil)
			continue
		}
		u.got++
		e.first, e.last, e.alias = true, u.want == 1, true
		u.grad = v.grad
		u.grad.owners++
		if u.isNorm() {
			p.raw(u.base)
		}
	}
}

// place finds offsets for all buffers, so that those in use at the same time
// do not overlap, and returns the size needed: largest first, each at the
// lowest offset that is free throughout.
func (p *planner[T]) place() int {
	slices.SortStableFunc(p.buffers, func(a, b *buffer[T]) int { return cmp.Compare(b.size, a.size) })
	total := 0
	var taken []*buffer[T]
	for i, b := range p.buffers {
		taken = taken[:0]
		for _, o := range p.buffers[:i] {
			if o.first <= b.last && b.first <= o.last {
				taken = append(taken, o)
			}
		}
		slices.SortFunc(taken, func(a, b *buffer[T]) int { return cmp.Compare(a.at, b.at) })
		for _, o := range taken {
			if b.at+b.size <= o.at {
				break
			}
			b.at = max(b.at, aligned(o.at+o.size))
		}
		total = max(total, b.at+b.size)
	}
	return aligned(total)
}
