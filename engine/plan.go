package engine

import (
	"slices"
	"unsafe"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel/bf16"
	"github.com/mixnet-go/mixnet/internal/kernel/q8"
	"github.com/mixnet-go/mixnet/tensor"
)

// plan is a network for one shape of input: steps, and where in an arena
// their operands lie. It does not change once built.
type plan struct {
	in      tensor.Shape
	threads int // that the steps are cut for
	steps   []step
	arena   int // bytes
	scratch int // elements each worker needs besides
	results map[graph.ID]planned
}

// planned is where a result is found, and after how many steps.
type planned struct {
	view  view
	after int
}

// len returns the number of elements for one image.
func (p planned) len() int { return p.view.pixels() * p.view.c }

// step is a part of a plan that runs after the one before it has ended.
type step struct {
	name, kind string
	layer      int
	parts      int
	macs       int64
	bytes      int64 // moved between memory and the processor if nothing is cached
	work       work
}

// work does the parts of a step, in any order and at the same time.
type work interface {
	run(s *state, worker, part int)
}

// block is a stretch of the arena that lives from layer first to layer last.
// The input of the network is a block outside the arena.
type block struct {
	size        int // bytes
	elem        int // bytes of an element: 4, 2 of bfloat16, or 1 of codes
	stride      int // elements between pixels
	first, last int
	offset      int // bytes
	outside     bool
	byRows      bool // each thread has written a range of rows, rather than of channels
}

// view is where a batch of feature maps lies.
type view struct {
	block   *block
	at      int // element in the block of the first pixel's first channel
	stride  int // elements between pixels
	h, w, c int
}

func (v view) pixels() int { return v.h * v.w }

// bytes returns the size of what the view of a number of images shows.
func (v view) bytes(images int) int64 {
	return int64(v.block.elem) * int64(images) * int64(v.h*v.w*v.c)
}

// from returns the memory of v from a pixel of image n on.
func (s *state) from(v view, n, pixel int) []float32 {
	at := v.at + (n*v.h*v.w+pixel)*v.stride
	if v.block.outside {
		return s.x.floats[at:]
	}
	return floats(s.arena[v.block.offset : v.block.offset+v.block.size])[at:]
}

// codes returns the memory of v, which holds codes, from a pixel of image n on.
func (s *state) codes(v view, n, pixel int) []uint8 {
	return s.arena[v.block.offset : v.block.offset+v.block.size][v.at+(n*v.h*v.w+pixel)*v.stride:]
}

// halves is codes for bfloat16.
func (s *state) halves(v view, n, pixel int) []uint16 {
	return halvesOf(s.arena[v.block.offset : v.block.offset+v.block.size])[v.at+(n*v.h*v.w+pixel)*v.stride:]
}

// floatBytes and halfBytes are sizes of elements.
const (
	floatBytes = 4
	halfBytes  = 2
)

// halvesOf returns the elements of bfloat16 that lie in b, which begins with one.
func halvesOf(b []byte) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/halfBytes)
}

// floats returns the elements that lie in b, which begins with one.
func floats(b []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/floatBytes)
}

// builder makes a plan.
type builder struct {
	net     *network
	threads int
	images  int
	shapes  []tensor.Shape
	blocks  map[*value]*block
	all     []*block
	layer   int
	plan    *plan
}

func (n *network) plan(g *graph.Graph, in tensor.Shape, threads int) (*plan, error) {
	shapes, err := g.Shapes(in)
	if err != nil {
		return nil, err
	}
	b := &builder{net: n, threads: threads, images: in.N, shapes: shapes, blocks: map[*value]*block{}}
	b.plan = &plan{in: in, threads: threads, results: map[graph.ID]planned{}}
	b.live()
	for i, l := range n.layers {
		b.layer = i
		l.plan(b)
	}
	for id, r := range n.ready {
		steps, _ := slices.BinarySearchFunc(b.plan.steps, r.after, func(s step, after int) int {
			if s.layer <= after {
				return -1
			}
			return 1
		})
		b.plan.results[id] = planned{b.view(r.value), steps}
	}
	b.plan.arena = place(b.all)
	if threads > 1 {
		b.plan.arena = placeCentered(b.all, b.plan.arena)
	}
	return b.plan, nil
}

// live makes the block of every value that has storage of its own.
func (b *builder) live() {
	for i, l := range b.net.layers {
		reads, writes := l.args()
		for _, v := range slices.Concat(reads, writes) {
			b.touch(v, i)
		}
	}
	for _, r := range b.net.ready {
		b.touch(r.value, max(r.after, 0))
	}
}

