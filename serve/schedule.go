package serve

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// mostTogether is how many queued pictures are run at once.
const mostTogether = 4

// job is a request's work for the network.
type job struct {
	ctx    context.Context
	on     *instance
	n      int
	pixels []byte    // of n pictures, or nil
	values []float32 // of n inputs, if there are no pixels
	// alone, if any, is what is done instead of computing the logits, by
	// itself.
	alone func(context.Context) error

	// The results, to be read when done is closed.
	done                   chan struct{}
	logits                 []float32
	err                    error
	queued, started, ended time.Time
}

// scheduler runs jobs in the order of their arrival. It does not wait for more
// to come: who finds several in the queue takes some of them together.
type scheduler struct {
	mu      sync.Mutex
	wake    sync.Cond
	queue   []*job
	closed  bool
	workers sync.WaitGroup
}

func newScheduler(workers int) *scheduler {
	s := &scheduler{}
	s.wake.L = &s.mu
	for range workers {
		s.workers.Go(s.work)
	}
	return s
}

// submit queues a job, to which it gives the caller's use of its model.
func (s *scheduler) submit(j *job) {
	j.done, j.queued = make(chan struct{}), time.Now()
	j.on.stats.pending.Add(1)
	s.mu.Lock()
	s.queue = append(s.queue, j)
	s.mu.Unlock()
	s.wake.Signal()
}

// close ends the workers when the queue is empty.
func (s *scheduler) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.wake.Broadcast()
	s.workers.Wait()
}

func (s *scheduler) work() {
	for {
		batch := s.next()
		if batch == nil {
			return
		}
		runBatch(batch)
	}
}

// fits reports whether two jobs can run together.
func (j *job) fits(k *job) bool {
	return j.alone == nil && k.alone == nil && j.on == k.on && (j.pixels == nil) == (k.pixels == nil)
}

// next waits for jobs and takes the first with those that can run together with
// it; nil if there will be no more.
func (s *scheduler) next() []*job {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) == 0 {
		if s.closed {
			return nil
		}
		s.wake.Wait()
	}
	first := s.queue[0]
	batch, n := []*job{first}, first.n
	rest := s.queue[:0]
	for _, j := range s.queue[1:] {
		if n+j.n <= mostTogether && j.fits(first) {
			batch, n = append(batch, j), n+j.n
		} else {
			rest = append(rest, j)
		}
	}
	clear(s.queue[len(rest):])
	s.queue = rest
	return batch
}

// runBatch computes the logits of jobs of one kind. Those whose callers have
// gone are left out, and when all have gone the network stops.
func runBatch(batch []*job) {
	now := time.Now()
	alive := batch[:0]
	n := 0
	for _, j := range batch {
		j.started = now
		if err := context.Cause(j.ctx); err != nil {
			j.finish(err)
			continue
		}
		alive, n = append(alive, j), n+j.n
	}
	if n == 0 {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var waiting atomic.Int64
	waiting.Store(int64(len(alive)))
	for _, j := range alive {
		defer context.AfterFunc(j.ctx, func() {
			if waiting.Add(-1) == 0 {
				cancel()
			}
		})()
	}
	on := alive[0].on
	err := compute(ctx, alive, n)
	if err == nil {
		took := time.Since(now)
		learn(&on.computed, took/time.Duration(n))
		on.stats.ran(n, took)
	}
	for _, j := range alive {
		j.finish(err)
	}
}

// compute does what jobs of one kind, on n pictures, ask for.
func compute(ctx context.Context, batch []*job, n int) error {
	if alone := batch[0].alone; alone != nil {
		return alone(ctx)
	}
	on := batch[0].on
	pixels, values := joined(batch)
	logits := make([]float32, n*on.classes)
	err := on.run(ctx, logits, pixels, values, n)
	for _, j := range batch {
		j.logits, logits = logits[:j.n*on.classes], logits[j.n*on.classes:]
	}
	return err
}

// joined returns the inputs of jobs in one piece.
func joined(batch []*job) (pixels []byte, values []float32) {
	if len(batch) == 1 {
		return batch[0].pixels, batch[0].values
	}
	for _, j := range batch {
		pixels, values = append(pixels, j.pixels...), append(values, j.values...)
	}
	return pixels, values
}

func (j *job) finish(err error) {
	j.err, j.ended = err, time.Now()
	j.on.stats.pending.Add(-1)
	j.on.release()
	close(j.done)
}
