package contact

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"
)

// filled is a picture of one colour.
func filled(w, h int, c color.RGBA) image.Image {
	m := image.NewRGBA(image.Rect(3, 5, 3+w, 5+h))
	for y := range h {
		for x := range w {
			m.SetRGBA(3+x, 5+y, c)
		}
	}
	return m
}

func TestSheet(t *testing.T) {
	red, blue := color.RGBA{255, 0, 0, 255}, color.RGBA{0, 0, 255, 255}
	s := &Sheet{Title: "all", Groups: []Group{
		{"a class", []image.Image{filled(28, 28, red), nil, filled(400, 200, blue)}},
		{"an endless name that does not fit above the pictures of its class in any way", []image.Image{filled(1, 1, blue)}},
	}}
	var b bytes.Buffer
	if err := s.WritePNG(&b); err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	places, size := s.layout()
	if m.Bounds().Size() != size {
		t.Fatalf("size %v, want %v", m.Bounds().Size(), size)
	}
	// The centres of the pictures, and what is beside the wide one.
	center := func(group, i int) image.Point {
		return places[group].Add(image.Pt(i*(cellSide+gap)+cellSide/2, line+cellSide/2))
	}
	for _, c := range []struct {
		at   image.Point
		want color.RGBA
	}{
		{center(0, 0), red},
		{center(0, 1), empty},
		{center(0, 2), blue},
		{center(1, 0), blue},
		{center(0, 2).Add(image.Pt(0, cellSide/2-4)), empty},
		{center(0, 2).Add(image.Pt(cellSide/2-2, 0)), blue},
		{image.Pt(2, 2), paper},
	} {
		if got := color.RGBAModel.Convert(m.At(c.at.X, c.at.Y)); got != c.want {
			t.Errorf("at %v: %v, want %v", c.at, got, c.want)
		}
	}
	inkAt := func(r image.Rectangle) (dark int) {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				if v, _, _, _ := m.At(x, y).RGBA(); v < 0x8000 {
					dark++
				}
			}
		}
		return dark
	}
	label := image.Rectangle{places[0], places[0].Add(image.Pt(100, line-2))}
	if inkAt(label) == 0 {
		t.Error("no label")
	}
	beside := image.Rect(places[1].X+cellSide, places[1].Y, size.X, places[1].Y+line-2)
	if inkAt(beside) != 0 {
		t.Error("a long label is not cut")
	}
}

func TestEmptySheet(t *testing.T) {
	var b bytes.Buffer
	if err := (&Sheet{}).WritePNG(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(&b); err != nil {
		t.Fatal(err)
	}
}

// TestManyGroups has more groups than fit beside each other.
func TestManyGroups(t *testing.T) {
	s := &Sheet{Groups: make([]Group, 100)}
	for i := range s.Groups {
		s.Groups[i].Pictures = make([]image.Image, 2)
	}
	places, size := s.layout()
	if size.X > width {
		t.Errorf("%d pixels wide, the limit is %d", size.X, width)
	}
	seen := map[image.Point]bool{}
	for _, p := range places {
		if seen[p] || p.X+2*cellSide > size.X || p.Y+line+cellSide > size.Y {
			t.Fatalf("a group at %v of a sheet of %v", p, size)
		}
		seen[p] = true
	}
}
