package data

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/mixnet-go/mixnet/internal/reuse"
	"github.com/mixnet-go/mixnet/internal/rng"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/vision"
)

// pipeline makes the batches of a sequence of steps in a ring of slots. Workers take
// the examples one chunk after the other, so that all of them work on the batch
// that is needed next.
type pipeline struct {
	l       *Loader
	n       int             // length of the sequence
	stepOf  func(i int) int // its i-th step
	chunk   int             // examples taken at once
	workers sync.WaitGroup

	mu       sync.Mutex
	changed  *sync.Cond
	slots    []slot
	released int // places of the sequence before it are given back
	place    int // of the next chunk
	at       int // its first example within the step
	stopped  bool
	orders   map[int][]int32 // by epoch
	ahead    ahead
}

// slot is a batch in the making.
type slot struct {
	batch   Batch
	order   []int32 // of the epoch; nil if it is the set's own
	pending int     // examples not done
	done    bool    // ready to be used
	bad     []BadExample
	missing []int // positions left out
	err     error
}

func newPipeline(l *Loader, n int, stepOf func(i int) int) *pipeline {
	p := &pipeline{l: l, n: n, stepOf: stepOf, chunk: 1, orders: map[int][]int32{}}
	if _, small := l.set.(Sized); small {
		p.chunk = 16
	}
	p.changed = sync.NewCond(&p.mu)
	p.slots = make([]slot, min(l.cfg.Prefetch+1, max(n, 1)))
	for range l.cfg.Workers {
		p.workers.Go(p.work)
	}
	return p
}

// stop makes the workers and the consumer give up.
func (p *pipeline) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	p.changed.Broadcast()
}

// close stops the workers and waits for them.
func (p *pipeline) close() {
	p.stop()
	p.workers.Wait()
}

// wait returns the slot of a place once it is done, or nil after a stop.
func (p *pipeline) wait(place int) *slot {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.slots[place%len(p.slots)]
	for !p.stopped && !s.done {
		p.changed.Wait()
	}
	if p.stopped {
		return nil
	}
	return s
}

// release gives the slot of a place back.
func (p *pipeline) release(place int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slots[place%len(p.slots)].done = false
	p.released = place + 1
	p.changed.Broadcast()
}

// next returns the next chunk of work: a slot and a range of its examples.
func (p *pipeline) next() (s *slot, from, to int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.stopped && p.place < p.n && p.place >= p.released+len(p.slots) {
		p.changed.Wait()
	}
	if p.stopped || p.place >= p.n {
		return nil, 0, 0
	}
	s = &p.slots[p.place%len(p.slots)]
	if p.at == 0 {
		p.start(s)
	}
	n := len(s.batch.Labels)
	from, to = p.at, min(p.at+p.chunk, n)
	if p.at = to; to == n {
		p.place, p.at = p.place+1, 0
	}
	return s, from, to
}

// start makes s the batch of the next place.
func (p *pipeline) start(s *slot) {
	l := p.l
	step, steps := p.stepOf(p.place), l.Steps()
	epoch, index := step/steps, step%steps
	n := l.cfg.Batch
	if l.cfg.Remainder == KeepRemainder {
		n = min(n, l.set.Len()-index*n)
	}
	shape := l.Shape()
	shape.N = n
	if len(l.cfg.Sizes) > 0 {
		size := l.size(step)
		shape.H, shape.W = size[0], size[1]
	}
	b := &s.batch
	b.Step, b.Epoch, b.Index = step, epoch, index
	b.Images = tensor.Tensor{Shape: shape, Data: reuse.Slice(b.Images.Data, shape.Len())}
	b.Labels, b.Examples = reuse.Slice(b.Labels, n), reuse.Slice(b.Examples, n)
	b.Targets = reuse.Slice(b.Targets, n)
	b.Other, b.Share = b.Other[:0], 1
	s.order = p.order(epoch)
	p.lookAhead()
	s.pending, s.err = n, nil
	s.bad, s.missing = s.bad[:0], s.missing[:0]
}

// order returns an epoch's order, keeping this and the last one.
func (p *pipeline) order(epoch int) []int32 {
	if !p.l.cfg.Shuffle {
		return nil
	}
	if p.orders[epoch] == nil {
		delete(p.orders, epoch-2)
		p.orders[epoch] = p.l.order(epoch)
	}
	return p.orders[epoch]
}

// finish reports a chunk of n examples as done. Whoever finishes the last one
// completes the batch.
func (p *pipeline) finish(s *slot, n int, w *worker, err error) {
	p.mu.Lock()
	s.bad = append(s.bad, w.bad...)
	s.missing = append(s.missing, w.missing...)
	if err != nil {
		s.err = err
	}
	s.pending -= n
	last := s.pending == 0
	p.mu.Unlock()
	if !last {
		return
	}
	s.leaveOut()
	if s.err == nil && !p.l.targetsFollow() && slices.ContainsFunc(s.batch.Targets, func(t Target) bool { return t != nil }) {
		s.err = errTargets
	}
	if s.err == nil && p.l.cfg.Mix.Enabled() {
		w.pcg.Seed(rng.Key(p.l.cfg.Seed, streamBatch, uint64(s.batch.Step)))
		s.batch.mix(&p.l.cfg.Mix, w.rng)
	}
	p.mu.Lock()
	s.done = true
	p.mu.Unlock()
	p.changed.Broadcast()
}

