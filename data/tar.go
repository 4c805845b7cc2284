package data

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// OpenTar reads pictures from tar archives without unpacking them: class
// folders in an archive, or WebDataset shards, in which a picture stands next to
// a file of the same name that holds its label: one that ends in .cls, .class
// or .index, else a .json with a member label, cls or class, else a .txt. A
// word in a shard's name says the part it is of, as described with [Open].
func OpenTar(files ...string) (*Splits, error) { return openTars(localFiles(givenFiles(files))) }

// openTars reads archives.
func openTars(files []sourceFile) (*Splits, error) {
	a := &archives{}
	for _, f := range files {
		if err := a.list(f); err != nil {
			return nil, fmt.Errorf("tar: %w", err)
		}
	}
	if err := settleParts(a.files); err != nil {
		return nil, fmt.Errorf("tar: %w", err)
	}
	t := &tree{}
	if len(files) > 0 {
		t.root = files[0].path
	}
	for i, f := range a.files {
		t.archives = append(t.archives, f)
		for _, m := range a.pictures[i] {
			t.paths, t.places = append(t.paths, m.name), append(t.places, m.place)
		}
	}
	s, err := a.webDataset(t)
	if s == nil && err == nil {
		t.sort()
		s, err = a.classFolders(t)
		err = a.hint(err)
	}
	if err != nil {
		return nil, err
	}
	s.Notes = append(s.Notes, a.notes...)
	return s, nil
}

// hint adds to the error for archives in which nothing says the classes what
// there is besides pictures.
func (a *archives) hint(err error) error {
	if err == nil || !errors.Is(err, ErrLayout) || errors.Is(err, ErrAmbiguous) {
		return err
	}
	var there []string
	if kinds, kindErr := a.labelKinds(); kindErr == nil && kinds != [textLabel + 1]bool{} {
		there = append(there, "files beside the pictures that hold no label (a .json needs a member label, cls or class)")
	}
	for _, l := range a.left.list() {
		there = append(there, l.String())
	}
	if len(there) == 0 {
		return err
	}
	return fmt.Errorf("%w; what is there: %s", err, strings.Join(there, "; "))
}

// archives are tar files that hold pictures.
type archives struct {
	files    []sourceFile
	pictures [][]member // of every file
	labels   []labelFiles
	left     leftOut
	notes    []string
}

// list adds an archive, unless it holds no picture.
func (a *archives) list(file sourceFile) error {
	f, err := file.open()
	if err != nil {
		return err
	}
	defer f.Close()
	members, err := listTar(f, file.path, len(a.files), &a.left)
	if err != nil {
		return err
	}
	if ended, err := hasEnd(f); err != nil || !ended {
		a.notes = append(a.notes, fmt.Sprintf("%s has no mark at its end: it may be cut short", file.path))
	}
	var pictures, beside []member
	labels := newLabelFiles()
	for _, m := range members {
		kind := labelKindOf(m.name)
		switch {
		case hiddenPath(m.name):
			a.left.add("hidden or of the system", m.name)
		case isPicture(m.name):
			pictures = append(pictures, m)
		case kind != noLabel:
			labels.add(m, kind)
			beside = append(beside, m)
		default:
			a.left.add(noPicture(strings.ToLower(path.Ext(m.name))), m.name)
		}
	}
	if len(pictures) == 0 {
		a.left.add("archive without pictures", file.path)
		return nil
	}
	if file.remote() {
		if err := keepLabels(f, file.path, beside); err != nil {
			return err
		}
	}
	a.files = append(a.files, file)
	a.pictures = append(a.pictures, pictures)
	a.labels = append(a.labels, labels)
	return nil
}

// hiddenPath says whether a file, or a folder it is in, is hidden.
func hiddenPath(name string) bool {
	for element := range strings.SplitSeq(name, "/") {
		if isHidden(element) {
			return true
		}
	}
	return false
}

// classFolders reads class folders in archives. The parts are folders within, or
// the archives themselves.
func (a *archives) classFolders(t *tree) (*Splits, error) {
	const kind = "class folders in a tar archive"
	within := &arranger{root: t.root, paths: t.paths, left: &leftOut{}}
	if err := within.arrange(); err == nil && within.hasParts() {
		for i, s := range within.spots {
			if p := a.files[t.places[i].archive].part; len(a.files) > 1 && p != noPart && s.class != "" && p != s.part {
				return nil, ambiguous("%s may be of the part %s, as its archive says, or of %s, as its folder does: rename one of them", t.name(i), p, s.part)
			}
		}
		return classFolders(t, t.paths, nil, kind, &a.left)
	}
	paths := slices.Clone(t.paths)
	for i := range paths {
		if p := a.files[t.places[i].archive].part; p != noPart {
			paths[i] = p.String() + "/" + paths[i]
		}
	}
	return classFolders(t, paths, nil, kind, &a.left)
}

// sort puts the files in the order of their paths.
func (t *tree) sort() {
	order := make([]int, len(t.paths))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(t.paths[a], t.paths[b]) })
	paths, places := make([]string, len(order)), make([]place, len(order))
	for i, j := range order {
		paths[i], places[i] = t.paths[j], t.places[j]
	}
	t.paths, t.places = paths, places
}
