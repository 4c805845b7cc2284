// Package store reads training sets that lie as tar shards in object stores:
// Amazon S3 and what speaks its protocol, Google Cloud Storage, and web servers.
//
// Shards are fetched whole into a folder that holds those used last, up to a
// number of bytes, and that processes share. What is fetched is compared with
// the size and the checksums that the store states, goes on where it stopped
// when a connection breaks, and is read as a file is: batches are those that
// the same shards on a disk give, to the bit.
package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/internal/fetch"
)

// DefaultMaxBytes is what a cache may hold where nothing else is said.
const DefaultMaxBytes = 50 << 30

// Options say where shards are kept and how they are fetched.
type Options struct {
	// Dir is the cache's folder. Empty means that of the environment variable
	// MIXNET_CACHE, or else "mixnet" in the user's cache directory, and "shards"
	// in it.
	Dir string
	// MaxBytes is what the cache may hold; 0 means [DefaultMaxBytes].
	MaxBytes int64
	// Progress, if set, is called while a set is opened, with the number of
	// shards that were looked at and of all.
	Progress func(done, all int)
	// Waiting, if set, is called before a try that follows a failed one. It may
	// be called from several goroutines at once.
	Waiting func(err error, wait time.Duration)
	// HTTP is the client used; nil means one with sensible time limits.
	HTTP *http.Client
	// Getenv reads the environment; nil means os.Getenv.
	Getenv func(string) string
	// Patience is how long a download may stand still before it is tried again.
	// 0 means 30 seconds.
	Patience time.Duration

	retry fetch.Retry // the zero value means some two minutes
}

// Set is a data set in a store.
type Set struct {
	*data.Splits
	shards *shards
}

// Open reads the set in the shards that patterns name, such as
// s3://bucket/train-{0000..1281}.tar (see [Expand]). Until ctx ends, which ends
// fetching too, its pictures can be read.
//
// Opening a set for the first time fetches all of it once, for what is in an
// archive stands all over it. The errors wrap [ErrNotFound], [ErrDenied],
// [ErrChanged], [ErrDamaged], [ErrFull], [ErrCredentials] and [ErrAddress], and
// those of what is fetched later [data.ErrUnavailable] as well.
func Open(ctx context.Context, o Options, patterns ...string) (*Set, error) {
	s, err := newShards(ctx, o, patterns)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if err := s.stat(); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	splits, err := data.OpenShards(s)
	if err != nil {
		return nil, err
	}
	s.opening.Store(false)
	return &Set{splits, s}, nil
}

// Wait waits for what is fetched ahead, which the end of Open's context ends.
func (s *Set) Wait() { s.shards.ahead.running.Wait() }

// newShards makes ready to read what patterns name.
func newShards(ctx context.Context, o Options, patterns []string) (*shards, error) {
	s := &shards{ctx: ctx, progress: o.Progress}
	var addresses []address
	seen := map[string]bool{}
	for _, p := range patterns {
		names, err := Expand(p)
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			a, err := parse(n)
			if err != nil {
				return nil, err
			}
			if seen[n] {
				return nil, fmt.Errorf("%w: %s is named twice", ErrAddress, a)
			}
			seen[n] = true
			addresses = append(addresses, a)
			s.names = append(s.names, a.String())
			s.objects = append(s.objects, &shard{object: object{address: a}})
		}
	}
	if len(addresses) == 0 {
		return nil, fmt.Errorf("%w: none is given", ErrAddress)
	}
	d := &s.downloader
	d.http, d.getenv, d.now, d.patience = o.HTTP, o.Getenv, time.Now, o.Patience
	if d.http == nil {
		d.http = fetch.Client()
	}
	if d.getenv == nil {
		d.getenv = os.Getenv
	}
	if d.retry = o.retry; d.retry.Tries == 0 {
		d.retry = fetch.Retry{Tries: maxTries, Dials: maxTries, Delay: firstDelay, Longest: longest}
	}
	d.retry.Waiting = o.Waiting
	var err error
	if d.dir, err = o.dir(); err != nil {
		return nil, err
	}
	if d.max = o.MaxBytes; d.max <= 0 {
		d.max = DefaultMaxBytes
	}
	s.opening.Store(true)
	return s, errors.Join(d.prepare(addresses), os.MkdirAll(d.dir, 0o777))
}

// dir returns the cache's folder.
func (o *Options) dir() (string, error) {
	if o.Dir != "" {
		return filepath.Abs(o.Dir)
	}
	getenv := o.Getenv
	if getenv == nil {
		getenv = os.Getenv
	}
	if dir := getenv("MIXNET_CACHE"); dir != "" {
		return filepath.Abs(filepath.Join(dir, "shards"))
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no directory for the cache: set MIXNET_CACHE: %w", err)
	}
	return filepath.Join(dir, "mixnet", "shards"), nil
}

// stat asks for all objects, several at a time. Of several errors the first
// object's is returned.
func (s *shards) stat() error {
	const atOnce = 16
	errs := make([]error, len(s.objects))
	next := make(chan int)
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	var workers sync.WaitGroup
	for range min(atOnce, len(s.objects)) {
		workers.Go(func() {
			for i := range next {
				o := s.objects[i]
				errs[i] = s.retry.Do(ctx, func(ctx context.Context) (_ bool, err error) {
					o.object, err = s.client.stat(ctx, o.address)
					return false, err
				})
				if errs[i] != nil {
					cancel()
				}
			}
		})
	}
	for i := range s.objects {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
	if err := s.ctx.Err(); err != nil {
		return err
	}
	for i, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("%s: %w", s.names[i], err)
		}
	}
	largest := int64(1)
	for _, o := range s.objects {
		largest = max(largest, o.size)
	}
	s.room = int(min(s.max/largest, math.MaxInt32))
	if s.room == 0 {
		i := slices.IndexFunc(s.objects, func(o *shard) bool { return o.size == largest })
		return fmt.Errorf("%w: %s has %d bytes, and the cache %s may hold %d: let it hold more", ErrFull, s.names[i], largest, s.dir, s.max)
	}
	return nil
}
