package boxes

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/vision"
)

// sample is a set of two parts with all that a picture's objects can be.
func sample(t *testing.T) *Set {
	t.Helper()
	dir := t.TempDir()
	s := &Set{Layout: COCO, Root: dir, Classes: []string{"owl", "cat", "a \"big\" dog", "never"}, Categories: []int64{3, 7, 8, 90}}
	for i, name := range []string{"a/x.png", "b/x.png", "b/y.png"} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(pngOf(40+i, 30)), 0o666); err != nil {
			t.Fatal(err)
		}
		s.Pictures = append(s.Pictures, Picture{File: file, ID: int64(11 * (i + 1)), W: 40 + i, H: 30, Orientation: vision.Upright, Part: []string{"train", "val", "train"}[i]})
	}
	s.Pictures[0].Objects = Objects{
		{Box: vision.Box{X0: 1.25, Y0: 2, X1: 11, Y1: 12.125}, Class: 1, Area: 50},
		{Box: vision.Box{X0: 0, Y0: 0, X1: 40, Y1: 30}, Class: 2, Difficult: true},
		{Box: vision.Box{X0: 5, Y0: 5, X1: 35, Y1: 25}, Class: 0, Crowd: true},
	}
	s.Pictures[1].Objects = Objects{{Box: vision.Box{X0: 100. / 3, Y0: 1, X1: 40, Y1: 2}, Class: 0}}
	return s
}

// A set that is written in a layout and read again is the same, but for what is
// said to be lost.
func TestWriteRoundTrip(t *testing.T) {
	for layout, lost := range map[Layout][]string{
		COCO: {"1 mark of a difficult object"},
		VOC:  {"1 crowd region left out", "1 area of an outline", "1 class without objects", "4 numbers of categories"},
		YOLO: {"1 crowd region left out", "1 mark of a difficult object", "1 area of an outline", "4 numbers of categories"},
	} {
		s := sample(t)
		dir := filepath.Join(t.TempDir(), "out")
		w, err := s.Write(t.Context(), dir, layout, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(w.Lost, lost) || w.Pictures != 3 {
			t.Errorf("%s: %+v, want %q lost", layout, w, lost)
		}
		back, err := Open(t.Context(), dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if back.Layout != layout || len(back.Pictures) != 3 {
			t.Fatalf("%s: read as %s with %d pictures; %v", layout, back.Layout, len(back.Pictures), back.Findings)
		}
		if layout == COCO && !slices.Equal(back.Categories, s.Categories) {
			t.Errorf("categories %v", back.Categories)
		}
		for _, want := range s.Pictures {
			i := slices.IndexFunc(back.Pictures, func(p Picture) bool { return p.W == want.W })
			if i < 0 {
				t.Fatalf("%s: %s is not there", layout, want.File)
			}
			sameObjects(t, layout, s, want, back, back.Pictures[i])
		}
		if _, err := s.Write(t.Context(), dir, layout, nil); err == nil || !strings.Contains(err.Error(), "not empty") {
			t.Errorf("into a folder with files: %v", err)
		}
	}
	if _, err := sample(t).Write(t.Context(), filepath.Join(t.TempDir(), "x"), CSV, nil); err == nil {
		t.Error("a CSV list was written")
	}
}

func sameObjects(t *testing.T, layout Layout, a *Set, want Picture, b *Set, got Picture) {
	t.Helper()
	objects := slices.DeleteFunc(slices.Clone(want.Objects), func(o Object) bool { return o.Crowd && layout != COCO })
	if got.Part != want.Part || len(got.Objects) != len(objects) || layout == COCO && got.ID != want.ID {
		t.Fatalf("%s: %+v, want %+v", layout, got, want)
	}
	for i, o := range objects {
		g := got.Objects[i]
		if a.Classes[o.Class] != b.Classes[g.Class] || o.Crowd != g.Crowd || layout == VOC && o.Difficult != g.Difficult {
			t.Errorf("%s: %+v, want %+v", layout, g, o)
		}
		for _, d := range []float64{o.Box.X0 - g.Box.X0, o.Box.Y0 - g.Box.Y0, o.Box.X1 - g.Box.X1, o.Box.Y1 - g.Box.Y1} {
			if math.Abs(d) > 1e-9 {
				t.Errorf("%s: box %+v, want %+v", layout, g.Box, o.Box)
			}
		}
		if layout == COCO && o.Area > 0 && g.Area != o.Area {
			t.Errorf("area %v, want %v", g.Area, o.Area)
		}
	}
}