// leaveOut closes the gaps of the examples that are missing, and puts the
// unreadable ones in the order of their indices.
func (s *slot) leaveOut() {
	slices.SortFunc(s.bad, func(a, b BadExample) int { return a.Index - b.Index })
	if len(s.missing) == 0 {
		return
	}
	b := &s.batch
	size := b.Images.Shape.Len() / b.Images.Shape.N
	kept := 0
	for i := range b.Labels {
		if slices.Contains(s.missing, i) {
			continue
		}
		if kept != i {
			copy(b.Images.Data[kept*size:(kept+1)*size], b.Images.Data[i*size:])
			b.Labels[kept], b.Examples[kept], b.Targets[kept] = b.Labels[i], b.Examples[i], b.Targets[i]
		}
		kept++
	}
	b.Labels, b.Examples, b.Targets = b.Labels[:kept], b.Examples[:kept], b.Targets[:kept]
	b.Images.Shape.N, b.Images.Data = kept, b.Images.Data[:kept*size]
}

// errTargets is reported for targets that would no longer be those of the
// pictures.
var errTargets = errors.New("loader: mixup, CutMix and RandAugment change pictures as their targets cannot follow: leave them out")

// targetsFollow reports whether a picture's target is known after its changes.
func (l *Loader) targetsFollow() bool {
	return !l.cfg.Mix.Enabled() && (l.cfg.Augment == nil || l.cfg.Augment.RandAugment.N == 0)
}

// errAllBad is reported when no example can stand in for an unreadable one.
var errAllBad = errors.New("no readable example is left to stand in")

// worker is the state of one goroutine.
type worker struct {
	l       *Loader
	procs   map[[2]int]*vision.Processor // by size
	sample  Sample
	pcg     rand.PCG
	rng     *rand.Rand
	augment vision.Augmentation // of this example
	boxes   []vision.Box        // of this example
	bad     []BadExample
	missing []int
}

// work makes chunks until there are none.
func (p *pipeline) work() {
	w := &worker{l: p.l, procs: map[[2]int]*vision.Processor{}}
	w.rng = rand.New(&w.pcg)
	for {
		s, from, to := p.next()
		if s == nil {
			return
		}
		w.bad, w.missing = w.bad[:0], w.missing[:0]
		shape := s.batch.Images.Shape
		proc, err := w.processor([2]int{shape.H, shape.W})
		for i := from; i < to && err == nil; i++ {
			err = w.fill(proc, s, i)
		}
		p.finish(s, to-from, w, err)
	}
}

// processor returns the one for a size.
func (w *worker) processor(size [2]int) (*vision.Processor, error) {
	if v := w.procs[size]; v != nil {
		return v, nil
	}
	p := w.l.cfg.Preprocess
	p.Size = size
	v, err := vision.NewProcessor(p)
	if err != nil {
		return nil, err
	}
	v.Decoder.MaxPixels = w.l.cfg.MaxPixels
	w.procs[size] = v
	return v, nil
}

// fill makes example i of the batch.
func (w *worker) fill(proc *vision.Processor, s *slot, i int) error {
	n := w.l.set.Len()
	b := &s.batch
	size := len(b.Images.Data) / len(b.Labels)
	dst := b.Images.Data[i*size : (i+1)*size]
	at := b.Index*w.l.cfg.Batch + i
	for try := range n {
		example := (at + try) % n
		if s.order != nil {
			example = int(s.order[example])
		}
		target, err := w.example(proc, dst, b.Epoch, example)
		if err == nil {
			b.Labels[i], b.Examples[i], b.Targets[i] = w.l.set.Label(example), example, target
			return nil
		}
		if errors.Is(err, ErrUnavailable) {
			return fmt.Errorf("loader: %w", err)
		}
		w.bad = append(w.bad, BadExample{example, w.l.set.Name(example), err})
		if w.l.cfg.Remainder == KeepRemainder {
			w.missing = append(w.missing, i)
			return nil
		}
		if try >= w.l.cfg.MaxBad {
			break
		}
	}
	return errAllBad
}

// example makes the input of one example and returns its target.
func (w *worker) example(proc *vision.Processor, dst []float32, epoch, example int) (Target, error) {
	w.sample.Target = nil
	if err := w.l.set.Read(example, &w.sample); err != nil {
		return nil, err
	}
	t, err := w.input(proc, dst, epoch, example)
	if err != nil || w.sample.Target == nil {
		return nil, err
	}
	return w.sample.Target.Under(t), nil
}

// input makes the input of the sample and returns how it was changed.
func (w *worker) input(proc *vision.Processor, dst []float32, epoch, example int) (vision.Transform, error) {
	if w.l.cfg.Augment == nil {
		return proc.FitTo(dst, w.sample.Picture)
	}
	w.augment = w.l.augment
	if w.l.cfg.Augment.AlternateFlip {
		w.augment = w.augment.Mirrored(alternateFlip(w.l.cfg.Seed, epoch, example))
	}
	if boxed, ok := w.sample.Target.(Boxed); ok {
		w.boxes = boxed.Boxes(w.boxes[:0])
		w.augment = w.augment.Around(w.boxes)
	}
	w.pcg.Seed(rng.Key(w.l.cfg.Seed, streamExample, uint64(epoch), uint64(example)))
	return proc.AugmentTo(dst, w.sample.Picture, &w.augment, w.rng)
}
