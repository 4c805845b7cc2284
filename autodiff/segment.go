package autodiff

import (
	"slices"

	"github.com/mixnet-go/mixnet/internal/par"
	"github.com/mixnet-go/mixnet/tensor"
)

// task is what is done for a node in a pass: its operator, or making its view
// solid.
type task[T tensor.Float] struct {
	*node[T]
	solidify bool
}

// segment is a run of tasks between two batch norms. They are done for a few
// images before the next few, so that what one writes is still in cache when
// the next one reads it. A batch norm ends a segment because it needs all
// images.
type segment[T tensor.Float] struct {
	tasks   []task[T]
	chunk   int // images at a time
	weights int // values of the gradients of all weights, for one worker
}

// chunkElems is how much of the largest tensor of a segment is computed at a
// time.
const chunkElems = 256 << 10

// ownSegment is the size from which the weights of a fully connected layer are
// better read once for all images than once a chunk.
const ownSegment = 128 << 10

// segments cuts tasks, in the order they are done in, before those for which
// begins is true.
func segments[T tensor.Float](tasks []task[T], begins func(t task[T], current []task[T]) bool) []segment[T] {
	var all []segment[T]
	start := 0
	for i, t := range tasks {
		current := tasks[start:i]
		if i > start && (t.alone() || current[0].alone() || begins(t, current)) {
			all = append(all, segment[T]{tasks: current})
			start = i
		}
	}
	if start < len(tasks) {
		all = append(all, segment[T]{tasks: tasks[start:]})
	}
	for i := range all {
		all[i].settle()
	}
	return all
}

// settle sets the size of chunks.
func (s *segment[T]) settle() {
	largest := 1
	for _, t := range s.tasks {
		largest = max(largest, t.perImage())
		for _, in := range t.in {
			largest = max(largest, in.perImage())
		}
	}
	s.chunk = max(chunkElems/largest, 1)
	if len(s.tasks) == 1 {
		s.chunk = s.tasks[0].shape.N
	}
}

// cut makes the segments of both passes.
func (n *Net[T]) cut() {
	var tasks []task[T]
	for _, v := range n.nodes {
		if v != nil && v.op != nil {
			tasks = append(tasks, task[T]{node: v})
		}
		if v != nil && v.solid() {
			tasks = append(tasks, task[T]{v, true})
		}
	}
	n.ahead = segments(tasks, func(t task[T], current []task[T]) bool {
		// A view can be read when its batch norm is finished.
		waits := func(in *node[T]) bool {
			return in.norm != nil && slices.ContainsFunc(current, func(c task[T]) bool { return c.node == in.norm.node })
		}
		return t.solidify && waits(t.node) || slices.ContainsFunc(t.in, waits)
	})
	if n.opts.ForwardOnly {
		return
	}
	tasks = slices.Clone(tasks)
	slices.Reverse(tasks)
	tasks = slices.DeleteFunc(tasks, func(t task[T]) bool { return !t.needsGrad || t.solidify && t.isNorm() })
	n.back = segments(tasks, func(t task[T], current []task[T]) bool {
		return t.isNorm() && slices.ContainsFunc(current, func(c task[T]) bool { return c.reaches(t.node) })
	})
	for i := range n.back {
		s := &n.back[i]
		for _, t := range s.tasks {
			if k, ok := t.op.(*conv[T]); ok && !t.solidify {
				k.sumsAt = s.weights
				s.weights += k.weights() + t.shape.C
			}
		}
	}
}

// alone reports whether v is best computed for all images at once.
func (v *node[T]) alone() bool {
	k, ok := v.op.(*conv[T])
	return ok && v.pixels() == 1 && k.weights() >= ownSegment
}

// reaches reports whether the backward pass of v completes a contribution to
// the gradient of the batch norm b.
func (v *node[T]) reaches(b *node[T]) bool {
	for _, e := range v.up {
		for ; e != nil; e = e.to.up[0] {
			if e.to == b {
				return true
			}
			if e.to.holds() {
				break
			}
		}
	}
	return false
}

// forward does a task of the forward pass for images [from, to).
func (t task[T]) forward(n *Net[T], w *worker[T], from, to int) {
	if !t.solidify {
		t.op.forward(n, t.node, w, from, to)
		return
	}
	t.eachTile(from, to, func(p0, p1 int) {
		t.compute(n, w, tile[T]{p0: p0, p1: p1, c1: t.shape.C}.in(t.out.data, t.shape.C))
	})
}

// backward does a task of the backward pass for images [from, to).
func (t task[T]) backward(n *Net[T], w *worker[T], from, to int) {
	if !t.solidify {
		t.op.backward(n, t.node, w, from, to)
		return
	}
	t.eachTile(from, to, func(p0, p1 int) {
		g := tile[T]{data: w.scratch, stride: t.shape.C, p0: p0, p1: p1, c1: t.shape.C}
		t.loadGradient(n, w, g)
		n.pullBack(t.node, w, g)
	})
}

// runAhead computes a segment of the forward pass.
func (n *Net[T]) runAhead(s *segment[T]) {
	n.parts(func(w *worker[T], from, to int) {
		for ; from < to; from += s.chunk {
			for _, t := range s.tasks {
				t.forward(n, w, from, min(from+s.chunk, to))
			}
		}
	})
	for _, t := range s.tasks {
		if !t.solidify {
			t.op.finish(n, t.node)
		}
	}
}

// runBack computes a segment of the backward pass.
func (n *Net[T]) runBack(s *segment[T]) {
	for _, t := range s.tasks {
		if !t.solidify {
			t.op.beginBack(n, t.node)
		}
	}
	parts := n.parts(func(w *worker[T], from, to int) {
		clear(w.weights[:s.weights])
		for ; from < to; from += s.chunk {
			for _, t := range s.tasks {
				t.backward(n, w, from, min(from+s.chunk, to))
			}
		}
	})
	for _, t := range s.tasks {
		if !t.solidify {
			t.op.finishBack(n, t.node, parts)
		}
	}
}

// each calls f for all nodes with an operator, several at once.
func (n *Net[T]) each(f func(v *node[T])) {
	n.mem.pool.Run(len(n.nodes), func(i int) {
		if v := n.nodes[i]; v != nil && v.op != nil {
			f(v)
		}
	})
}

// parts calls f for every worker with its images, always the same ones, and
// returns the number of workers.
func (n *Net[T]) parts(f func(w *worker[T], from, to int)) int {
	parts := min(len(n.workers), n.batch)
	n.mem.pool.Run(parts, func(part int) {
		from, to := par.Split(n.batch, parts, part)
		f(&n.workers[part], from, to)
	})
	return parts
}

// eachTile calls f for consecutive ranges of pixels of images [from, to).
func (v *node[T]) eachTile(from, to int, f func(p0, p1 int)) {
	size := v.tilePixels()
	end := to * v.pixels()
	for p := from * v.pixels(); p < end; p += size {
		f(p, min(p+size, end))
	}
}
