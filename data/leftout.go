package data

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// LeftOut is what lies where a set was read and is no part of it, for one
// reason.
type LeftOut struct {
	// Reason says why, such as "no picture: .xml".
	Reason string `json:"reason"`
	// Count is how many files and folders there are.
	Count int `json:"count"`
	// Examples names the first few.
	Examples []string `json:"examples"`
}

// String is a line of text.
func (l LeftOut) String() string {
	names := strings.Join(l.Examples, ", ")
	if l.Count > len(l.Examples) {
		names += ", …"
	}
	return fmt.Sprintf("%d × %s (%s)", l.Count, l.Reason, names)
}

// leftOut gathers what is left out.
type leftOut struct {
	reasons []LeftOut
	at      map[string]int
}

// add notes one file or folder.
func (l *leftOut) add(reason, name string) {
	const examples = 3
	i, ok := l.at[reason]
	if !ok {
		if l.at == nil {
			l.at = map[string]int{}
		}
		i = len(l.reasons)
		l.at[reason] = i
		l.reasons = append(l.reasons, LeftOut{Reason: reason})
	}
	r := &l.reasons[i]
	r.Count++
	if len(r.Examples) < examples {
		r.Examples = append(r.Examples, name)
	}
}

// list returns the reasons, the most frequent first.
func (l *leftOut) list() []LeftOut {
	list := slices.Clone(l.reasons)
	slices.SortStableFunc(list, func(a, b LeftOut) int { return cmp.Compare(b.Count, a.Count) })
	return list
}
