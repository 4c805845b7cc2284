package data

import (
	"fmt"
	"slices"
)

// joined is one set after another.
type joined struct{ first, second Dataset }

// Join returns the examples of a, then those of b, which has the same classes:
// the training and the validation part of a set, once nothing is left to
// choose.
func Join(a, b Dataset) (Dataset, error) {
	if !slices.Equal(a.Classes(), b.Classes()) {
		return nil, fmt.Errorf("join: %w: the sets have different classes", ErrLabel)
	}
	j := joined{a, b}
	first, ok := a.(Sized)
	second, ok2 := b.(Sized)
	if ok && ok2 {
		h, w, c := first.Size()
		if h2, w2, c2 := second.Size(); h == h2 && w == w2 && c == c2 {
			return sizedJoined{j, first}, nil
		}
	}
	return j, nil
}

// at returns the set that holds example i, and its index there.
func (j joined) at(i int) (Dataset, int) {
	if n := j.first.Len(); i >= n {
		return j.second, i - n
	}
	return j.first, i
}

func (j joined) Len() int          { return j.first.Len() + j.second.Len() }
func (j joined) Classes() []string { return j.first.Classes() }

func (j joined) Label(i int) int {
	d, i := j.at(i)
	return d.Label(i)
}

func (j joined) Name(i int) string {
	d, i := j.at(i)
	return d.Name(i)
}

func (j joined) Read(i int, s *Sample) error {
	d, i := j.at(i)
	return d.Read(i, s)
}

// sizedJoined is a joined set of [Sized] ones.
type sizedJoined struct {
	joined
	sized Sized
}

func (j sizedJoined) Size() (h, w, c int) { return j.sized.Size() }
