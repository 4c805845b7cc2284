package data

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxFile bounds one picture file.
const maxFile = 256 << 20

// maxDepth bounds how deep below a class folder pictures are looked for.
const maxDepth = 16

// Files is a set of picture files.
type Files struct {
	// Root is put before every path.
	Root string
	// Paths are the files, with slashes as the system has them.
	Paths []string
	// Labels are indices into Names, one for every path.
	Labels []int
	// Names are the classes.
	Names []string
}

// Len is described with [Dataset].
func (f *Files) Len() int { return len(f.Paths) }

// Classes is described with [Dataset].
func (f *Files) Classes() []string { return f.Names }

// Label is described with [Dataset].
func (f *Files) Label(i int) int { return f.Labels[i] }

// Name is described with [Dataset].
func (f *Files) Name(i int) string { return filepath.Join(f.Root, f.Paths[i]) }

// Read is described with [Dataset].
func (f *Files) Read(i int, s *Sample) error {
	if i < 0 || i >= len(f.Paths) {
		return fmt.Errorf("%s: example %d of %d", f.Root, i, len(f.Paths))
	}
	return s.readFile(f.Name(i))
}

// readFile makes s the picture in a file.
func (s *Sample) readFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	if size > maxFile || !info.Mode().IsRegular() {
		return fmt.Errorf("%s: not a file of at most %d bytes", name, int64(maxFile))
	}
	if int64(cap(s.file)) < size {
		s.file = make([]byte, size)
	}
	s.file = s.file[:size]
	if _, err := io.ReadFull(f, s.file); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", name, err)
	}
	s.Pixels, s.File = nil, s.file
	return nil
}

// isPicture says whether a file's name ends as a picture's does.
func isPicture(name string) bool {
	if strings.HasPrefix(name, ".") {
		return false
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif":
		return true
	}
	return false
}

// Folder reads a folder of class folders: every folder directly in root is a
// class, and the pictures anywhere below it are its examples, both in the order
// of their names. It is torchvision's ImageFolder and ImageNet's layout.
func Folder(root string) (*Files, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("class folders: %w", err)
	}
	f := &Files{Root: root}
	loose := 0
	var empty []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if !isDir(root, e) {
			if isPicture(e.Name()) {
				loose++
			}
			continue
		}
		before := len(f.Paths)
		if err := f.collect(e.Name(), len(f.Names), maxDepth); err != nil {
			return nil, fmt.Errorf("class folders: %w", err)
		}
		if len(f.Paths) == before {
			empty = append(empty, e.Name())
			continue
		}
		f.Names = append(f.Names, e.Name())
	}
	switch {
	case len(f.Paths) > 0 && len(empty) > 0:
		return nil, fmt.Errorf("%w: %s: no picture in the class folders %s: fill or remove them", ErrLayout, root, listNames(empty))
	case len(f.Paths) == 0 && loose > 0:
		return nil, fmt.Errorf("%w: %s has %d pictures but no class folders: put each class into a folder of its name", ErrLayout, root, loose)
	case len(f.Paths) == 0:
		return nil, fmt.Errorf("%w: %s has no class folder with a picture in it", ErrLayout, root)
	}
	return f, nil
}

// isDir says whether an entry is a folder or a link to one.
func isDir(root string, e os.DirEntry) bool {
	if e.Type()&os.ModeSymlink == 0 {
		return e.IsDir()
	}
	info, err := os.Stat(filepath.Join(root, e.Name()))
	return err == nil && info.IsDir()
}

// collect adds the pictures at and below dir.
func (f *Files) collect(dir string, label, depth int) error {
	entries, err := os.ReadDir(filepath.Join(f.Root, dir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		switch {
		case isPicture(e.Name()) && !e.IsDir():
			f.Paths = append(f.Paths, name)
			f.Labels = append(f.Labels, label)
		case e.IsDir() && depth > 0 && !strings.HasPrefix(e.Name(), "."):
			if err := f.collect(name, label, depth-1); err != nil {
				return err
			}
		}
	}
	return nil
}

// listNames joins names, the first few of many.
func listNames(names []string) string {
	const few = 5
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}

// openFolders reads root as class folders, or as folders train, val and test
// of class folders.
func openFolders(root string) (*Splits, error) {
	s := &Splits{Kind: "class folders"}
	found := false
	for _, part := range []struct {
		d     *Dataset
		names []string
	}{
		{&s.Train, []string{"train", "training"}},
		{&s.Val, []string{"val", "valid", "validation"}},
		{&s.Test, []string{"test", "testing"}},
	} {
		for _, name := range part.names {
			dir := filepath.Join(root, name)
			if info, err := os.Stat(dir); err != nil || !info.IsDir() {
				continue
			}
			f, err := Folder(dir)
			if err != nil {
				return nil, err
			}
			*part.d, found = f, true
			break
		}
	}
	if found && (s.Train != nil || s.Val != nil && s.Test != nil) {
		return s, s.unify()
	}
	f, err := Folder(root)
	if err != nil {
		return nil, err
	}
	s.Train, s.Val, s.Test = f, nil, nil
	return s, nil
}

// unify gives all parts the classes of the training part.
func (s *Splits) unify() error {
	classes := s.Classes()
	for _, p := range []struct {
		name string
		d    *Dataset
	}{{"validation", &s.Val}, {"test", &s.Test}} {
		if *p.d == nil || slices.Equal((*p.d).Classes(), classes) {
			continue
		}
		d, err := Relabel(*p.d, classes)
		if err != nil {
			return fmt.Errorf("%s part: %w", p.name, err)
		}
		*p.d = d
	}
	return nil
}
