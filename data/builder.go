package data

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

// builder gathers the examples of a set of files, whose classes have names.
type builder struct {
	tree  *tree
	kind  string
	items []item
	left  *leftOut
	notes []string
	// numeric orders classes as numbers if they all are; class folders never
	// are, like torchvision's.
	numeric bool
}

// item is a picture of a part and a class.
type item struct {
	file  int
	part  part
	class string
}

func newBuilder(t *tree, kind string, left *leftOut) *builder {
	return &builder{tree: t, kind: kind, left: left}
}

func (b *builder) add(file int, p part, class string) {
	b.items = append(b.items, item{file, p, class})
}

// splits makes the parts. The classes are those of the training part, in the
// order of their names, and others must not have more.
func (b *builder) splits() (*Splits, error) {
	if b.numeric {
		whole := wholeNumbers(func(yield func(string) bool) {
			for _, it := range b.items {
				if !yield(it.class) {
					return
				}
			}
		})
		for i := range b.items {
			b.items[i].class = whole(b.items[i].class)
		}
	}
	classes := sortClasses(b.classNames(), b.numeric)
	label := make(map[string]int, len(classes))
	for i, c := range classes {
		label[c] = i
	}
	var files [testPart + 1]*Files
	for _, it := range b.items {
		l, ok := label[it.class]
		if !ok {
			return nil, fmt.Errorf("%w: %s is of class %q, which the training part lacks: rename it, or give the training part alone", ErrLabel, b.tree.name(it.file), it.class)
		}
		f := files[it.part]
		if f == nil {
			f = &Files{tree: b.tree, classes: classes}
			files[it.part] = f
		}
		f.index, f.labels = append(f.index, it.file), append(f.labels, l)
	}
	s := &Splits{Kind: b.kind, LeftOut: b.left.list(), Notes: b.notes}
	for p, f := range files {
		if f != nil {
			*s.part(part(p)) = f
		}
	}
	return s, nil
}

// classNames returns the classes of the training part, or without one of all.
func (b *builder) classNames() map[string]bool {
	all, train := map[string]bool{}, map[string]bool{}
	for _, it := range b.items {
		all[it.class] = true
		if it.part == trainPart {
			train[it.class] = true
		}
	}
	if len(train) > 0 {
		return train
	}
	return all
}

// part returns where a part is kept; what is of none is training's.
func (s *Splits) part(p part) *Dataset {
	switch p {
	case valPart:
		return &s.Val
	case testPart:
		return &s.Test
	}
	return &s.Train
}

// sortClasses returns the names in order: as strings, or if numeric is set, as
// numbers if they all are.
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

// wholeNumbers returns what turns labels such as 3.0, which are what tables make
// of numbers where one is missing, into 3, if all labels are whole numbers.
func wholeNumbers(labels iter.Seq[string]) func(string) string {
	point := false
	for s := range labels {
		whole, zeros, found := strings.Cut(s, ".")
		if !isNumber(strings.TrimPrefix(whole, "-")) || strings.Trim(zeros, "0") != "" {
			return func(s string) string { return s }
		}
		point = point || found
	}
	if !point {
		return func(s string) string { return s }
	}
	return func(s string) string {
		whole, _, _ := strings.Cut(s, ".")
		return whole
	}
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
