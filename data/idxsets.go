package data

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// idxPair is a file of pictures and the file of their labels.
type idxPair struct{ images, labels string }

// idxSet is a set of IDX files in one folder.
type idxSet struct {
	name  string // what the names of its files have in common
	pairs map[part]idxPair
}

// findIDX returns the sets of IDX files among the names of a folder's files, by
// the names that MNIST and its kin use: train-images-idx3-ubyte,
// t10k-labels.idx1-ubyte.gz and the like.
func findIDX(files []string) ([]idxSet, error) {
	sets := map[string]*idxSet{}
	slices.Sort(files)
	for _, images := range files {
		lower := strings.ToLower(images)
		if !isArray(lower) || strings.HasSuffix(lower, ".gz") && slices.Contains(files, images[:len(images)-3]) {
			continue
		}
		labels, err := idxLabels(images, files)
		if err != nil {
			return nil, err
		}
		p, several := partOf(strings.ReplaceAll(lower, "t10k", "-test-"))
		if several {
			return nil, fmt.Errorf("%w: the name %s has words of several parts: rename it", ErrLayout, images)
		}
		stem, _, _ := strings.Cut(lower, "images")
		name := setName(strings.ReplaceAll(stem, "t10k", "test"))
		s := sets[name]
		if s == nil {
			s = &idxSet{name, map[part]idxPair{}}
			sets[name] = s
		}
		if p == noPart {
			p = trainPart
		}
		if other, ok := s.pairs[p]; ok {
			return nil, ambiguous("%s and %s may both be the part %s: take one of them away", other.images, images, p)
		}
		s.pairs[p] = idxPair{images, labels}
	}
	var list []idxSet
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		list = append(list, *sets[name])
	}
	return list, nil
}

// idxLabels returns the file with the labels of a file of pictures.
func idxLabels(images string, files []string) (string, error) {
	lower := strings.ToLower(strings.TrimSuffix(images, ".gz"))
	want := strings.Replace(lower, "images", "labels", 1)
	want = strings.Replace(strings.Replace(want, "idx3", "idx1", 1), "idx4", "idx1", 1)
	for _, name := range []string{want, want + ".gz"} {
		if i := slices.IndexFunc(files, func(f string) bool { return strings.ToLower(f) == name }); i >= 0 {
			return files[i], nil
		}
	}
	return "", fmt.Errorf("%w: %s has no file of labels: want %s or %s.gz", ErrLayout, images, want, want)
}

// first returns the first file of pictures, the training part's if it is there.
func (s *idxSet) first() string {
	for p := trainPart; p <= testPart; p++ {
		if pair, ok := s.pairs[p]; ok {
			return pair.images
		}
	}
	return ""
}

// OpenIDX reads the pairs of IDX files (MNIST's format, gzipped or not) in the
// top folder of fsys, each of pictures and of labels. name names the set in
// messages; a name with "fashion" in it gets Fashion-MNIST's class names. It
// returns nil if there are no such files, and [ErrAmbiguous] if there are
// several sets of them.
func OpenIDX(fsys fs.FS, name string) (*Splits, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() {
			files = append(files, e.Name())
		}
	}
	sets, err := findIDX(files)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case len(sets) == 0:
		return nil, nil
	case len(sets) > 1:
		var names []string
		for _, s := range sets {
			names = append(names, s.first())
		}
		return nil, ambiguous("%s holds %d sets of IDX files, those of %s: give one of these files", name, len(sets), strings.Join(names, ", "))
	}
	return sets[0].open(fsys, name)
}

// openArray reads the set that a file of pictures belongs to.
func openArray(file string) (*Splits, error) {
	dir, base := filepath.Split(file)
	entries, err := os.ReadDir(filepath.Clean(dir))
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	stem, _, _ := strings.Cut(strings.ToLower(base), "images")
	want := setName(strings.ReplaceAll(stem, "t10k", "test"))
	var files []string
	for _, e := range entries {
		stem, _, _ := strings.Cut(strings.ToLower(e.Name()), "images")
		if !isArray(strings.ToLower(e.Name())) || setName(strings.ReplaceAll(stem, "t10k", "test")) == want {
			files = append(files, e.Name())
		}
	}
	sets, err := findIDX(files)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return sets[0].open(os.DirFS(filepath.Clean(dir)), filepath.ToSlash(filepath.Clean(dir)))
}

// idxReadings returns the sets of IDX files in the folder and below. Pictures
// without labels are left out where there are others.
func (f *folder) idxReadings() ([]reading, error) {
	var list []reading
	var missing error
	dirs := map[string]bool{}
	for _, file := range f.arrays {
		dir, _ := parentOf(file)
		dirs[dir] = true
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		entries, err := os.ReadDir(f.path(dir))
		if err != nil {
			return nil, fmt.Errorf("data: %w", err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		sets, err := findIDX(names)
		if err != nil {
			missing = fmt.Errorf("%s: %w", f.path(dir), err)
			continue
		}
		for _, s := range sets {
			list = append(list, reading{
				what: "IDX files, " + path.Join(dir, s.first()), give: f.path(path.Join(dir, s.first())), parts: true,
				files: []string{path.Join(dir, s.first())},
				open:  func() (*Splits, error) { return s.open(os.DirFS(f.path(dir)), f.name(dir)) },
			})
		}
	}
	if len(list) > 0 {
		return list, nil
	}
	return nil, missing
}

// open reads the files of a set.
func (s *idxSet) open(fsys fs.FS, name string) (*Splits, error) {
	out := &Splits{Kind: "IDX"}
	var sets []*Memory
	classes := 0
	for p := trainPart; p <= testPart; p++ {
		pair, ok := s.pairs[p]
		if !ok {
			continue
		}
		m, err := readPair(fsys, name, pair)
		if err != nil {
			return nil, err
		}
		classes = max(classes, 1+slices.Max(m.Labels))
		sets = append(sets, m)
		*out.part(p) = m
	}
	names := idxClasses(path.Join(name, s.name), classes)
	for _, m := range sets {
		m.Names = names
		if err := m.Check(); err != nil {
			return nil, err
		}
	}
	return out, nil
}
