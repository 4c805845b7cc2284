package data

import (
	"fmt"
	"slices"
	"strings"
)

// columns says where a row's fields are; split is -1 for none.
type columns struct {
	image, label, split int
	// yes is the part of the rows that have yes in the column split, others are
	// of the part no; both are noPart where that column has part words.
	yes, no part
}

// says returns the part that a value in the column split stands for.
func (c columns) says(value string) (p part, ok bool) {
	if c.yes == noPart {
		p, several := partOf(value)
		return p, p != noPart && !several
	}
	yes, ok := yesOrNo(value)
	if yes {
		return c.yes, ok
	}
	return c.no, ok
}

// yesOrNo reads a truth value.
func yesOrNo(value string) (yes, ok bool) {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "1", "true", "yes", "t", "y", "1.0":
		return true, true
	case "0", "false", "no", "f", "n", "0.0":
		return false, true
	}
	return false, false
}

// findParts looks for a column that says the parts, where none has the name of
// one: by its values, or by a name such as is_valid.
func (l *list) findParts(cols *columns, names []string, rows [][]string) error {
	if cols.split >= 0 || len(rows) == 0 {
		return nil
	}
	var found []string
	for i, name := range names {
		if i == cols.image || i == cols.label {
			continue
		}
		c := columns{split: i}
		if !slices.ContainsFunc(rows, func(row []string) bool { return !isPartWord(row[i]) }) {
			l.notes = append(l.notes, fmt.Sprintf("the column %s says the part", name))
		} else if c.yes, c.no = namedPart(name); c.yes == noPart || slices.ContainsFunc(rows, func(row []string) bool { _, ok := yesOrNo(row[i]); return !ok }) {
			continue
		} else {
			l.notes = append(l.notes, fmt.Sprintf("the column %s says which pictures are of the part %s; others are of the part %s", name, c.yes, c.no))
		}
		found = append(found, name)
		cols.split, cols.yes, cols.no = i, c.yes, c.no
	}
	if len(found) > 1 {
		return ambiguous("the columns %s may each say the part: name one of them split, or remove the others", listNames(found))
	}
	return nil
}

// isPartWord says whether a value is a part's word alone.
func isPartWord(value string) bool {
	p, several := partOf(value)
	return p != noPart && !several && len(nameWords(value)) == 1
}

// namedPart is the part that a column of truth values is named after, and that
// of what is not in it.
func namedPart(name string) (yes, no part) {
	switch yes, _ = partOf(name); yes {
	case trainPart:
		return yes, testPart
	case noPart:
		return noPart, noPart
	}
	return yes, trainPart
}

// unlabelled leaves out the parts whose labels are all -1, where the others are
// numbers. A single picture of that label in a part is an error.
func (l *list) unlabelled() error {
	var labelled [testPart + 1]bool
	for _, it := range l.items {
		if isNone(it.class) {
			continue
		}
		if !isNumber(strings.TrimSuffix(it.class, ".0")) {
			return nil // -1 is a class's name
		}
		labelled[it.part] = true
	}
	var kept []item
	for _, it := range l.items {
		switch {
		case !isNone(it.class):
			kept = append(kept, it)
		case labelled[it.part]:
			return fmt.Errorf("%w: %s has no label, but -1", ErrLabel, l.tree.name(it.file))
		default:
			l.left.add(fmt.Sprintf("picture of the part %s, which has no labels", it.part), l.tree.paths[it.file])
		}
	}
	if len(kept) == 0 {
		return fmt.Errorf("%w: no picture has a label, all have -1", ErrLayout)
	}
	l.items = kept
	return nil
}

// isNone says whether a label is the number that stands for none.
func isNone(label string) bool { return label == "-1" || label == "-1.0" }

// oneLabel is an error if a picture is listed with several labels, as objects in
// pictures are.
func (l *list) oneLabel() error {
	label := make(map[string]string, len(l.items))
	for _, it := range l.items {
		name := l.tree.paths[it.file]
		if first, ok := label[name]; ok && first != it.class {
			return fmt.Errorf("%w: %s is listed as %q and as %q: a picture has one label", ErrLabel, name, first, it.class)
		}
		label[name] = it.class
	}
	return nil
}
