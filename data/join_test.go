package data

import (
	"errors"
	"testing"
)

func TestJoin(t *testing.T) {
	m := &Memory{Source: "m", H: 1, W: 1, C: 1, Pixels: []uint8{10, 20, 30, 40, 50}, Labels: []int{0, 1, 0, 1, 1}, Names: []string{"a", "b"}}
	all, err := Subset(m, []int{4, 3})
	if err != nil {
		t.Fatal(err)
	}
	j, err := Join(all, m)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := j.(Sized); !ok || j.Len() != 7 {
		t.Fatalf("%d examples, sized: %v", j.Len(), ok)
	}
	var s Sample
	for i, want := range []struct {
		pixel uint8
		label int
		name  string
	}{{50, 1, "m[4]"}, {40, 1, "m[3]"}, {10, 0, "m[0]"}, {20, 1, "m[1]"}} {
		if err := j.Read(i, &s); err != nil {
			t.Fatal(err)
		}
		if s.Pixels.Pix[0] != want.pixel || j.Label(i) != want.label || j.Name(i) != want.name {
			t.Errorf("example %d: pixel %d, label %d, %s; want %+v", i, s.Pixels.Pix[0], j.Label(i), j.Name(i), want)
		}
	}
	other := *m
	other.Names = []string{"a", "c"}
	if _, err := Join(m, &other); !errors.Is(err, ErrLabel) {
		t.Errorf("sets of different classes: error %v", err)
	}
}
