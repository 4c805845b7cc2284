package boxes

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"

	"github.com/mixnet-go/mixnet/data"
)

// Cut-out objects are the pixels that their boxes touch, with their classes, the
// first time and from memory; crowds are none, and a box beyond the edge is cut.
func TestCrops(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 9, 7))
	for y := range 7 {
		for x := range 9 {
			m.SetGray(x, y, color.Gray{Y: uint8(16*y + x)})
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, m); err != nil {
		t.Fatal(err)
	}
	root := write(t, map[string]string{"a.png": file.String()})
	object := func(x0, y0, x1, y1 float64, class int, crowd bool) Object {
		o := Object{Class: class, Crowd: crowd}
		o.Box.X0, o.Box.Y0, o.Box.X1, o.Box.Y1 = x0, y0, x1, y1
		return o
	}
	set := NewDataset([]Picture{{File: root + "/a.png", W: 9, H: 7, Objects: Objects{
		object(2, 1, 5, 4, 1, false), object(0, 0, 9, 7, 0, true), object(6.5, 5, 12, 7, 0, false),
	}}}, []string{"a", "b"})
	for name, d := range map[string]Labelled{"files": set, "a picture in memory": inMemory{set, m}} {
		cut := Crops(d, 100)
		if cut.Len() != 2 || cut.Label(0) != 1 || cut.Label(1) != 0 || len(cut.Classes()) != 2 {
			t.Fatalf("%s: %d objects of %v", name, cut.Len(), cut.Classes())
		}
		var s data.Sample
		for range 2 {
			for i, want := range []image.Rectangle{image.Rect(2, 1, 5, 4), image.Rect(6, 5, 9, 7)} {
				if err := cut.Read(i, &s); err != nil {
					t.Fatal(err)
				}
				p := s.Pixels
				if p.W != want.Dx() || p.H != want.Dy() || s.Target != nil {
					t.Fatalf("%s: object %d has %d×%d pixels, want %v", name, i, p.W, p.H, want)
				}
				for y := range p.H {
					for x := range p.W {
						if got := p.Pix[(y*p.W+x)*p.C]; got != uint8(16*(want.Min.Y+y)+want.Min.X+x) {
							t.Fatalf("%s: object %d, pixel %d, %d is %d", name, i, x, y, got)
						}
					}
				}
			}
		}
		if err := cut.Read(2, &s); err == nil {
			t.Errorf("%s: there is a third object", name)
		}
	}
	out := NewDataset([]Picture{{File: root + "/a.png", W: 9, H: 7, Objects: Objects{object(20, 20, 30, 30, 0, false)}}}, []string{"a"})
	if err := Crops(out, 0).Read(0, new(data.Sample)); err == nil {
		t.Error("a box outside of its picture has pixels")
	}
}

// inMemory is a set whose pictures are decoded.
type inMemory struct {
	*Dataset
	gray *image.Gray
}

func (d inMemory) Read(_ int, s *data.Sample) error {
	memory := data.Memory{Pixels: d.gray.Pix, H: 7, W: 9, C: 1, Labels: []int{0}}
	return memory.Read(0, s)
}
