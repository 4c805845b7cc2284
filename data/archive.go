package data

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrUnavailable says that a shard cannot be had now: unlike a picture that is
// damaged, nothing can stand in for it.
var ErrUnavailable = errors.New("the shard cannot be had")

// Shard is a tar archive that is open.
type Shard interface {
	io.ReaderAt
	io.Closer
	// Size returns its bytes.
	Size() int64
}

// Shards are tar archives that are read like files but may lie elsewhere, such
// as in an object store, and be here only for a time. Its methods may be called
// from several goroutines at once. A Shards is compared with ==.
type Shards interface {
	// Names returns the addresses: for messages, and for the words in them that
	// say a part of the set.
	Names() []string
	// Open makes shard i ready to be read. The error wraps [ErrUnavailable] where
	// the shard is not here and cannot be brought.
	Open(i int) (Shard, error)
	// Room returns how many of the shards can be here at once.
	Room() int
	// Ahead says which shards will be read next, the first one first. It does not
	// wait for them.
	Ahead(next []int)
}

// OpenShards reads the set in tar archives, as [OpenTar] does.
func OpenShards(shards Shards) (*Splits, error) {
	files := givenFiles(shards.Names())
	for i := range files {
		files[i].shards, files[i].shard = shards, i
	}
	return openTars(files)
}

// localShards are archives that are files.
type localShards struct{ files []string }

func (l *localShards) Names() []string { return l.files }
func (l *localShards) Room() int       { return len(l.files) }
func (l *localShards) Ahead([]int)     {}

func (l *localShards) Open(i int) (Shard, error) {
	f, info, err := openRegular(l.files[i])
	if err != nil {
		return nil, err
	}
	return fileShard{f, info.Size()}, nil
}

type fileShard struct {
	*os.File
	size int64
}

func (f fileShard) Size() int64 { return f.size }

// localFiles makes files shards of themselves.
func localFiles(files []sourceFile) []sourceFile {
	l := &localShards{}
	for i := range files {
		l.files = append(l.files, files[i].path)
		files[i].shards, files[i].shard = l, i
	}
	return files
}

// open makes the archive ready to be read.
func (f *sourceFile) open() (Shard, error) { return f.shards.Open(f.shard) }

// remote says whether the archive is no file here.
func (f *sourceFile) remote() bool {
	_, local := f.shards.(*localShards)
	return !local
}

// shardRef is one of some shards.
type shardRef struct {
	shards Shards
	index  int
}

// sharded is a set whose examples may lie in shards.
type sharded interface {
	shardOf(i int) (shardRef, bool)
}

// shardOf returns the shard that example i of d lies in, if it lies in one.
func shardOf(d Dataset, i int) (shardRef, bool) {
	if s, ok := d.(sharded); ok {
		return s.shardOf(i)
	}
	return shardRef{}, false
}

func (f *Files) shardOf(i int) (shardRef, bool) {
	if f.tree.places == nil {
		return shardRef{}, false
	}
	a := &f.tree.archives[f.tree.places[f.index[i]].archive]
	return shardRef{a.shards, a.shard}, true
}

func (s *subset) shardOf(i int) (shardRef, bool) { return shardOf(s.Dataset, s.index[i]) }

func (r *relabelled) shardOf(i int) (shardRef, bool) { return shardOf(r.Dataset, i) }

func (c *cache) shardOf(i int) (shardRef, bool) { return shardOf(c.Dataset, i) }

func (j joined) shardOf(i int) (shardRef, bool) {
	d, i := j.at(i)
	return shardOf(d, i)
}

// keepLabels reads what may be labels in a shard that is elsewhere, so that
// whoever brings it here can keep that of it.
func keepLabels(f Shard, name string, labels []member) error {
	var buf [4096]byte
	for _, m := range labels {
		if m.size > maxLabelFile {
			continue
		}
		for at := int64(0); at < m.size; at += int64(len(buf)) {
			b := buf[:min(m.size-at, int64(len(buf)))]
			if _, err := f.ReadAt(b, m.offset+at); err != nil && !errors.Is(err, io.EOF) {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}
