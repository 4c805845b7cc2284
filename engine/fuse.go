package engine

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
)

// fusion is what a layer does to its sums on their way to memory: affine, then
// add, then act.
type fusion struct {
	affine *affine
	add    *node
	act    kernel.Act
}

// The operators that a fusion takes besides activations.
const (
	takeAffine = 1 << iota
	takeAdd
)

// follow extends f by the operators after n, as long as each is the only user
// of the one before, and returns the last of them.
func (f *fusion) follow(n *node, take int) (end *node) {
	for end = n; !end.keep && len(end.users) == 1; end = end.users[0] {
		u := end.users[0]
		switch op := u.op.(type) {
		case *affine:
			if take&takeAffine == 0 || f.act != kernel.Identity || f.add != nil {
				return end
			}
			f.affine = compose(f.affine, op)
		case *graph.Activate:
			if f.act != kernel.Identity {
				return end
			}
			f.act = kernel.Act(op.Func)
		case *graph.Add:
			other := u.in[0]
			if other == end {
				other = u.in[1]
			}
			if take&takeAdd == 0 || f.add != nil || f.act != kernel.Identity || other.index > end.index {
				return end
			}
			f.add = other
		default:
			return end
		}
		u.fused = true
	}
	return end
}

// compose returns the operator that applies first and then second.
func compose(first, second *affine) *affine {
	if first == nil {
		return second
	}
	a := &affine{scale: make([]float32, len(first.scale)), shift: make([]float32, len(first.shift))}
	for c, s := range second.scale {
		a.scale[c] = first.scale[c] * s
		a.shift[c] = first.shift[c]*s + second.shift[c]
	}
	return a
}

// scalesInput reports whether a Scale can be left to the 1×1 convolution that
// follows. That may scale its input in place, so nothing may read the input
// later or share its memory.
func scalesInput(n *node) bool {
	x := n.in[0]
	if n.keep || n.code != nil || len(n.users) != 1 || x.keep {
		return false
	}
	if op, ok := n.users[0].op.(*graph.Conv); !ok || !isPointwise(op) {
		return false
	}
	switch x.op.(type) {
	case *graph.Input, *graph.Slice, *graph.Concat, *graph.Shuffle:
		return false
	}
	for _, u := range x.users {
		if _, ok := u.op.(*graph.GlobalPool); u != n && (!ok || u.index > n.index) {
			return false
		}
	}
	return true
}

func isPointwise(op *graph.Conv) bool { return op.Kernel == 1 && op.Stride == 1 }
