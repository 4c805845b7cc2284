package data

import (
	"slices"
	"strings"
)

// dir is a folder with pictures at or below it.
type dir struct {
	name, path string // the path is that below the root, "" for the root
	files      []int  // indices of the pictures directly in it
	subs       []*dir // in the order of their names
}

// newDir makes a tree of paths with slashes.
func newDir(paths []string) *dir {
	root := &dir{}
	at := map[string]*dir{"": root}
	for i, p := range paths {
		parent, _ := parentOf(p)
		d := addDir(at, parent)
		d.files = append(d.files, i)
	}
	for _, d := range at {
		slices.SortFunc(d.subs, func(a, b *dir) int { return strings.Compare(a.name, b.name) })
	}
	return root
}

// addDir returns the folder of a path, making it and those above it.
func addDir(at map[string]*dir, path string) *dir {
	if d := at[path]; d != nil {
		return d
	}
	above, name := parentOf(path)
	parent := addDir(at, above)
	d := &dir{name: name, path: path}
	parent.subs = append(parent.subs, d)
	at[path] = d
	return d
}

// parentOf cuts the last element off a path.
func parentOf(path string) (parent, name string) {
	at := strings.LastIndexByte(path, '/')
	return path[:max(at, 0)], path[at+1:]
}

// each calls f for every picture at and below d.
func (d *dir) each(f func(i int)) {
	for _, i := range d.files {
		f(i)
	}
	for _, s := range d.subs {
		s.each(f)
	}
}

// names lists the folders directly below d.
func (d *dir) names() []string {
	names := make([]string, len(d.subs))
	for i, s := range d.subs {
		names[i] = s.name
	}
	return names
}

// hasParts says whether a folder directly below d is one of a part, with
// folders in it.
func (d *dir) hasParts() bool {
	return slices.ContainsFunc(d.subs, func(s *dir) bool {
		p, _ := partOf(s.name)
		return p != noPart && len(s.subs) > 0
	})
}
