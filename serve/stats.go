package serve

import (
	"sync"
	"sync/atomic"
	"time"
)

// The reasons that Triton's counters give for failed requests.
const (
	rejected = "REJECTED"
	canceled = "CANCELED"
	backend  = "BACKEND"
	other    = "OTHER"
)

var reasons = []string{rejected, canceled, backend, other}

// The stages of a request, in their order.
const (
	stageRead    = iota // the body
	stageQueue          // waiting
	stagePrepare        // decoding and scaling
	stageNetwork
	stageTotal
	stages
)

var stageNames = [stages]string{"read", "queue", "prepare", "network", "total"}

// times are how long the stages of a request took.
type times [stages]time.Duration

// tally is a count with the time of all.
type tally struct {
	Count int64         `json:"count"`
	NS    time.Duration `json:"ns"`
}

func (t *tally) add(n int64, d time.Duration) {
	t.Count += n
	t.NS += d
}

// stats are what happened to the requests for a model.
type stats struct {
	pending atomic.Int64 // jobs in the queue or running

	mu                              sync.Mutex
	success, fail                   tally
	queue, prepare, network, output tally
	failed                          map[string]int64
	pictures, runs                  int64
	last                            time.Time
	batches                         map[int]tally
	histograms                      [stages]histogram
}

// ran counts a run of the network on n pictures.
func (s *stats) ran(n int, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs++
	if s.batches == nil {
		s.batches = map[int]tally{}
	}
	b := s.batches[n]
	b.add(1, took)
	s.batches[n] = b
}

// request counts a request on n pictures that has ended.
func (s *stats) request(n int, t times, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		_, reason := statusOf(err)
		if s.failed == nil {
			s.failed = map[string]int64{}
		}
		s.failed[reason]++
		s.fail.add(1, t[stageTotal])
		return
	}
	s.last = time.Now()
	s.pictures += int64(n)
	s.success.add(1, t[stageTotal])
	s.queue.add(1, t[stageQueue])
	s.prepare.add(1, t[stagePrepare])
	s.network.add(1, t[stageNetwork])
	s.output.add(1, max(0, t[stageTotal]-t[stageRead]-t[stagePrepare]-t[stageQueue]-t[stageNetwork]))
	for i := range t {
		s.histograms[i].observe(t[i])
	}
}

// bounds are the upper ends of a histogram's buckets, in seconds.
var bounds = [...]float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

// histogram counts durations. The last bucket has no bound.
type histogram struct {
	counts [len(bounds) + 1]int64
	sum    time.Duration
}

func (h *histogram) observe(d time.Duration) {
	i := 0
	for i < len(bounds) && d.Seconds() > bounds[i] {
		i++
	}
	h.counts[i]++
	h.sum += d
}
