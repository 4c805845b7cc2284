package engine

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/kernel/q8"
	"github.com/mixnet-go/mixnet/internal/pages"
	"github.com/mixnet-go/mixnet/internal/par"
)

// state is the memory that a plan works in.
type state struct {
	arena         []byte
	scratch       [][]float32       // of every worker
	epilogues     []kernel.Epilogue // of every worker
	codeEpilogues []q8.Epilogue     // of every worker
	x             images
	taps          []stateTap
	times         []time.Duration // added to for every step, if not nil

	work work
	do   func(worker, part int) // runs a part of work
}

// stateTap is a result to be copied once it is ready.
type stateTap struct {
	planned
	dst []float32
}

func newState() *state {
	s := &state{}
	s.do = func(worker, part int) { s.work.run(s, worker, part) }
	return s
}

// fit makes room for plans run by a number of workers.
func (s *state) fit(workers int, plans ...*plan) {
	arena, scratch := 0, 0
	for _, p := range plans {
		arena, scratch = max(arena, p.arena), max(scratch, p.scratch)
	}
	if len(s.arena) < arena {
		s.arena = pages.Make[byte](arena)
	}
	for len(s.scratch) < workers {
		s.scratch = append(s.scratch, nil)
		s.epilogues = append(s.epilogues, kernel.Epilogue{})
		s.codeEpilogues = append(s.codeEpilogues, q8.Epilogue{})
	}
	for i := range s.scratch[:workers] {
		if len(s.scratch[i]) < scratch {
			s.scratch[i] = pages.Make[float32](scratch)
		}
	}
}

// size returns the bytes that s holds.
func (s *state) size() int {
	n := len(s.arena)
	for _, x := range s.scratch {
		n += floatBytes * len(x)
	}
	return n
}

// sortTaps puts the taps into the order in which run serves them.
func (s *state) sortTaps() {
	slices.SortFunc(s.taps, func(a, b stateTap) int { return cmp.Compare(a.after, b.after) })
}

// run runs the steps of p until the last tap is served.
func (s *state) run(ctx context.Context, pool *par.Pool, p *plan) error {
	taps := s.serve(s.taps, 0, p.in.N)
	for i := range p.steps {
		if len(taps) == 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		start := s.now()
		st := &p.steps[i]
		s.work = st.work
		pool.Each(st.parts, s.do)
		if s.times != nil {
			s.times[i] += time.Since(start)
		}
		taps = s.serve(taps, i+1, p.in.N)
	}
	return nil
}

func (s *state) now() (t time.Time) {
	if s.times != nil {
		t = time.Now()
	}
	return t
}

// serve copies the results that are ready after the given number of steps and
// returns the taps that remain.
func (s *state) serve(taps []stateTap, steps, images int) []stateTap {
	for len(taps) > 0 && taps[0].after <= steps {
		v := taps[0].view
		kernel.CopyRows(taps[0].dst, v.c, s.from(v, 0, 0), v.stride, images*v.pixels(), v.c)
		taps = taps[1:]
	}
	return taps
}
