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
type team struct {
	mu sync.Mutex // held by the caller being served

	// Of the current task. They are written before and read after a claim on
	// todo, and a task does not end before all its claims have been served.
	parts int
	f     func(part int)
	each  func(worker, part int)

	_       [64]byte
	todo    atomic.Uint64 // sequence number of the task in the upper half, unclaimed parts in the lower
	_       [64]byte
	pending atomic.Int64 // unfinished parts
	caller  atomic.Uint32
	_       [64]byte

	asleep atomic.Int64  // workers waiting for wake
	wake   chan struct{} // one token wakes one worker
	done   chan struct{} // wakes the caller
	quit   chan struct{}
	ended  sync.Once
}

// States of the caller of a task.
const (
	watching uint32 = iota
	sleeping
	served
)

func newTeam(workers int) *team {
	t := &team{
		wake: make(chan struct{}, max(workers, 1)),
		done: make(chan struct{}, 1),
		quit: make(chan struct{}),
	}
	for w := range workers {
		go t.work(w + 1)
	}
	return t
}

func (t *team) close() { t.ended.Do(func() { close(t.quit) }) }

// run serves one task; the caller holds mu.
func (t *team) run(parts int, f func(int), each func(int, int)) {
	t.parts, t.f, t.each = parts, f, each
	t.pending.Store(int64(parts))
	t.caller.Store(watching)
	t.todo.Store((t.todo.Load()>>32+1)<<32 | uint64(parts))
	for range min(t.asleep.Load(), int64(parts-1)) {
		select {
		case t.wake <- struct{}{}:
		default:
		}
	}
	if !t.help(0) {
		t.await()
	}
	t.f, t.each = nil, nil
}

// help claims and runs parts until none is left. It reports whether it
// finished the last part of the task.
func (t *team) help(worker int) (last bool) {
	for {
		s := t.todo.Load()
		left := uint32(s)
		if left == 0 {
			return last
		}
		if !t.todo.CompareAndSwap(s, s-1) {
			continue
		}
		part := t.parts - int(left)
		if t.f != nil {
			t.f(part)
		} else {
			t.each(worker, part)
		}
		last = t.pending.Add(-1) == 0
	}
}

// await waits for the parts that workers have claimed.
func (t *team) await() {
	for range polls {
		if t.caller.Load() == served {
			return
		}
		pause(pausesAtOnce)
	}
	if t.caller.CompareAndSwap(watching, sleeping) {
		<-t.done
	}
}

// work is the life of a worker.
func (t *team) work(worker int) {
	for idle := 0; ; idle++ {
		if uint32(t.todo.Load()) != 0 {
			if t.help(worker) && t.caller.Swap(served) == sleeping {
				t.done <- struct{}{}
			}
			idle = 0
		}
		switch {
		case idle < polls:
			pause(pausesAtOnce)
			if idle%8 == 7 {
				runtime.Gosched()
			}
		default:
			if !t.sleep() {
				return
			}
			idle = 0
		}
	}
}

// sleep waits for a token; false means the team is closed.
func (t *team) sleep() bool {
	t.asleep.Add(1)
	defer t.asleep.Add(-1)
	if uint32(t.todo.Load()) != 0 {
		return true
	}
	select {
	case <-t.wake:
		return true
	case <-t.quit:
		return false
	}
}
