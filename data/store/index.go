package store

import (
	"cmp"
	"compress/gzip"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/mixnet-go/mixnet/internal/atomicfile"
)

// index is what of a tar archive was read to find the pictures in it: its
// headers and labels. An archive has no table of contents, so a set must once be
// fetched as a whole; the index, which stays when the archive is thrown out of
// the cache, spares that the next time. It is a part of the archive's bytes and
// nothing else: what it lacks is read from the archive.
type index struct {
	Tag    string // of the object
	Size   int64
	Blocks []block // in order, none touching the next
}

type block struct {
	At    int64
	Bytes []byte
}

// maxIndex bounds the bytes of an index that are read again.
const maxIndex = 1 << 30

// readIndex returns the index kept of an object; nil if there is none.
func readIndex(path string, o *object) *index {
	f, err := os.Open(path + indexSuffix)
	if err != nil {
		return nil
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil
	}
	var x index
	if err := gob.NewDecoder(io.LimitReader(z, maxIndex)).Decode(&x); err != nil || x.Tag != o.tag || x.Size != o.size || o.tag == "" {
		return nil
	}
	return &x
}

// write keeps the index.
func (x *index) write(path string) error {
	x.settle()
	return atomicfile.Write(path+indexSuffix, func(w io.Writer) error {
		z := gzip.NewWriter(w)
		return errors.Join(gob.NewEncoder(z).Encode(x), z.Close())
	})
}

// add notes bytes that were read.
func (x *index) add(at int64, b []byte) {
	if n := len(x.Blocks) - 1; n >= 0 && x.Blocks[n].end() == at {
		x.Blocks[n].Bytes = append(x.Blocks[n].Bytes, b...)
		return
	}
	x.Blocks = append(x.Blocks, block{at, slices.Clone(b)})
}

func (b block) end() int64 { return b.At + int64(len(b.Bytes)) }

// settle sorts the blocks and joins those that touch.
func (x *index) settle() {
	slices.SortStableFunc(x.Blocks, func(a, b block) int { return cmp.Compare(a.At, b.At) })
	joined := x.Blocks[:0]
	for _, b := range x.Blocks {
		n := len(joined) - 1
		if n < 0 || b.At > joined[n].end() {
			joined = append(joined, b)
		} else if more := joined[n].end() - b.At; more < int64(len(b.Bytes)) {
			joined[n].Bytes = append(joined[n].Bytes, b.Bytes[more:]...)
		}
	}
	x.Blocks = joined
}

// read fills b from offset at on, and reports whether all of that is known.
func (x *index) read(b []byte, at int64) bool {
	i, found := slices.BinarySearchFunc(x.Blocks, at, func(k block, at int64) int { return cmp.Compare(k.At, at) })
	if !found {
		i--
	}
	if i < 0 || at+int64(len(b)) > x.Blocks[i].end() {
		return false
	}
	copy(b, x.Blocks[i].Bytes[at-x.Blocks[i].At:])
	return true
}

// indexed is an archive of which the index is known.
type indexed struct {
	*index
	open func() (*os.File, error) // the archive itself
	file *os.File
}

func (x *indexed) Size() int64 { return x.index.Size }

// ReadAt implements [io.ReaderAt].
func (x *indexed) ReadAt(b []byte, at int64) (int, error) {
	want := b[:max(0, min(int64(len(b)), x.index.Size-at))]
	if at >= 0 && x.read(want, at) {
		if len(want) < len(b) {
			return len(want), io.EOF
		}
		return len(b), nil
	}
	if x.file == nil {
		var err error
		if x.file, err = x.open(); err != nil {
			return 0, err
		}
	}
	return x.file.ReadAt(b, at)
}

func (x *indexed) Close() error {
	if x.file == nil {
		return nil
	}
	return x.file.Close()
}

// recorded is an archive of which an index is being made.
type recorded struct {
	file
	index index
	path  string
}

// ReadAt implements [io.ReaderAt].
func (r *recorded) ReadAt(b []byte, at int64) (int, error) {
	n, err := r.file.ReadAt(b, at)
	r.index.add(at, b[:n])
	return n, err
}

// Close keeps the index.
func (r *recorded) Close() error {
	err := r.index.write(r.path)
	if err != nil {
		err = fmt.Errorf("the index of an archive: %w", err)
	}
	return errors.Join(err, r.file.Close())
}
