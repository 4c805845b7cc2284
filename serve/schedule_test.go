package serve

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/pretrained"
)

// queued returns a scheduler of so many workers, none of which runs, with jobs
// of n inputs each.
func queued(workers int, inputs ...int) *scheduler {
	s := newScheduler(0, nil)
	s.count = workers
	i := &instance{served: &served{name: "m"}}
	i.users.Store(1000)
	for _, n := range inputs {
		s.submit(&job{ctx: context.Background(), work: &work{on: i, n: n}})
	}
	return s
}

// A worker takes its share of the queue, of four inputs at most, in the order of
// arrival.
func TestShare(t *testing.T) {
	for _, test := range []struct {
		workers int
		inputs  []int
		taken   []int // by one worker after the other
	}{
		{1, []int{1, 1, 1}, []int{3}},
		{1, []int{1, 1, 1, 1, 1, 1}, []int{4, 2}},
		{2, []int{1, 1}, []int{1, 1}},
		{2, []int{1, 1, 1, 1, 1}, []int{3, 1, 1}},
		{2, []int{1, 1, 1, 1, 1, 1, 1, 1, 1}, []int{4, 3, 1, 1}},
		{1, []int{9, 1, 1}, []int{9, 2}},
		{1, []int{3, 9, 1}, []int{4, 9}},
	} {
		s := queued(test.workers, test.inputs...)
		var taken []int
		for len(s.queue) > 0 {
			n := 0
			for _, j := range s.next() {
				n += j.n
			}
			taken = append(taken, n)
		}
		if !slices.Equal(taken, test.taken) {
			t.Errorf("%d workers take %d of %d, want %d", test.workers, taken, test.inputs, test.taken)
		}
	}
}

// Who has gone leaves the queue at once, and others keep their places.
func TestLeave(t *testing.T) {
	s := queued(1, 1, 2, 3)
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(gone)
	j := s.queue[1]
	j.ctx = ctx
	if err := s.wait(j); !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
	if len(s.queue) != 2 || s.queue[0].n != 1 || s.queue[1].n != 3 || j.on.stats.pending.Load() != 2 {
		t.Errorf("%d jobs are queued, %d are pending", len(s.queue), j.on.stats.pending.Load())
	}
}

// Work whose time is over while it runs ends, and the error says why.
func TestLate(t *testing.T) {
	m, err := pretrained.Fashion()
	if err != nil {
		t.Fatal(err)
	}
	c, err := mixnet.New(m, mixnet.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := newScheduler(1, nil)
	defer s.close()
	i := newInstance(c, "1")
	i.served = &served{name: "m"}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	j := &job{ctx: ctx, work: &work{on: i, n: 1}, alone: func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}}
	s.submit(j)
	if err := s.wait(j); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

// The largest values are the first of a stable sort.
func TestLargest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		values := make([]int, r.IntN(40))
		order := make([]int, len(values))
		for i := range values {
			values[i], order[i] = r.IntN(20), i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[b], values[a]) })
		k := r.IntN(50)
		if got, want := largest(values, k), order[:min(k, len(order))]; !slices.Equal(got, want) {
			t.Fatalf("%d of %d: %d, want %d", k, values, got, want)
		}
	}
}
