package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/internal/filelock"
)

// ErrFull says that the cache has no room for a shard.
var ErrFull = errors.New("the cache is full")

// cache is a folder of whole objects, those used last, which processes share.
// Of every object NAME there are
//
//	NAME        its bytes, complete
//	NAME.part   its beginning, while it is fetched
//	NAME.json   what they are; the time of the last change is that of the last use
//	NAME.lock   held by who fetches it
//	NAME.index  what of it says which pictures it holds (see index)
type cache struct {
	dir string
	max int64 // bytes

	mu sync.Mutex // taken before the lock of the folder
}

// lock takes the lock of the folder, for who makes room in it.
func (c *cache) lock(ctx context.Context) (release func(), err error) {
	c.mu.Lock()
	lock, err := filelock.Wait(ctx, filepath.Join(c.dir, lockSuffix))
	if err != nil {
		c.mu.Unlock()
		return nil, err
	}
	return func() { lock.Release(); c.mu.Unlock() }, nil
}

// record is what NAME.json holds.
type record struct {
	Address  string `json:"address"` // without passwords
	Size     int64  `json:"size"`
	Tag      string `json:"etag,omitempty"`
	SHA256   string `json:"sha256,omitempty"`   // of the complete object
	Modified int64  `json:"modified,omitempty"` // when its file was last compared with that, in nanoseconds
}

const (
	partSuffix   = ".part"
	recordSuffix = ".json"
	lockSuffix   = ".lock"
	indexSuffix  = ".index"
)

// path returns where an object is kept.
func (c *cache) path(a address) string {
	sum := sha256.Sum256([]byte(a.text))
	name := a.key
	if a.url != nil {
		name = a.url.Path
	}
	base := strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`<>:"|?*\`, r) {
			return '_'
		}
		return r
	}, path.Base(name))
	if len(base) > 100 {
		base = base[len(base)-100:]
	}
	return filepath.Join(c.dir, hex.EncodeToString(sum[:8])+"-"+base)
}

func readRecord(path string) (record, error) {
	var r record
	b, err := os.ReadFile(path + recordSuffix)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	return r, err
}

func writeRecord(path string, r record) error {
	b, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(path+recordSuffix, append(b, '\n'))
}

// complete opens an object's file if it is there, of the content that the store
// has, and as it came.
func (c *cache) complete(path string, o *object) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil
	}
	r, err := readRecord(path)
	info, statErr := f.Stat()
	if err != nil || statErr != nil || r.SHA256 == "" || r.Tag != o.tag || r.Size != o.size || info.Size() != o.size {
		return nil, f.Close()
	}
	if r.Modified == info.ModTime().UnixNano() {
		return f, nil
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(f, 0, o.size)); err != nil || hex.EncodeToString(sum.Sum(nil)) != r.SHA256 {
		return nil, f.Close() // it is fetched anew
	}
	r.Modified = info.ModTime().UnixNano()
	_ = writeRecord(path, r) // else it is compared again
	return f, nil
}

// used notes that an object was used now.
func used(path string) {
	now := time.Now()
	_ = os.Chtimes(path+recordSuffix, now, now) // at worst it is thrown out sooner
}

// kept is a file of the cache that takes room.
type kept struct {
	path string // without suffix
	size int64
	used time.Time
}

// list returns what takes room, the longest unused first.
func (c *cache) list() ([]kept, error) {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return nil, err
	}
	var all []kept
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), recordSuffix)
		if !ok || strings.HasPrefix(name, ".") {
			continue
		}
		info, err := e.Info()
		path := filepath.Join(c.dir, name)
		r, readErr := readRecord(path)
		if err != nil || readErr != nil {
			continue // it is being replaced
		}
		all = append(all, kept{path, r.Size, info.ModTime()})
	}
	slices.SortFunc(all, func(a, b kept) int { return cmp.Or(a.used.Compare(b.used), strings.Compare(a.path, b.path)) })
	return all, nil
}

// reserve makes room for an object and notes that it is coming: what was unused
// the longest goes, but for what others fetch at this moment.
func (c *cache) reserve(ctx context.Context, path string, r record) error {
	release, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	if r.Size > c.max {
		return fmt.Errorf("%w: %s has %d bytes, and the cache %s may hold %d: let it hold more", ErrFull, r.Address, r.Size, c.dir, c.max)
	}
	all, err := c.list()
	if err != nil {
		return err
	}
	total := r.Size
	for _, k := range all {
		if k.path != path {
			total += k.size
		}
	}
	for _, k := range all {
		if total <= c.max {
			break
		}
		if k.path != path && c.remove(k.path) {
			total -= k.size
		}
	}
	if total > c.max {
		return fmt.Errorf("%w: others fetch shards into %s, which may hold %d bytes", errBusy, c.dir, c.max)
	}
	return writeRecord(path, r)
}

// errBusy says that there will be room later.
var errBusy = errors.New("the cache has no room at the moment")

// remove throws an object out, unless somebody fetches it.
func (c *cache) remove(path string) bool {
	lock, err := filelock.Try(path + lockSuffix)
	if err != nil {
		return false
	}
	defer lock.Remove()
	for _, suffix := range []string{"", partSuffix, recordSuffix} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return false // open, on Windows
		}
	}
	return true
}

// freeUp throws out the object that was unused the longest, for a disk that is
// full before the cache is, and reports whether there was one.
func (c *cache) freeUp(ctx context.Context, except string) bool {
	release, err := c.lock(ctx)
	if err != nil {
		return false
	}
	defer release()
	all, err := c.list()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(all, func(k kept) bool { return k.path != except && c.remove(k.path) })
}
