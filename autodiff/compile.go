package autodiff

import (
	"cmp"
	"fmt"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/tensor"
)

// compile turns the nodes that the heads depend on into stored nodes and
// views, and settles which of them need gradients.
func (n *Net[T]) compile(shapes []tensor.Shape, heads []graph.ID) error {
	n.workers = make([]worker[T], n.mem.pool.Threads())
	used := n.g.Reachable(heads...)
	used[0] = true
	for i, gn := range n.g.Nodes {
		if !used[i] {
			continue
		}
		v := &node[T]{id: graph.ID(i), name: gn.Name, shape: shapes[i]}
		for _, in := range gn.Inputs {
			v.in = append(v.in, n.nodes[in])
		}
		if err := n.compileOp(v, gn.Op); err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
		v.needsGrad = n.trains(gn.Op) || i == 0 && n.opts.InputGrad
		for _, in := range v.in {
			v.needsGrad = v.needsGrad || in.needsGrad
		}
		v.needsGrad = v.needsGrad && !n.opts.ForwardOnly
		n.nodes[i] = v
	}
	for _, id := range heads {
		v := n.nodes[id]
		v.store()
		n.outputs = append(n.outputs, &edge[T]{to: v})
	}
	n.connect()
	for _, v := range n.nodes {
		if v != nil {
			v.redo = v.redone(cmp.Or(n.opts.redoFrom, redoElems))
		}
	}
	return nil
}

// trains reports whether any parameter of op gets a gradient.
func (n *Net[T]) trains(op graph.Op) bool {
	for _, p := range op.Params() {
		if n.g.Params[p].Trainable() && !n.frozen(p) {
			return true
		}
	}
	return false
}

func (n *Net[T]) frozen(p graph.ParamID) bool {
	return p == graph.NoParam || n.opts.Frozen != nil && n.opts.Frozen(p)
}

// gradient returns where the gradient of p goes, nil if it gets none.
func (n *Net[T]) gradient(p graph.ParamID) []T {
	if n.frozen(p) {
		return nil
	}
	return n.grads[p]
}

func (n *Net[T]) compileOp(v *node[T], op graph.Op) error {
	switch op := op.(type) {
	case *graph.BatchNorm:
		x := v.in[0]
		x.store()
		v.base = x
		v.norm = newNorm(n, v, op)
		v.op = v.norm
		n.norms = append(n.norms, v.norm)
		if !v.norm.fixed {
			n.countIn(x, v.norm)
		}
		return nil
	case *graph.Activate:
		if v.in[0].act != kernel.Identity || v.in[0].gate != nil {
			v.in[0].store()
		}
		v.view()
		v.act = kernel.Act(op.Func)
		return nil
	case *graph.Scale:
		v.in[1].store()
		g := &excite[T]{factors: v.in[1], sums: make([]T, v.shape.N*v.shape.C)}
		v.gated(g)
		v.op = g
		return nil
	case *graph.DropPath:
		v.gated(&dropPath[T]{rate: op.Rate})
		return nil
	case *graph.Dropout:
		v.gated(&dropout[T]{rate: op.Rate})
		return nil
	}
	v.store()
	switch op := op.(type) {
	case *graph.Input:
	case *graph.Conv:
		v.op = newConv(n, v, op)
	case *graph.Linear:
		v.op = newConv(n, v, linear(op))
	case *graph.MixConv:
		v.op = newMixConv(n, v, op)
	case *graph.GlobalPool:
		v.op = globalPool[T]{}
	case *graph.Add:
		v.op = add[T]{}
	case *graph.Concat:
		v.op = concat[T]{}
	case *graph.Slice:
		v.op = slice[T]{op: op}
	case *graph.Shuffle:
		v.op = shuffle[T]{groups: op.Groups}
	case *graph.Shift:
		v.op = shift[T]{op: op}
	case *graph.Pool:
		v.op = pool[T]{op: op}
	default:
		return fmt.Errorf("operator %s cannot be trained", op.Kind())
	}
	return nil
}

// store gives the node a tensor.
func (v *node[T]) store() {
	if v.out == nil {
		v.out = &buffer[T]{size: v.shape.Len()}
	}
}

// view makes v a view through its first input, which is a view itself or
// stored.
func (v *node[T]) view() {
	x := v.in[0]
	if x.stored() {
		v.base = x
		return
	}
	v.base, v.norm, v.act = x.base, x.norm, x.act
}

// gated makes v a view whose last stage is g.
func (v *node[T]) gated(g gate[T]) {
	if v.in[0].gate != nil {
		v.in[0].store()
	}
	v.view()
	v.gate = g
}

// countIn lets the producer of x count the moments for a batch norm while it
// has its output in cache.
func (n *Net[T]) countIn(x *node[T], b *norm[T]) {
	switch op := x.op.(type) {
	case *conv[T]:
		if op.count == nil {
			op.count, b.counted = b, true
		}
	case *mixConv[T]:
		if op.count == nil {
			op.count, b.counted = b, true
		}
	}
}

// connect makes the edges that gradients travel along.
func (n *Net[T]) connect() {
	consumers := make(map[*node[T]]int)
	for _, v := range n.nodes {
		if v == nil {
			continue
		}
		for _, in := range v.in {
			consumers[in]++
		}
	}
	for _, e := range n.outputs {
		consumers[e.to]++
		if e.to.needsGrad {
			e.to.want++
		}
	}
	for _, v := range n.nodes {
		if v == nil || !v.needsGrad {
			continue
		}
		v.up = make([]*edge[T], len(v.in))
		if v.isNorm() && v.base.needsGrad && consumers[v.base] == 1 && v.base.pullsTiles() {
			v.base.lazy = v.norm
			continue
		}
		for i, in := range v.in {
			if in.needsGrad {
				v.up[i] = &edge[T]{to: in}
				in.want++
			}
		}
	}
}

// Limits of tensors that are computed again where they are read. The cost of
// that grows with the inputs of an output; from redoElems on, memory is what
// it is compared with.
const (
	redoInputs = 24
	redoElems  = 600 << 10
)

// redone returns the operator of v if its output is better computed again
// than kept: cheap, of at least from elements, and read through a batch norm
// alone.
func (v *node[T]) redone(from int) *conv[T] {
	k, ok := v.op.(*conv[T])
	if !ok || v.lazy == nil || !k.direct || v.perImage() < from {
		return nil
	}
	if in := v.in[0]; !in.stored() && in.base.redo != nil {
		return nil
	}
	for _, g := range k.groups {
		if g.In > redoInputs {
			return nil
		}
	}
	return k
}

// pullsTiles reports whether the operator of v takes the gradient of its
// output tile by tile, wherever it comes from.
func (v *node[T]) pullsTiles() bool {
	switch v.op.(type) {
	case *conv[T], *mixConv[T]:
		return true
	}
	return false
}
