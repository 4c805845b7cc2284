package data

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/mixnet-go/mixnet/internal/reuse"
	"github.com/mixnet-go/mixnet/vision"
)

// maxFile bounds one picture file.
const maxFile = 256 << 20

// tree is a list of picture files under one root, in a folder or in tar
// archives.
type tree struct {
	root     string       // of the paths, for messages and, in a folder, for opening
	paths    []string     // with slashes
	archives []sourceFile // none for a folder
	places   []place      // of the paths within them
}

// place is where a file lies in an archive.
type place struct {
	archive      int
	offset, size int64
}

// name says where file i is.
func (t *tree) name(i int) string {
	if t.places != nil {
		return t.archives[t.places[i].archive].path + ":" + t.paths[i]
	}
	file := filepath.FromSlash(t.paths[i])
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(t.root, file)
}

// read makes s the picture in file i.
func (t *tree) read(i int, s *Sample) error {
	if t.places == nil {
		return s.ReadFile(t.name(i))
	}
	p := t.places[i]
	a := &t.archives[p.archive]
	f, err := a.open()
	if err != nil {
		return err
	}
	defer f.Close()
	return s.readAt(f, a.path, p.offset, p.size)
}

// ReadFile makes s the picture in a file, in s's memory.
func (s *Sample) ReadFile(name string) error {
	f, info, err := openRegular(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return s.readAt(f, name, 0, info.Size())
}

// readAt makes s the picture in size bytes of f from offset on.
func (s *Sample) readAt(f io.ReaderAt, name string, offset, size int64) error {
	if size > maxFile {
		return fmt.Errorf("%s: a picture of %d bytes, the limit is %d", name, size, int64(maxFile))
	}
	s.file = reuse.Slice(s.file, int(size))
	if _, err := f.ReadAt(s.file, offset); err != nil && !(errors.Is(err, io.EOF) && size == 0) {
		return fmt.Errorf("%s: %w", name, err)
	}
	s.Pixels, s.File = nil, s.file
	return nil
}

// openRegular opens a file unless it is a pipe or a device, which might never
// end, or never begin.
func openRegular(name string) (*os.File, os.FileInfo, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s: not a regular file", name)
	}
	f, err := os.Open(name)
	return f, info, err
}

// isPicture says whether a file's name ends as a picture's does.
func isPicture(name string) bool {
	return !strings.HasPrefix(path.Base(name), ".") && vision.IsPicture(name)
}

// Files is a set of picture files.
type Files struct {
	tree    *tree
	index   []int // into the tree
	labels  []int
	classes []string
}

// Len implements [Dataset].
func (f *Files) Len() int { return len(f.index) }

// Classes implements [Dataset].
func (f *Files) Classes() []string { return f.classes }

// Label implements [Dataset].
func (f *Files) Label(i int) int { return f.labels[i] }

// Name implements [Dataset].
func (f *Files) Name(i int) string { return f.tree.name(f.index[i]) }

// Read implements [Dataset].
func (f *Files) Read(i int, s *Sample) error {
	if i < 0 || i >= len(f.index) {
		return fmt.Errorf("%s: example %d of %d", f.tree.root, i, len(f.index))
	}
	return f.tree.read(f.index[i], s)
}
