package store

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mixnet-go/mixnet/data"
)

// shards is the [data.Shards] of a store.
type shards struct {
	downloader
	ctx      context.Context // of the set: what is read later has none of its own
	names    []string
	objects  []*shard
	room     int
	opening  atomic.Bool
	progress func(done, all int)
	looked   int
	ahead    ahead
}

// shard is an object, and what is known of its file in the cache.
type shard struct {
	object
	mu    sync.Mutex                // held by who fetches it: processes wait for each other longer
	file  atomic.Pointer[fileState] // as it was found complete
	lost  atomic.Pointer[error]     // why fetching it failed the last time
	noted atomic.Int64              // when its use was noted, in nanoseconds
}

// fileState tells whether a file is the one that was compared.
type fileState struct {
	size     int64
	modified time.Time
}

// file is an open archive.
type file struct {
	*os.File
	size int64
}

func (f file) Size() int64 { return f.size }

// Names implements [data.Shards].
func (s *shards) Names() []string { return s.names }

// Room implements [data.Shards].
func (s *shards) Room() int { return s.room }

// Open implements [data.Shards].
func (s *shards) Open(i int) (data.Shard, error) {
	o := s.objects[i]
	if !s.opening.Load() {
		f, err := s.openFile(i)
		if err != nil {
			return nil, err
		}
		return file{f, o.size}, nil
	}
	if s.looked < len(s.objects) && s.progress != nil {
		s.progress(s.looked, len(s.objects))
	}
	s.looked++
	path := s.path(o.address)
	if x := readIndex(path, &o.object); x != nil {
		return &indexed{index: x, open: func() (*os.File, error) { return s.openFile(i) }}, nil
	}
	f, err := s.openFile(i)
	if err != nil {
		return nil, err
	}
	if o.tag == "" { // nothing tells whether an index would still be right
		return file{f, o.size}, nil
	}
	return &recorded{file: file{f, o.size}, index: index{Tag: o.tag, Size: o.size}, path: path}, nil
}

// openFile opens the file of a shard, which is fetched if it is not here. Of
// several that want it one fetches, and those that wait share its failure: else
// a store that stays away is waited for by one after the other.
func (s *shards) openFile(i int) (*os.File, error) {
	o := s.objects[i]
	path := s.path(o.address)
	if f := o.again(path); f != nil {
		return f, nil
	}
	before := o.lost.Load()
	o.mu.Lock()
	defer o.mu.Unlock()
	if f := o.again(path); f != nil {
		return f, nil
	}
	if lost := o.lost.Load(); lost != before {
		return nil, *lost
	}
	f, err := s.bring(s.ctx, &o.object)
	if err != nil {
		err = fmt.Errorf("%w: %w", data.ErrUnavailable, err)
		o.lost.Store(&err)
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	o.file.Store(&fileState{info.Size(), info.ModTime()})
	o.use(path)
	return f, nil
}

// again opens a file that was found complete before; nil if it is another now.
func (o *shard) again(path string) *os.File {
	known := o.file.Load()
	if known == nil {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	if info, err := f.Stat(); err != nil || info.Size() != known.size || !info.ModTime().Equal(known.modified) {
		_ = f.Close()
		return nil
	}
	o.use(path)
	return f
}

// use notes that the shard is used, now and then.
func (o *shard) use(path string) {
	const every = 100 * time.Millisecond
	now := time.Now().UnixNano()
	if last := o.noted.Load(); now-last >= int64(every) && o.noted.CompareAndSwap(last, now) {
		used(path)
	}
}

// ahead fetches shards before they are needed.
type ahead struct {
	mu      sync.Mutex
	next    []int        // to be fetched, the first one first
	failed  map[int]bool // are left to whoever needs them
	active  map[int]bool
	running sync.WaitGroup
	workers int
}

// fetchers is how many shards are fetched ahead at a time.
const fetchers = 2

// Ahead implements [data.Shards].
func (s *shards) Ahead(next []int) {
	a := &s.ahead
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next = a.next[:0]
	for n, i := range next {
		if n >= s.room {
			break
		}
		if !a.failed[i] && !a.active[i] {
			a.next = append(a.next, i)
		}
	}
	for a.workers < min(fetchers, len(a.next)) && s.ctx.Err() == nil {
		a.workers++
		a.running.Go(s.fetchAhead)
	}
}

// take returns the shard to fetch next; false if there is none.
func (a *ahead) take() (int, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.next) == 0 {
		a.workers--
		return 0, false
	}
	i := a.next[0]
	a.next = a.next[1:]
	if a.active == nil {
		a.active, a.failed = map[int]bool{}, map[int]bool{}
	}
	a.active[i] = true
	return i, true
}

// finish notes how fetching a shard has ended.
func (a *ahead) finish(i int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.active, i)
	if err != nil {
		a.failed[i] = true
	}
}

// fetchAhead fetches shards until none is left to be.
func (s *shards) fetchAhead() {
	for {
		i, ok := s.ahead.take()
		if !ok {
			return
		}
		f, err := s.openFile(i)
		if err == nil {
			err = f.Close()
		}
		s.ahead.finish(i, err)
	}
}
