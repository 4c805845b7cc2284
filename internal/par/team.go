package par

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Waiting goes from polling with pauses over yielding the processor to
// sleeping. The number of polls is about 50 µs in all on current machines:
// longer than the serial stretches between the operators of one inference,
// shorter than anyone notices when idle.
const (
	polls        = 100 // rounds before sleeping
	pausesAtOnce = 20  // pauses a round, each 10 to 40 ns
)

// team is the part of a Pool that its workers refer to, so that an unused Pool
// can be collected while they sleep.
//
// A message between cores may take as long as several microseconds' work of
// one, so there are few: the caller writes to each worker's block, and every
// worker subtracts once from pending.
type team struct {
	mu     sync.Mutex // held by the caller being served
	blocks []block    // of the caller and of each worker
	seq    uint64     // number of the current task

	_       [64]byte
	pending atomic.Int64 // unfinished parts, plus asleepBit if the caller sleeps
	_       [64]byte

	asleep atomic.Int64  // workers waiting for wake
	wake   chan struct{} // one token wakes one worker
	done   chan struct{} // wakes the caller
	quit   chan struct{}
	ended  sync.Once
}

// asleepBit is larger than any number of parts.
const asleepBit = 1 << 62

// block is the parts of a task that one participant does first. Others take
// from it what is left when they have finished theirs.
//
// The other fields are written before todo and read after a claim on it. A
// task does not end before all claimed parts have been done.
type block struct {
	todo atomic.Uint64 // number of the task in the upper half, parts left in the lower
	end  int           // first part after the block
	f    func(part int)
	each func(worker, part int)
	_    [32]byte
}

func newTeam(workers int) *team {
	t := &team{
		blocks: make([]block, workers+1),
		wake:   make(chan struct{}, max(workers, 1)),
		done:   make(chan struct{}, 1),
		quit:   make(chan struct{}),
	}
	for w := range workers {
		go t.work(w + 1)
	}
	return t
}

func (t *team) close() { t.ended.Do(func() { close(t.quit) }) }

// run serves one task; the caller holds mu.
func (t *team) run(parts int, f func(int), each func(int, int)) {
	t.seq++
	t.pending.Store(int64(parts))
	for w := len(t.blocks) - 1; w >= 0; w-- {
		from, to := Split(parts, len(t.blocks), w)
		b := &t.blocks[w]
		b.end, b.f, b.each = to, f, each
		b.todo.Store(t.seq<<32 | uint64(to-from))
	}
	for range min(t.asleep.Load(), int64(parts-1)) {
		select {
		case t.wake <- struct{}{}:
		default:
		}
	}
	t.help(0)
	t.await()
	for w := range t.blocks { // the functions may refer to the pool, which is to be collectable
		t.blocks[w].f, t.blocks[w].each = nil, nil
	}
}

// help does the parts of a worker's block and then of others', until none is
// left.
func (t *team) help(worker int) {
	n := 0
	for i := range t.blocks {
		n += t.blocks[(worker+i)%len(t.blocks)].drain(worker)
	}
	if n > 0 && t.pending.Add(-int64(n)) == asleepBit {
		t.done <- struct{}{}
	}
}

// drain claims and does parts of b until none is left, and returns how many.
func (b *block) drain(worker int) (n int) {
	for {
		s := b.todo.Load()
		left := int(uint32(s))
		if left == 0 {
			return n
		}
		if !b.todo.CompareAndSwap(s, s-1) {
			continue
		}
		if part := b.end - left; b.f != nil {
			b.f(part)
		} else {
			b.each(worker, part)
		}
		n++
	}
}

// await waits for the parts that workers have claimed.
func (t *team) await() {
	for range polls {
		if t.pending.Load() == 0 {
			return
		}
		pause(pausesAtOnce)
	}
	if t.pending.Add(asleepBit) != asleepBit {
		<-t.done
	}
}

// work is the life of a worker.
func (t *team) work(worker int) {
	own := &t.blocks[worker]
	for idle := 0; ; idle++ {
		switch {
		case uint32(own.todo.Load()) != 0:
			t.help(worker)
			idle = 0
		case idle < polls:
			pause(pausesAtOnce)
			if idle%8 == 7 {
				runtime.Gosched()
			}
		default:
			if !t.sleep(own) {
				return
			}
			idle = 0
		}
	}
}

// sleep waits for a token; false means the team is closed.
func (t *team) sleep(own *block) bool {
	t.asleep.Add(1)
	defer t.asleep.Add(-1)
	if uint32(own.todo.Load()) != 0 {
		return true
	}
	select {
	case <-t.wake:
		return true
	case <-t.quit:
		return false
	}
}
