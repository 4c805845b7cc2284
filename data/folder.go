package data

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// Folder reads a folder of class folders: every folder directly in root is a
// class, and the pictures anywhere below it are its examples, both in the order
// of their names. It is torchvision's ImageFolder and ImageNet's layout. [Open]
// knows parts as well.
func Folder(root string) (*Files, error) {
	f, err := scan(root)
	if err != nil {
		return nil, fmt.Errorf("class folders: %w", err)
	}
	b := newBuilder(f.tree(), "class folders", &f.left)
	for i, p := range f.pictures {
		if class, _, ok := strings.Cut(p, "/"); ok {
			b.add(i, noPart, class)
		}
	}
	var hollow []string
	for _, e := range f.empty {
		if e != "" && !strings.Contains(e, "/") {
			hollow = append(hollow, e)
		}
	}
	if err := checkFolders(root, len(b.items), len(f.pictures), hollow); err != nil {
		return nil, err
	}
	s, err := b.splits()
	if err != nil {
		return nil, err
	}
	return s.Train.(*Files), nil
}

// tree is the pictures of a folder.
func (f *folder) tree() *tree { return &tree{root: f.root, paths: f.pictures} }

// checkFolders reports class folders without pictures, or none at all.
func checkFolders(root string, inFolders, pictures int, hollow []string) error {
	switch {
	case inFolders == 0 && pictures > 0:
		return errNoFolders(root, pictures)
	case inFolders == 0:
		return fmt.Errorf("%w: %s has no class folder with a picture in it", ErrLayout, root)
	case len(hollow) > 0:
		return fmt.Errorf("%w: %s: no picture in the class folders %s: fill or remove them", ErrLayout, root, listNames(hollow))
	}
	return nil
}

// errNoFolders is the error for pictures that lie in no class folder.
func errNoFolders(root string, pictures int) error {
	return fmt.Errorf("%w: %s has %d pictures but %w: put each class into a folder of its name", ErrLayout, root, pictures, errFlat)
}

// errFlat says that pictures lie in no class folders.
var errFlat = errors.New("no class folders")

// classFolders reads the pictures of a tree as class folders, below folders of
// parts if it has those. Paths are where the pictures are taken to be.
func classFolders(t *tree, paths, empty []string, kind string, left *leftOut) (*Splits, error) {
	a := &arranger{root: t.root, paths: paths, empty: empty, left: left}
	if err := a.arrange(); err != nil {
		return nil, err
	}
	b := newBuilder(t, kind, left)
	b.notes = a.notes
	for i, s := range a.spots {
		if s.class != "" {
			b.add(i, s.part, s.class)
		}
	}
	if err := checkFolders(t.root, len(b.items), len(paths), a.hollow); err != nil {
		return nil, err
	}
	return b.splits()
}

// ambiguous is the error for what can be read in two ways.
func ambiguous(format string, args ...any) error {
	return &ambiguousError{fmt.Sprintf(format, args...)}
}

type ambiguousError struct{ text string }

func (e *ambiguousError) Error() string { return e.text }

// Is makes the error one of layout as well.
func (e *ambiguousError) Is(target error) bool { return target == ErrAmbiguous || target == ErrLayout }

// slashed returns a path with slashes as one of the system below root.
func slashed(root, path string) string { return filepath.Join(root, filepath.FromSlash(path)) }
