package autodiff

import (
	"errors"
	"unsafe"

	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/pages"
	"github.com/mixnet-go/mixnet/internal/par"
	"github.com/mixnet-go/mixnet/tensor"
)

// Memory is what nets that take turns share: the memory for their activations,
// gradients of activations and packed weights, as much as the most demanding of
// them needs, and the threads that run them. The nets may be of different graphs, sizes and
// element types. A pass of one ends a step of the others, and outputs are valid
// until the next pass of any. No two may run at once.
type Memory struct {
	pool *par.Pool
	data []float64
	user tenant // the net whose tensors data holds
}

// tenant is a net of any element type.
type tenant interface{ unbind() }

// errThreads is New's answer to Options that name threads and a memory with
// others.
var errThreads = errors.New("autodiff: Threads differs from the threads of Memory: leave it 0")

// NewMemory returns memory to share, for nets that run on threads goroutines; 0
// means GOMAXPROCS.
func NewMemory(threads int) *Memory { return &Memory{pool: par.New(threads)} }

// Pool returns the threads, for what else belongs to a step.
func (m *Memory) Pool() *par.Pool { return m.pool }

// Bytes returns the size of the memory.
func (m *Memory) Bytes() int64 { return int64(len(m.data)) * 8 }

// Close ends the threads; passes after it run on the calling goroutine alone,
// with the same results. Memory that nobody refers to needs no Close.
func (m *Memory) Close() { m.pool.Close() }

// reserve makes the memory hold at least the given bytes. Tensors of the net
// that ran last stay as they are.
func (m *Memory) reserve(bytes int) error {
	words := (bytes + 7) / 8
	if words <= len(m.data) {
		return nil
	}
	if err := pages.Check(float64(bytes)); err != nil {
		return err
	}
	m.data = pages.Make[float64](words)
	return nil
}

// elems returns the first n elements.
func elems[T tensor.Float](m *Memory, n int) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(m.data))), n)
}

// sizeOf returns the bytes of n elements.
func sizeOf[T tensor.Float](n int) int {
	var t T
	return n * int(unsafe.Sizeof(t))
}

// packed is memory for weights as the kernels take them, which every pass packs
// anew.
type packed[T tensor.Float] struct {
	size int
	move func(mem []T) // lets them lie in mem
}

// pack reserves memory for size elements of packed weights.
func (n *Net[T]) pack(size int, move func(mem []T)) {
	n.packed = append(n.packed, packed[T]{size, move})
	n.weights += aligned(size)
}

// packMatrix reserves memory for the values of m.
func (n *Net[T]) packMatrix(m *kernel.MatrixOf[T]) { n.pack(kernel.MatrixLen(m.N, m.K), m.Move) }

// packFilter reserves memory for the values of f.
func (n *Net[T]) packFilter(f *kernel.DWFilterOf[T]) {
	n.pack(kernel.DWFilterLen(f.Kernel, f.Channels), f.Move)
}

// elems returns how many elements n needs in all.
func (n *Net[T]) elems() int { return n.arena + len(n.workers)*n.private.total() + n.weights }

// bind puts the tensors of n into the shared memory, ending what another net
// had there.
func (n *Net[T]) bind() {
	if n.mem.user == tenant(n) && unsafe.SliceData(n.data) == unsafe.SliceData(elems[T](n.mem, n.elems())) {
		return
	}
	if n.mem.user != nil {
		n.mem.user.unbind()
	}
	n.mem.user = n
	n.data = elems[T](n.mem, n.elems())
	for _, b := range n.buffers {
		b.data = n.data[b.at:][:b.size:b.size]
	}
	at := n.arena
	for i := range n.workers {
		n.workers[i] = newWorker(i, n.data[at:], &n.private)
		at += n.private.total()
	}
	for _, p := range n.packed {
		p.move(n.data[at:][:p.size:p.size])
		at += aligned(p.size)
	}
}

// unbind lets go of the memory.
func (n *Net[T]) unbind() {
	n.ready, n.data = false, nil
	for _, b := range n.buffers {
		b.data = nil
	}
	for i := range n.workers {
		n.workers[i] = worker[T]{part: i}
	}
}

// private is how many elements a worker has to itself, for each use.
type private struct{ scratch, product, view, input, output, raw, sums, weights int }

// total returns the elements of one worker, in whole pages.
func (p *private) total() int {
	const page = 1024
	n := aligned(p.scratch) + aligned(p.product) + aligned(p.view) + aligned(p.input) + aligned(p.output) + aligned(p.raw) + aligned(p.sums) + aligned(p.weights)
	return (n + page - 1) / page * page
}

// aligned rounds a number of elements up, so that what follows them begins a
// cache line.
func aligned(n int) int {
	const line = 16
	return (n + line - 1) / line * line
}

// newWorker returns a worker with its memory taken from the beginning of data.
func newWorker[T tensor.Float](part int, data []T, p *private) worker[T] {
	take := func(n int) []T {
		piece := data[:n:n]
		data = data[aligned(n):]
		return piece
	}
	return worker[T]{
		part:    part,
		scratch: take(p.scratch), product: take(p.product), view: take(p.view),
		input: take(p.input), output: take(p.output), raw: take(p.raw),
		sums: take(p.sums), weights: take(p.weights),
	}
}
