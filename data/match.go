package data

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/imagenet"
)

// Match returns d with its labels turned into those of a network of so many
// classes, whose names are known or nil. Classes are matched by name; of a
// network of ImageNet's thousand by WordNet identifier, and by the first of the
// names in a list such as "tench, Tinca tinca". Where all are numbers below the
// network's classes they are its labels, and where there are as many classes and
// no names the order tells. Note says so if it is not by name.
func Match(d Dataset, names []string, classes int) (set Dataset, note string, err error) {
	own := d.Classes()
	if slices.Equal(own, names) {
		return d, "", nil
	}
	thousand := classes == len(imagenet.Synsets())
	if thousand {
		set, err := Relabel(d, imagenet.Synsets())
		if err == nil {
			return set, "", nil
		}
		if !slices.ContainsFunc(own, func(class string) bool { return !isSynset(class) }) {
			return nil, "", fmt.Errorf("the data set's classes are not the network's: %w", err)
		}
		if len(names) == 0 {
			names = imagenet.Names()
		}
	}
	var unknown error
	if len(names) > 0 {
		if set, unknown = Relabel(d, names); unknown == nil {
			return set, "", nil
		}
	}
	if label, ok := numberLabels(own, classes); ok {
		return &relabelled{d, labelNames(names, classes), label}, "the data set's classes are numbers: they are taken for the network's labels", nil
	}
	if label, err := firstNames(own, names); err != nil || label != nil {
		return &relabelled{d, names, label}, "the data set's classes are matched by the first of their names", err
	}
	switch {
	case unknown != nil:
		return nil, "", fmt.Errorf("the data set's classes are not the network's: %w", unknown)
	case len(own) != classes:
		return nil, "", fmt.Errorf("%w: the data set has %d classes, the network %d", ErrLabel, len(own), classes)
	}
	return d, "the network's classes have no names: they are taken to be in the order of the data set's", nil
}

// isSynset says whether a name is written as WordNet's identifiers of nouns are.
func isSynset(name string) bool {
	return len(name) == 9 && name[0] == 'n' && strings.Trim(name[1:], "0123456789") == ""
}

// labelNames returns the names of labels, their numbers where there are none.
func labelNames(names []string, classes int) []string {
	if len(names) > 0 {
		return names
	}
	names = make([]string, classes)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names
}

// numberLabels returns the labels that names are if all of them are numbers
// below n, no two the same.
func numberLabels(names []string, n int) (label []int, ok bool) {
	seen := map[int]bool{}
	for _, name := range names {
		v, err := strconv.ParseUint(name, 10, 31)
		if err != nil || int(v) >= n || seen[int(v)] {
			return nil, false
		}
		seen[int(v)] = true
		label = append(label, int(v))
	}
	return label, len(label) > 0
}

// firstNames matches lists of names, such as ImageNet's classes have, with the
// names of a network, by the first of each. In a list of all classes the order
// settles which of two of the same first name is meant. It returns nil if some
// class is none of them.
func firstNames(own, names []string) (label []int, err error) {
	inOrder := len(own) == len(names)
	for i := 0; inOrder && i < len(own); i++ {
		first, name := firstName(own[i]), firstName(names[i])
		inOrder = first == name || strings.HasPrefix(name, first+" ")
		label = append(label, i)
	}
	if inOrder {
		return label, nil
	}
	at := map[string][]int{}
	for i, name := range names {
		first := firstName(name)
		at[first] = append(at[first], i)
	}
	label = nil
	for _, class := range own {
		found := at[firstName(class)]
		switch len(found) {
		case 0:
			return nil, nil
		case 1:
			label = append(label, found[0])
		default:
			return nil, ambiguous("the data set's class %q may be the network's %q or %q: name it as the network does", class, names[found[0]], names[found[1]])
		}
	}
	return label, nil
}

// firstName is a name up to its first comma, in lower case.
func firstName(name string) string {
	first, _, _ := strings.Cut(name, ",")
	return strings.ToLower(strings.TrimSpace(first))
}
