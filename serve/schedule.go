package serve

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// mostTogether is how many queued pictures are run at once.
const mostTogether = 4

// job is a request's work for the network.
type job struct {
	ctx context.Context
	*work
	// alone, if any, is what is done instead of computing the logits, by
	// itself.
	alone func(context.Context) error

	// What became of it, to be read when done is closed.
	done                             chan struct{}
	err                              error
	queued, started, prepared, ended time.Time
}

// scheduler runs jobs in the order of their arrival, no more at once than there
// are workers: who decodes a picture takes no core from who runs a network. It
// does not wait for more to come: who finds several in the queue takes some of
// them together.
type scheduler struct {
	mu      sync.Mutex
	wake    sync.Cond
	queue   []*job
	closed  bool
	count   int // of workers
	workers sync.WaitGroup
	// prepare makes an input of a picture file.
	prepare func(ctx context.Context, on *instance, dst, file []byte) (prepared, error)
}

func newScheduler(workers int, prepare func(ctx context.Context, on *instance, dst, file []byte) (prepared, error)) *scheduler {
	s := &scheduler{count: workers, prepare: prepare}
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

// wait returns when a job is done, or its caller has gone before it began. What
// is running holds the request's memory to its end.
func (s *scheduler) wait(j *job) error {
	select {
	case <-j.done:
		return j.err
	case <-j.ctx.Done():
	}
	s.mu.Lock()
	i := slices.Index(s.queue, j)
	if i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
	}
	s.mu.Unlock()
	if i >= 0 {
		j.finish(context.Cause(j.ctx))
	}
	<-j.done
	return j.err
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
		s.run(batch)
	}
}

// fits reports whether two jobs can run together.
func (j *job) fits(k *job) bool {
	return j.alone == nil && k.alone == nil && j.on == k.on && (j.files == nil) == (k.files == nil)
}

// next waits for jobs and takes the first with those that can run together with
// it, but no more than its share of the queue; nil if there will be no more.
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
	share := (len(s.queue) + s.count - 1) / s.count
	batch, n := []*job{first}, first.n
	rest := s.queue[:0]
	for _, j := range s.queue[1:] {
		if len(batch) < share && n+j.n <= mostTogether && j.fits(first) {
			batch, n = append(batch, j), n+j.n
		} else {
			rest = append(rest, j)
		}
	}
	clear(s.queue[len(rest):])
	s.queue = rest
	return batch
}

// run does jobs of one kind. Those whose callers have gone are left out, and
// when all have gone the network stops.
func (s *scheduler) run(batch []*job) {
	batch, n := s.ready(batch)
	if n == 0 {
		return
	}
	begin := time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var waiting atomic.Int64
	waiting.Store(int64(len(batch)))
	for _, j := range batch {
		j.prepared = begin
		defer context.AfterFunc(j.ctx, func() {
			if waiting.Add(-1) == 0 {
				cancel()
			}
		})()
	}
	on := batch[0].on
	err := compute(ctx, batch, n)
	if err == nil {
		took := time.Since(begin)
		learn(&on.computed, took/time.Duration(n))
		on.stats.ran(n, took)
	}
	for _, j := range batch {
		j.finish(err)
	}
}

// ready makes inputs of the jobs' pictures. It returns those jobs that can go
// on, and how many inputs they have.
func (s *scheduler) ready(batch []*job) (alive []*job, n int) {
	on, now := batch[0].on, time.Now()
	defer on.network.Program().Occupy()()
	var pixels []byte // of all, one after the other
	if batch[0].files != nil {
		most := 0
		for _, j := range batch {
			most += j.n
		}
		pixels = make([]byte, 0, most*on.pixels())
	}
	for _, j := range batch {
		j.started = now
		err := context.Cause(j.ctx)
		if err == nil && j.files != nil {
			from := len(pixels)
			err = s.prepareAll(j, pixels[from:from+j.n*on.pixels()])
			if err == nil {
				pixels = pixels[:from+len(j.pixels)]
			}
		}
		if err != nil {
			j.finish(err)
			continue
		}
		alive, n = append(alive, j), n+j.n
	}
	return alive, n
}

// prepareAll makes the inputs of a job's pictures in dst.
func (s *scheduler) prepareAll(j *job, dst []byte) error {
	size := j.on.pixels()
	j.pixels, j.infos = dst, make([]prepared, len(j.files))
	for i, f := range j.files {
		var err error
		if j.infos[i], err = s.prepare(j.ctx, j.on, dst[i*size:][:size:size], f); err != nil {
			if len(j.files) > 1 {
				err = fmt.Errorf("picture %d: %w", i, err)
			}
			return err
		}
	}
	return nil
}

// compute does what jobs of one kind, with n inputs, ask for.
func compute(ctx context.Context, batch []*job, n int) error {
	if alone := batch[0].alone; alone != nil {
		return alone(ctx)
	}
	on := batch[0].on
	pixels, values := joined(batch, n)
	logits := make([]float32, n*on.classes)
	err := on.run(ctx, logits, pixels, values, n)
	for _, j := range batch {
		j.logits, logits = logits[:j.n*on.classes], logits[j.n*on.classes:]
	}
	return err
}

// joined returns the inputs of jobs in one piece, in which pixels lie already.
func joined(batch []*job, n int) (pixels []byte, values []float32) {
	first := batch[0]
	if first.files != nil {
		return first.pixels[:n*first.on.pixels()], nil
	}
	if len(batch) == 1 {
		return nil, first.values
	}
	for _, j := range batch {
		values = append(values, j.values...)
	}
	return nil, values
}

// finish ends a job. Whatever became of it after its caller had gone, that is
// why.
func (j *job) finish(err error) {
	if err != nil && j.ctx.Err() != nil {
		err = context.Cause(j.ctx)
	}
	j.err, j.ended = err, time.Now()
	j.on.stats.pending.Add(-1)
	j.on.release()
	close(j.done)
}
