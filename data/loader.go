package data

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"

	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/internal/pages"
	"github.com/mixnet-go/mixnet/internal/rng"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/vision"
)

// Remainder says what becomes of the examples of an epoch that do not fill a
// batch.
type Remainder int

const (
	// KeepRemainder makes the last batch smaller. An unreadable example is
	// left out, which makes its batch smaller too: for evaluation.
	KeepRemainder Remainder = iota
	// DropRemainder leaves them out of this epoch. An unreadable example is
	// replaced by the next one of the epoch's order.
	DropRemainder
	// FillRemainder fills the last batch with the first examples of the
	// epoch's order again. Unreadable examples are replaced as above.
	FillRemainder
)

// Config says how a [Loader] turns a set into batches.
type Config struct {
	// Preprocess is the network's.
	Preprocess input.Preprocess
	// Augment is training's random change; nil means none.
	Augment *input.Augment
	// Mix blends the pictures of a batch with each other.
	Mix input.Mix
	// Sizes, if there are any, are the heights and widths of batches, in place
	// of Preprocess's.
	Sizes [][2]int
	// SizeOf returns which of Sizes a step has; nil draws at random.
	SizeOf func(step int) int
	// Batch is the number of examples in a batch.
	Batch int
	// Shuffle puts every epoch in an order of its own, else it is the set's.
	Shuffle bool
	// Balanced makes every epoch of as many examples of each class: those of
	// small classes come more often than once, those of large ones not all. It
	// takes Shuffle.
	Balanced bool
	// Window, if more than 0, is how many tar shards have their examples mixed
	// at a time: what a shuffled order needs of a set that is too large to be
	// here as a whole. The shards of every epoch are in a random order, and an
	// example comes at random while its shard is one of the next Window ones. It
	// takes Shuffle, and not Balanced.
	Window int
	// Remainder is about the last batch of an epoch.
	Remainder Remainder
	// Seed determines the orders and the augmentation.
	Seed uint64
	// Workers is how many goroutines decode; 0 means GOMAXPROCS. It has no
	// influence on what the batches hold.
	Workers int
	// Prefetch is how many batches are made ahead of the one in use; 0 means
	// 2. It bounds the loader's memory.
	Prefetch int
	// MaxBad is how many unreadable examples are skipped before the loader
	// gives up: 0 means one in a hundred, and at least one; less means none.
	MaxBad int
	// MaxPixels is the largest width times height of a picture; 0 means
	// [vision.DefaultMaxPixels].
	MaxPixels int64
}

// Batch is what one step takes. It is valid until the next one is asked for.
type Batch struct {
	// Step counts from the first batch of epoch 0; Index from the first batch
	// of Epoch.
	Step, Epoch, Index int
	// Images are the normalised pictures, N×H×W×C.
	Images tensor.Tensor
	// Labels are the pictures' classes.
	Labels []int
	// Targets are the pictures' targets, as their changes leave them; each is nil
	// where the set has none.
	Targets []Target
	// Other are the classes that Mix has blended in, with what Share leaves of
	// 1; without Mix there are none, and Share is 1.
	Other []int
	Share float32
	// Examples are the pictures' indices in the set.
	Examples []int
}

// BadExample is one that could not be read.
type BadExample struct {
	Index int
	Name  string
	Err   error
}

// Loader feeds a set in batches. What a batch holds is a function of the
// configuration and its step alone, not of the number of workers or of time.
type Loader struct {
	set     Dataset
	cfg     Config
	augment vision.Augmentation // cfg.Augment, completed

	classes [][]int32 // the examples of every class that has any, for Balanced
	shards  shardIndex

	mu  sync.Mutex
	bad map[int]bool
	log []BadExample
}

