package data

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/imagenet"
)

// oneOfEach has a picture of every class.
func oneOfEach(classes ...string) Dataset {
	m := small(len(classes), len(classes))
	m.Names = classes
	return m
}

// longNames are ImageNet's classes as Hugging Face lists them, the first of
// several names without what tells it from others.
func longNames() []string {
	names := imagenet.Names()
	for i, n := range names {
		names[i] = n + ", Latinus nomen"
	}
	names[134], names[517], names[639] = "crane", "crane", "maillot, tank suit"
	return names
}

func TestMatch(t *testing.T) {
	synsets, thousand := imagenet.Synsets(), imagenet.Names()
	inOrder := make([]int, 1000)
	for i := range inOrder {
		inOrder[i] = i
	}
	for _, c := range []struct {
		name    string
		own     []string
		names   []string
		classes int
		want    []int
		note    string
	}{
		{"the same names", []string{"a", "b"}, []string{"a", "b"}, 2, []int{0, 1}, ""},
		{"other order", []string{"a", "b"}, []string{"b", "c", "a"}, 3, []int{2, 0}, ""},
		{"no names", []string{"a", "b"}, nil, 2, []int{0, 1}, "order"},
		{"numbers without names are no order", []string{"10", "2"}, nil, 12, []int{10, 2}, "numbers"},
		{"all numbers in the order of folders", []string{"0", "1", "10", "2", "3", "4", "5", "6", "7", "8", "9"}, nil, 11, []int{0, 1, 10, 2, 3, 4, 5, 6, 7, 8, 9}, "numbers"},
		{"numbers of a network that has names", []string{"140", "2", "305", "647", "999"}, thousand, 1000, []int{140, 2, 305, 647, 999}, "numbers"},
		{"numbers with zeros in front", []string{"0003", "0012"}, thousand, 1000, []int{3, 12}, "numbers"},
		{"numbers that are names", []string{"7", "8"}, []string{"9", "8", "7"}, 3, []int{2, 1}, ""},
		{"synsets", []string{synsets[7], synsets[4]}, thousand, 1000, []int{7, 4}, ""},
		{"synsets without names", []string{synsets[7]}, nil, 1000, []int{7}, ""},
		{"names without the network's", []string{"tench"}, nil, 1000, []int{0}, ""},
		{"long names, all", longNames(), thousand, 1000, inOrder, "first"},
		{"long names, some", []string{"tench, Tinca tinca", "goldfish, Carassius auratus"}, thousand, 1000, []int{0, 1}, "first"},
	} {
		set, note, err := Match(oneOfEach(c.own...), c.names, c.classes)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []int
		for i := range set.Len() {
			got = append(got, set.Label(i))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: labels %v, want %v", c.name, got, c.want)
		}
		if (note == "") != (c.note == "") || !strings.Contains(note, c.note) {
			t.Errorf("%s: note %q, want %q in it", c.name, note, c.note)
		}
		if n := len(set.Classes()); n != c.classes && c.names != nil {
			t.Errorf("%s: %d classes, want %d", c.name, n, c.classes)
		}
	}
}

func TestMatchErrors(t *testing.T) {
	thousand := imagenet.Names()
	for _, c := range []struct {
		own, names []string
		classes    int
		says       string
	}{
		{[]string{"a", "x"}, []string{"a", "b"}, 2, `"x"`},
		{[]string{"a", "b"}, nil, 3, "2 classes, the network 3"},
		{[]string{"1000"}, thousand, 1000, `"1000"`},
		{[]string{"1", "01"}, []string{"a", "b"}, 2, `"1"`},
		{[]string{"n01440764", "n99999999"}, thousand, 1000, `"n99999999"`},
		{[]string{"cardigan, Welsh corgi"}, thousand, 1000, `"Cardigan"`},
	} {
		_, _, err := Match(oneOfEach(c.own...), c.names, c.classes)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: error %v, want %q in it", c.own[:1], err, c.says)
		}
		if err != nil && !errors.Is(err, ErrLabel) && !errors.Is(err, ErrAmbiguous) {
			t.Errorf("%v: error of no kind: %v", c.own[:1], err)
		}
	}
}