func (b *builder) touch(v *value, layer int) {
	root, _ := v.storage()
	blk := b.blocks[root]
	if blk == nil {
		s := b.shapes[root.shape]
		blk = &block{stride: root.c, elem: floatBytes, first: layer, last: layer, outside: root == b.net.input}
		slack := 0
		if root.code != nil {
			blk.elem, slack = 1, q8.Slack
		}
		if root.half {
			blk.elem, slack = halfBytes, halfBytes*bf16.Slack
		}
		if !blk.outside && s.H*s.W > 1 && blk.elem*root.c%setBytes == 0 {
			blk.stride += lineBytes / blk.elem
		}
		blk.size = blk.elem*b.images*s.H*s.W*blk.stride + slack
		b.blocks[root] = blk
		if !blk.outside {
			b.all = append(b.all, blk)
		}
	}
	blk.first, blk.last = min(blk.first, layer), max(blk.last, layer)
}

// view returns where v lies.
func (b *builder) view(v *value) view {
	root, at := v.storage()
	s := b.shapes[v.shape]
	return view{block: b.blocks[root], at: at, stride: b.blocks[root].stride, h: s.H, w: s.W, c: v.c}
}

// temporary returns a view of n vectors of c elements that only the current
// layer uses.
func (b *builder) temporary(n, c int) view {
	blk := &block{size: floatBytes * n * c, elem: floatBytes, first: b.layer, last: b.layer}
	b.all = append(b.all, blk)
	return view{block: blk, stride: c, h: 1, w: 1, c: c}
}

// scratch makes sure that every worker has n elements of its own.
func (b *builder) scratch(n int) { b.plan.scratch = max(b.plan.scratch, n) }

// add appends a step of the current layer.
func (b *builder) add(s step) {
	s.layer = b.layer
	b.plan.steps = append(b.plan.steps, s)
}

const (
	// lineBytes is the unit of placement: a cache line, which has lineFloats
	// elements.
	lineBytes  = 64
	lineFloats = lineBytes / floatBytes
	// setBytes is the least distance of pixels that is avoided: at multiples of it
	// the same channels of many pixels compete for few sets of a cache.
	setBytes = 512
)

// place gives every block an offset such that blocks alive at the same time do
// not overlap, and returns the size of the arena. Large blocks choose first,
// each the smallest gap that fits.
func place(blocks []*block) int {
	order := slices.Clone(blocks)
	slices.SortStableFunc(order, func(a, b *block) int { return b.size - a.size })
	var placed []*block // by offset
	arena := 0
	for _, b := range order {
		size := roundUp(b.size, lineBytes)
		best, bestGap, end := -1, 0, 0
		for _, p := range placed {
			if p.last < b.first || p.first > b.last {
				continue
			}
			if gap := p.offset - end; gap >= size && (best < 0 || gap < bestGap) {
				best, bestGap = end, gap
			}
			end = max(end, p.offset+roundUp(p.size, lineBytes))
		}
		if best < 0 {
			best = end
		}
		b.offset = best
		arena = max(arena, best+size)
		at, _ := slices.BinarySearchFunc(placed, b, func(p, b *block) int { return p.offset - b.offset })
		placed = slices.Insert(placed, at, b)
	}
	return arena
}

// placeCentered changes the offsets such that blocks at the same place have the
// same middle, unless that takes much more than the size that place needed,
// and returns the size of the arena. A thread that has the first or last rows
// of one block then finds in its own cache the lines in which to write those
// of the next.
func placeCentered(blocks []*block, size int) int {
	type slot struct {
		size   int
		blocks []*block
	}
	order := slices.Clone(blocks)
	slices.SortStableFunc(order, func(a, b *block) int { return b.size - a.size })
	var slots []*slot
	total := 0
	for _, b := range order {
		free := func(s *slot) bool {
			return !slices.ContainsFunc(s.blocks, func(o *block) bool { return o.first <= b.last && b.first <= o.last })
		}
		i := slices.IndexFunc(slots, free)
		if i < 0 {
			i = len(slots)
			slots = append(slots, &slot{size: roundUp(b.size, lineBytes)})
			total += slots[i].size
		}
		slots[i].blocks = append(slots[i].blocks, b)
	}
	if total > size+size/2 {
		return size
	}
	at := 0
	for _, s := range slots {
		for _, b := range s.blocks {
			b.offset = at + (s.size-b.size)/2/lineBytes*lineBytes
		}
		at += s.size
	}
	return total
}

func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }
