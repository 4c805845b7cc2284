package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/recipe"
)

// job is a number of ranks in one process.
type job struct {
	size      int
	mu        sync.Mutex
	turn      *sync.Cond
	in, round int
	bytes     [][]byte
	floats    [][]float32
}

func newJob(size int) *job {
	j := &job{size: size, bytes: make([][]byte, size), floats: make([][]float32, size)}
	j.turn = sync.NewCond(&j.mu)
	return j
}

// wait returns when all ranks have called it.
func (j *job) wait() {
	j.mu.Lock()
	defer j.mu.Unlock()
	round := j.round
	if j.in++; j.in == j.size {
		j.in, j.round = 0, j.round+1
		j.turn.Broadcast()
	}
	for round == j.round {
		j.turn.Wait()
	}
}

// threadRank is one of a job's ranks, in a goroutine.
type threadRank struct {
	*job
	rank int
}

func (r threadRank) Rank() int { return r.rank }
func (r threadRank) Size() int { return r.size }

func (r threadRank) Gather(all, mine []byte) error {
	r.bytes[r.rank] = mine
	r.wait()
	copy(all, bytes.Join(r.bytes, nil))
	r.wait()
	return nil
}

func (r threadRank) GatherFloats(all, mine []float32) error {
	r.floats[r.rank] = mine
	r.wait()
	found := slices.Concat(r.floats...)
	r.wait()
	copy(all, found)
	return nil
}

func (r threadRank) Exchange(recv, send []float32) error {
	r.floats[r.rank] = send
	r.wait()
	n := len(send) / r.size
	for i, s := range r.floats {
		copy(recv[i*n:(i+1)*n], s[r.rank*n:])
	}
	r.wait()
	return nil
}

// onRanks calls f for each of a number of ranks at once, and returns its errors.
func onRanks(size int, f func(r Ranks) error) []error {
	j := newJob(size)
	errs := make([]error, size)
	var all sync.WaitGroup
	for i := range size {
		all.Go(func() { errs[i] = f(threadRank{j, i}) })
	}
	all.Wait()
	return errs
}

// rankConfig is a run of parts of 4 images with all state that there can be.
func rankConfig(t testing.TB, dir string, parts int) Config {
	cfg := killedConfig(t, dir)
	cfg.Recipe.Batch, cfg.Recipe.Accumulate = 4*parts, parts
	cfg.Threads = 1
	return cfg
}

// Any number of ranks ends with the parameters, the statistics and the record
// of one process that computes all parts.
func TestRanks(t *testing.T) {
	for _, parts := range []int{4, 6} {
		alone := t.TempDir()
		one := run(t, rankConfig(t, alone, parts))
		for ranks := 2; ranks <= parts; ranks++ {
			if parts%ranks != 0 {
				continue
			}
			dir := t.TempDir()
			values := make([]graph.Values[float32], ranks)
			for _, err := range onRanks(ranks, func(r Ranks) error {
				cfg := rankConfig(t, dir, parts)
				cfg.Ranks = r
				tr, err := Run(t.Context(), cfg)
				if err == nil {
					values[r.Rank()] = tr.Model().Values
				}
				return err
			}) {
				if err != nil {
					t.Fatal(err)
				}
			}
			equalRuns(t, alone, dir)
			for r, v := range values {
				if !slices.EqualFunc(v, one.Model().Values, slices.Equal[[]float32]) {
					t.Errorf("rank %d of %d has other parameters", r, ranks)
				}
			}
		}
	}
}

// A run that one rank was asked to stop goes on with another number of ranks,
// and comes to the same end.
func TestRanksChange(t *testing.T) {
	alone, dir := t.TempDir(), t.TempDir()
	run(t, rankConfig(t, alone, 4))
	for _, ranks := range []int{2, 4, 1} {
		errs := onRanks(ranks, func(r Ranks) error {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			cfg := rankConfig(t, dir, 4)
			cfg.Ranks = r
			steps := 0
			cfg.OnStep = func(Progress) {
				if steps++; steps == 2 && ranks > 1 && r.Rank() == ranks-1 {
					cancel()
				}
			}
			_, err := Run(ctx, cfg)
			return err
		})
		for r, err := range errs {
			if ranks == 1 && err != nil || ranks > 1 && (!errors.Is(err, context.Canceled) || !Agreed(err)) {
				t.Fatalf("rank %d of %d: %v", r, ranks, err)
			}
		}
	}
	equalRuns(t, alone, dir)
}

// What keeps one rank from going on ends all.
func TestRanksFail(t *testing.T) {
	unshared := onRanks(3, func(r Ranks) error {
		cfg := rankConfig(t, "", 4)
		cfg.Ranks = r
		_, err := New(cfg)
		return err
	})
	if err := unshared[0]; err == nil || !strings.Contains(err.Error(), "4 parts, which 3 processes cannot share equally: take 1 or 2 or 4") {
		t.Errorf("4 parts of 3 ranks: %v", err)
	}
	busy := t.TempDir()
	release, err := folder(busy).lock()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for name, tc := range map[string]struct {
		change func(cfg *Config, rank int)
		text   string
		is     error
	}{
		"seed":     {func(c *Config, r int) { c.Recipe.Seed = uint64(r) }, "differ in their recipe", nil},
		"threads":  {func(c *Config, r int) { c.Threads = 1 + r }, "differ in their threads: rank 0 has 1, rank 1 has 2", nil},
		"data":     {func(c *Config, r int) { c.Train = relabelled{c.Train, r} }, "differ in their training data", nil},
		"unread":   {func(c *Config, r int) { c.Train = unreadableAt{c.Train, r} }, "no such picture", data.ErrTooManyBad},
		"diverged": {func(c *Config, r int) { c.Recipe.Schedule = recipe.Schedule{LR: 1e30}; c.Recipe.Augment.Flip = 0 }, "", ErrDiverged},
		"busy":     {func(c *Config, r int) { c.Dir = busy }, "another process", ErrBusy},
	} {
		errs := onRanks(2, func(r Ranks) error {
			cfg := rankConfig(t, "", 4)
			cfg.Ranks = r
			tc.change(&cfg, r.Rank())
			_, err := Run(t.Context(), cfg)
			return err
		})
		for r, err := range errs {
			if err == nil || !Agreed(err) || !strings.Contains(err.Error(), tc.text) || tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("%s: rank %d: %v", name, r, err)
			}
		}
	}
}

// relabelled has another label on one of the ranks.
type relabelled struct {
	data.Dataset
	rank int
}

func (d relabelled) Label(i int) int {
	if i == 0 && d.rank == 1 {
		return 1 - d.Dataset.Label(0)
	}
	return d.Dataset.Label(i)
}

// unreadableAt cannot be read by one of the ranks.
type unreadableAt struct {
	data.Dataset
	rank int
}

func (d unreadableAt) Read(i int, s *data.Sample) error {
	if d.rank == 1 {
		return fmt.Errorf("no such picture")
	}
	return d.Dataset.Read(i, s)
}

// Parts that are not those of the stepper's share are an error, and so is a
// graph that only one rank has.
func TestRanksTakeTheirShare(t *testing.T) {
	parts := batches(t, config(t, ""), 8)
	for r, err := range onRanks(2, func(r Ranks) error {
		s := stepperOf(t, func(c *StepConfig) { c.Ranks = r })
		if err := s.Accumulate(&View{}, parts[0]); err == nil {
			return errors.New("a view was shared")
		}
		for range 1 + r.Rank() {
			if err := s.Accumulate(nil, parts[0]); err != nil {
				return err
			}
		}
		return s.Update(0.01)
	}) {
		if err == nil || !strings.Contains(err.Error(), "rank 1 has computed 2 parts of the batch, its share is 1") {
			t.Errorf("rank %d: %v", r, err)
		}
	}
}
