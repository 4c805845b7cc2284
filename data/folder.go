package data

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// part is one of the parts of a set.
type part int

const (
	noPart part = iota
	trainPart
	valPart
	testPart
)

// partOf returns the part that a folder's or file's name stands for.
func partOf(name string) part {
	switch strings.ToLower(name) {
	case "train", "training":
		return trainPart
	case "val", "valid", "validation":
		return valPart
	case "test", "testing":
		return testPart
	}
	return noPart
}

// Folder reads a folder of class folders: every folder directly in root is a
// class, and the pictures anywhere below it are its examples, both in the order
// of their names. It is torchvision's ImageFolder and ImageNet's layout.
func Folder(root string) (*Files, error) {
	t, err := walk(root)
	if err != nil {
		return nil, fmt.Errorf("class folders: %w", err)
	}
	b := newBuilder(t, "class folders")
	for i, p := range t.paths {
		b.addPath(i, noPart, p)
	}
	b.checkEmpty("")
	s, err := b.splits()
	if err != nil {
		return nil, err
	}
	return s.Train.(*Files), nil
}

// classFolders reads the pictures of a tree as class folders, below folders
// train, val and test if it has those. Folders that enclose all of it do not
// matter.
func classFolders(t *tree, kind string) (*Splits, error) {
	b := newBuilder(t, kind)
	prefix := enclosing(t.paths)
	tops := map[string]bool{}
	for _, p := range t.paths {
		if top, _, ok := strings.Cut(strings.TrimPrefix(p, prefix), "/"); ok {
			tops[top] = true
		}
	}
	inParts := len(tops) > 0
	for top := range tops {
		inParts = inParts && partOf(top) != noPart
	}
	for i, p := range t.paths {
		rest := strings.TrimPrefix(p, prefix)
		if !inParts {
			b.addPath(i, noPart, rest)
			continue
		}
		if top, inner, ok := strings.Cut(rest, "/"); ok {
			b.addPath(i, partOf(top), inner)
		}
	}
	if !inParts {
		if err := t.checkDepth(prefix); err != nil {
			return nil, err
		}
		b.checkEmpty(prefix)
	}
	for top := range tops {
		if inParts {
			b.checkEmpty(prefix + top + "/")
		}
	}
	return b.splits()
}

// checkDepth reports a folder of class folders that lies beside a folder of
// pictures: one of the two is not meant to be a class.
func (t *tree) checkDepth(prefix string) error {
	inner := map[string]map[string]bool{} // by top folder, those directly below it
	for _, p := range t.paths {
		top, rest, ok := strings.Cut(strings.TrimPrefix(p, prefix), "/")
		if !ok {
			continue
		}
		if inner[top] == nil {
			inner[top] = map[string]bool{}
		}
		folder, _, deeper := strings.Cut(rest, "/")
		if !deeper {
			folder = ""
		}
		inner[top][folder] = true
	}
	flat, deep := "", ""
	for _, top := range slices.Sorted(maps.Keys(inner)) {
		switch {
		case inner[top][""]:
			flat = top
		case len(inner[top]) > 1:
			deep = top
		}
	}
	if flat == "" || deep == "" {
		return nil
	}
	return fmt.Errorf("%w: in %s, the folder %s holds pictures and %s holds %d folders of them: give the folder whose folders are the classes, such as %s",
		ErrLayout, filepath.Join(t.root, filepath.FromSlash(prefix)), flat, deep, len(inner[deep]), filepath.Join(t.root, filepath.FromSlash(prefix+deep)))
}

// enclosing returns the folders, with a slash at the end, that all paths share
// and that are neither parts nor classes: those with a folder below.
func enclosing(paths []string) string {
	prefix := ""
	for {
		common := ""
		for _, p := range paths {
			top, rest, _ := strings.Cut(strings.TrimPrefix(p, prefix), "/")
			if !strings.Contains(rest, "/") || partOf(top) != noPart || common != "" && top != common {
				return prefix
			}
			common = top
		}
		if common == "" {
			return prefix
		}
		prefix += common + "/"
	}
}

