// Package par runs the parts of one operator on a fixed set of goroutines.
//
// Work is cut into numbered parts by the caller, never by the scheduler, so
// that a sum over parts does not depend on which goroutine ran which.
package par

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Pool runs tasks on up to Threads goroutines: the caller's and workers that
// start at the first use. Workers wait for the next task spinning for a few
// tens of microseconds, then sleep. The zero value and a nil pool run
// everything on the calling goroutine.
//
// A Pool is safe for concurrent use. Its workers serve one caller at a time; a
// caller that finds them busy, or that is itself a task, runs its parts alone,
// and so do all while as many have entered as there are threads.
type Pool struct {
	threads int
	callers atomic.Int32
	start   sync.Once
	team    *team
}

// New returns a pool of the given number of threads; 0 means GOMAXPROCS.
func New(threads int) *Pool {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return &Pool{threads: threads}
}

// Threads returns how many parts run at once.
func (p *Pool) Threads() int {
	if p == nil || p.threads < 1 {
		return 1
	}
	return p.threads
}

// Enter says that a caller begins to use the pool, for a while and from one
// goroutine. It is optional.
func (p *Pool) Enter() { p.callers.Add(1) }

// Leave ends what Enter began.
func (p *Pool) Leave() { p.callers.Add(-1) }

// Run calls f(part) for every part in [0, parts) and returns when all are
// done. It allocates nothing.
func (p *Pool) Run(parts int, f func(part int)) {
	if t := p.acquire(parts); t != nil {
		t.run(parts, f, nil)
		t.mu.Unlock()
		return
	}
	for i := range parts {
		f(i)
	}
}

// Each is Run for tasks with scratch memory: worker, in [0, Threads), differs
// between parts that run at the same time for this caller.
func (p *Pool) Each(parts int, f func(worker, part int)) {
	if t := p.acquire(parts); t != nil {
		t.run(parts, nil, f)
		t.mu.Unlock()
		return
	}
	for i := range parts {
		f(0, i)
	}
}

// acquire returns the locked team, or nil when the caller has to work alone.
func (p *Pool) acquire(parts int) *team {
	if parts < 2 || p.Threads() < 2 || int(p.callers.Load()) >= p.threads {
		return nil
	}
	p.start.Do(func() {
		p.team = newTeam(p.threads - 1)
		runtime.AddCleanup(p, (*team).close, p.team)
	})
	if !p.team.mu.TryLock() {
		return nil
	}
	return p.team
}

// Close ends the workers. Later calls of Run work on the calling goroutine
// alone. A pool that is no longer referenced is closed by the garbage
// collector.
func (p *Pool) Close() {
	if p == nil {
		return
	}
	p.start.Do(func() { p.team = newTeam(0) })
	p.team.close()
}

// Split returns the half-open range of part i when n items are cut into parts
// nearly equal pieces, the larger ones first.
func Split(n, parts, i int) (from, to int) {
	q, r := n/parts, n%parts
	from = i*q + min(i, r)
	to = from + q
	if i < r {
		to++
	}
	return from, to
}
