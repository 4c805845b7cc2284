package serve

import (
	"sync"
	"time"
)

// admission lets requests in while the work that is already there is done in
// time. What a request takes is measured while others run beside it, so it is
// not what it adds to their wait: how fast a server that is busy gets through
// such work is measured as well.
type admission struct {
	servers int // what runs at once
	most    time.Duration

	mu     sync.Mutex
	inside int           // requests
	work   time.Duration // of those that were let in
	pace   float64       // time that passes for each unit of work; 0 is not known

	// While there is enough to do for all:
	since time.Time
	done  time.Duration
}

// paceTime is how long the pace is measured.
const paceTime = 50 * time.Millisecond

// enter lets in a request that takes so long, or returns a *busyError.
func (a *admission) enter(work time.Duration) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.full(); err != nil {
		return err
	}
	a.work += work
	if a.inside++; a.inside == 2*a.servers {
		a.since, a.done = time.Now(), 0
	}
	return nil
}

// leave ends what enter began.
func (a *admission) leave(work time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.inside >= 2*a.servers {
		a.done += work
		if now := time.Now(); now.Sub(a.since) > paceTime {
			a.learn(float64(now.Sub(a.since)) / float64(max(a.done, 1)))
			a.since, a.done = now, 0
		}
	}
	a.work -= work
	a.inside--
}

// learn takes a pace into the mean. A single one counts for no more than that
// the servers share one core, or that the work is done before it is asked for.
func (a *admission) learn(pace float64) {
	pace = min(max(pace, 0.1/float64(a.servers)), 1)
	if a.pace == 0 {
		a.pace = 1 / float64(a.servers)
	}
	a.pace += (pace - a.pace) / 4
}

// check is enter for those that have not been read yet: it only looks.
func (a *admission) check() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.full()
}

func (a *admission) full() error {
	pace := a.pace
	if pace == 0 {
		pace = 1 / float64(a.servers)
	}
	// A quarter is for what is not even, and for what the client sees besides:
	// its connection, and bytes on their way.
	if wait := time.Duration(float64(a.work) * pace); wait > a.most-a.most/4 {
		return &busyError{why: "too many requests are waiting", retry: wait}
	}
	return nil
}