// builder gathers the examples of a set of files, whose classes have names.
type builder struct {
	tree  *tree
	kind  string
	items []item
	loose int      // pictures in no class folder
	empty []string // class folders without a picture
	// numeric orders classes as numbers if they all are; class folders never
	// are, like torchvision's.
	numeric bool
}

type item struct {
	file  int
	part  part
	class string
}

func newBuilder(t *tree, kind string) *builder { return &builder{tree: t, kind: kind} }

func (b *builder) add(file int, p part, class string) {
	b.items = append(b.items, item{file, p, class})
}

// addPath adds a file whose first folder is its class.
func (b *builder) addPath(file int, p part, name string) {
	class, _, ok := strings.Cut(name, "/")
	if !ok {
		b.loose++
		return
	}
	b.add(file, p, class)
}

// checkEmpty notes the class folders directly below prefix that are empty.
func (b *builder) checkEmpty(prefix string) {
	for _, e := range b.tree.empty {
		if e != "" && e[:strings.LastIndexByte(e, '/')+1] == prefix {
			b.empty = append(b.empty, e)
		}
	}
}

// splits makes the parts. The classes are those of the training part, in the
// order of their names, and others must not have more.
func (b *builder) splits() (*Splits, error) {
	root := b.tree.root
	switch {
	case len(b.items) == 0 && b.loose > 0:
		return nil, fmt.Errorf("%w: %s has %d pictures but no class folders: put each class into a folder of its name", ErrLayout, root, b.loose)
	case len(b.items) == 0:
		return nil, fmt.Errorf("%w: %s has no class folder with a picture in it", ErrLayout, root)
	case len(b.empty) > 0:
		return nil, fmt.Errorf("%w: %s: no picture in the class folders %s: fill or remove them", ErrLayout, root, listNames(b.empty))
	}
	seen := map[part]map[string]bool{}
	for _, it := range b.items {
		if seen[it.part] == nil {
			seen[it.part] = map[string]bool{}
		}
		seen[it.part][it.class] = true
	}
	base := seen[trainPart]
	if base == nil {
		base = map[string]bool{}
		for _, s := range seen {
			for c := range s {
				base[c] = true
			}
		}
	}
	classes := sortClasses(base, b.numeric)
	label := make(map[string]int, len(classes))
	for i, c := range classes {
		label[c] = i
	}
	var files [testPart + 1]*Files
	for _, it := range b.items {
		l, ok := label[it.class]
		if !ok {
			return nil, fmt.Errorf("%w: %s is of class %q, which the training part lacks", ErrLabel, b.tree.name(it.file), it.class)
		}
		f := files[it.part]
		if f == nil {
			f = &Files{tree: b.tree, classes: classes}
			files[it.part] = f
		}
		f.index, f.labels = append(f.index, it.file), append(f.labels, l)
	}
	s := &Splits{Kind: b.kind}
	for p, f := range files {
		switch {
		case f == nil:
		case part(p) == noPart || part(p) == trainPart:
			s.Train = f
		case part(p) == valPart:
			s.Val = f
		default:
			s.Test = f
		}
	}
	return s, nil
}

// sortClasses orders names; as numbers, if numeric is set and they all are.
func sortClasses(set map[string]bool, numeric bool) []string {
	names := make([]string, 0, len(set))
	numbers := numeric
	for n := range set {
		names = append(names, n)
		numbers = numbers && isNumber(n)
	}
	slices.SortFunc(names, func(a, b string) int {
		if numbers && len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return names
}

// isNumber says whether s is a number as it is usually written.
func isNumber(s string) bool {
	if len(s) > 1 && s[0] == '0' {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// listNames joins names, the first few of many.
func listNames(names []string) string {
	const few = 5
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}