// NewLoader checks d and the configuration.
func NewLoader(d Dataset, cfg Config) (*Loader, error) {
	n := d.Len()
	switch {
	case n == 0:
		return nil, fmt.Errorf("loader: the data set has no examples")
	case int64(n) > 1<<31-1:
		return nil, fmt.Errorf("loader: %d examples are too many", n)
	case cfg.Balanced && !cfg.Shuffle:
		return nil, fmt.Errorf("loader: balanced classes take a shuffled order")
	case cfg.Window != 0 && (cfg.Window < 0 || !cfg.Shuffle || cfg.Balanced):
		return nil, fmt.Errorf("loader: a window of %d shards takes at least one shard and a shuffled order without balanced classes", cfg.Window)
	case cfg.Batch < 1:
		return nil, fmt.Errorf("loader: batch of %d", cfg.Batch)
	case cfg.Remainder == DropRemainder && cfg.Batch > n:
		return nil, fmt.Errorf("loader: a batch of %d is larger than the data set of %d: make it smaller", cfg.Batch, n)
	}
	classes := len(d.Classes())
	for i := range n {
		if l := d.Label(i); l < 0 || l >= classes {
			return nil, fmt.Errorf("loader: %w: %s has label %d, there are %d classes", ErrLabel, d.Name(i), l, classes)
		}
	}
	var err error
	if cfg.Preprocess, err = cfg.Preprocess.Complete(); err != nil {
		return nil, fmt.Errorf("loader: %w", err)
	}
	var augment vision.Augmentation
	if cfg.Augment != nil {
		if augment, err = vision.NewAugmentation(*cfg.Augment); err != nil {
			return nil, fmt.Errorf("loader: %w", err)
		}
	}
	if err := cfg.Mix.Validate(); err != nil {
		return nil, fmt.Errorf("loader: %w", err)
	}
	cfg.Mix = cfg.Mix.WithDefaults()
	for _, size := range cfg.Sizes {
		p := cfg.Preprocess
		p.Size = size
		if err := p.Validate(); err != nil || size == [2]int{} {
			return nil, fmt.Errorf("loader: size %v: %w", size, err)
		}
	}
	if cfg.Remainder == KeepRemainder {
		cfg.Batch = min(cfg.Batch, n)
	}
	size := cfg.Preprocess.Size
	if err := pages.Check(4 * float64(cfg.Batch) * float64(size[0]) * float64(size[1]) * float64(cfg.Preprocess.Channels)); err != nil {
		return nil, fmt.Errorf("loader: batches of %d: %w: make them or the images smaller", cfg.Batch, err)
	}
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.Prefetch <= 0 {
		cfg.Prefetch = 2
	}
	switch {
	case cfg.MaxBad == 0:
		cfg.MaxBad = max(n/100, 1)
	case cfg.MaxBad < 0:
		cfg.MaxBad = 0
	}
	l := &Loader{set: d, cfg: cfg, augment: augment, bad: map[int]bool{}}
	if l.shards, err = newShardIndex(d, &cfg); err != nil {
		return nil, fmt.Errorf("loader: %w", err)
	}
	if cfg.Balanced {
		l.classes = members(d)
	}
	return l, nil
}

// Set returns the set that the loader feeds.
func (l *Loader) Set() Dataset { return l.set }

// Steps returns the number of batches in an epoch.
func (l *Loader) Steps() int {
	n := l.set.Len()
	if l.cfg.Remainder == DropRemainder {
		return n / l.cfg.Batch
	}
	return (n + l.cfg.Batch - 1) / l.cfg.Batch
}

// Shape returns the shape of a full batch; where Sizes are mixed, of one of
// Preprocess's size.
func (l *Loader) Shape() tensor.Shape {
	p := &l.cfg.Preprocess
	return tensor.Shape{N: l.cfg.Batch, H: p.Size[0], W: p.Size[1], C: p.Channels}
}

// size returns which of Sizes a step has.
func (l *Loader) size(step int) [2]int {
	if l.cfg.SizeOf != nil {
		return l.cfg.Sizes[l.cfg.SizeOf(step)]
	}
	hi, _ := rng.Key(l.cfg.Seed, streamSize, uint64(step))
	return l.cfg.Sizes[hi%uint64(len(l.cfg.Sizes))]
}

// Bad returns the examples that could not be read so far, in the order of the
// batches they were met in.
func (l *Loader) Bad() []BadExample {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.log)
}

// Epoch yields the batches of one epoch from the given one on.
func (l *Loader) Epoch(ctx context.Context, epoch, first int) iter.Seq2[*Batch, error] {
	return l.Batches(ctx, epoch*l.Steps()+first, (epoch+1)*l.Steps())
}

// Batches yields the batches of the steps [from, to), which may span epochs:
// step s is batch s mod [Loader.Steps] of epoch s / Steps. It stops with an
// error when ctx is done or too many examples are unreadable.
func (l *Loader) Batches(ctx context.Context, from, to int) iter.Seq2[*Batch, error] {
	return l.Sequence(ctx, to-from, func(i int) int { return from + i })
}

// Sequence is Batches for n steps of any order, of which step(i) is the i-th:
// for several processes that share the steps.
func (l *Loader) Sequence(ctx context.Context, n int, step func(i int) int) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		if n > 0 && step(0) < 0 {
			yield(nil, fmt.Errorf("loader: step %d", step(0)))
			return
		}
		r := newPipeline(l, n, step)
		defer r.close()
		defer context.AfterFunc(ctx, r.stop)()
		for i := range n {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			s := r.wait(i)
			if s == nil {
				yield(nil, ctx.Err())
				return
			}
			if err := l.account(s); err != nil {
				yield(nil, err)
				return
			}
			if len(s.batch.Labels) > 0 && !yield(&s.batch, nil) {
				return
			}
			r.release(i)
		}
	}
}

// account records a batch's unreadable examples.
func (l *Loader) account(s *slot) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range s.bad {
		if l.bad[b.Index] {
			continue
		}
		l.bad[b.Index] = true
		l.log = append(l.log, b)
	}
	if n := len(l.log); n > l.cfg.MaxBad {
		b := l.log[n-1]
		return fmt.Errorf("loader: %w: %d of %d, the limit is %d; the last is %s: %w",
			ErrTooManyBad, n, l.set.Len(), l.cfg.MaxBad, b.Name, b.Err)
	}
	return s.err
}
