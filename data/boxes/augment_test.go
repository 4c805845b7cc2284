package boxes

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/vision"
)

// painted is a picture of up to three rectangles that do not touch, each of a
// colour of its own: red, green or blue.
func painted(rng *rand.Rand) (*vision.Image, Objects) {
	w, h := 60+rng.IntN(140), 60+rng.IntN(140)
	m := &vision.Image{W: w, H: h, C: 3, Pix: make([]uint8, w*h*3)}
	for i := range m.Pix {
		m.Pix[i] = 60
	}
	var all Objects
	for class := range rng.IntN(4) {
		band := w / 3
		bw, bh := 10+rng.IntN(band-12), 10+rng.IntN(h-12)
		x0, y0 := class*band+rng.IntN(band-bw), rng.IntN(h-bh)
		for y := y0; y < y0+bh; y++ {
			for x := x0; x < x0+bw; x++ {
				m.Pix[(y*w+x)*3+class] = 250
			}
		}
		all = append(all, Object{Box: vision.Box{X0: float64(x0), Y0: float64(y0), X1: float64(x0 + bw), Y1: float64(y0 + bh)}, Class: class})
	}
	return m, all
}

// Boxes stay on what they are around, whatever is done to the picture, and lie
// in the input; what counts is what the crop's rule says.
func TestBoxesFollowPictures(t *testing.T) {
	kinds := map[string]input.Augment{
		"none": {}, "flip": {Flip: 1}, "pad": {Crop: input.PadCrop, Pad: 6, Flip: 0.5}, "inception": {Crop: input.InceptionCrop, Flip: 0.5},
		"ssd": {Crop: input.SSDCrop, Flip: 0.5}, "iou": {Crop: input.IoUCrop, Flip: 0.5},
		"zoom": {ZoomOut: input.ZoomOut{Probability: 1}, Flip: 0.5, Color: input.Color{Brightness: 0.2, Contrast: 0.2, Saturation: 0.2}},
	}
	p, err := vision.NewProcessor(input.Preprocess{Size: [2]int{96, 96}, CropPct: 1, CropMode: input.CropSquash, Channels: 3})
	if err != nil {
		t.Fatal(err)
	}
	for name, set := range kinds {
		a, err := vision.NewAugmentation(set)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, 2))
		whole, seen := 0, 0
		for range 400 {
			m, objects := painted(rng)
			with := a.Around(objects.Boxes(nil))
			var out vision.Image
			tr, err := p.Augment(&out, vision.Picture{Pixels: m}, &with, rng)
			if err != nil {
				t.Fatal(err)
			}
			if tr.Source.Dx() == m.W && tr.Source.Dy() == m.H {
				whole++
			}
			kept := objects.Under(tr).(Objects)
			for _, o := range kept {
				b := o.Box
				if !(b.X0 >= 0 && b.Y0 >= 0 && b.X0 < b.X1 && b.Y0 < b.Y1 && b.X1 <= 96 && b.Y1 <= 96) {
					t.Fatalf("%s: %+v", name, b)
				}
				if b.X1-b.X0 < 3 || b.Y1-b.Y0 < 3 {
					continue
				}
				seen++
				x, y := int((b.X0+b.X1)/2), int((b.Y0+b.Y1)/2)
				px := out.Pix[(y*96+x)*3:][:3]
				for c := range px {
					if (c == o.Class) != (px[c] > 128) {
						t.Fatalf("%s: colour %v in the middle of class %d", name, px, o.Class)
					}
				}
			}
			count := 0
			for _, o := range objects {
				before, after := area(o.Box), 0.0
				b := tr.Box(o.Box)
				if cut := (vision.Box{X0: max(b.X0, 0), Y0: max(b.Y0, 0), X1: min(b.X1, 96), Y1: min(b.Y1, 96)}); cut.X0 < cut.X1 && cut.Y0 < cut.Y1 {
					after = area(cut) / area(b)
				}
				cx, cy := tr.Point((o.Box.X0+o.Box.X1)/2, (o.Box.Y0+o.Box.Y1)/2)
				counts := after >= 0.25-1e-9
				switch {
				case tr.Centers:
					counts = cx > 0 && cx < 96 && cy > 0 && cy < 96
				case tr.Least > 0:
					counts = after > 0 && after >= tr.Least-1e-9
				}
				if counts && before > 0 {
					count++
				}
			}
			if count != len(kept) {
				t.Fatalf("%s: %d boxes are kept, want %d: %+v", name, len(kept), count, tr)
			}
			if (name == "iou" || name == "ssd") && len(objects) > 0 && len(kept) == 0 {
				t.Fatalf("%s: a crop without any box: %+v", name, tr)
			}
			if share := float64(tr.Source.Dx()*tr.Source.Dy()) / float64(m.W*m.H); name == "ssd" && share < 0.098 || name == "iou" && share < 0.08 {
				t.Fatalf("%s: a crop of %.3f of the picture", name, share)
			}
			if aspect := float64(tr.Source.Dx()) / float64(tr.Source.Dy()); tr.Least > 0 && (aspect < 0.45 || aspect > 2.2) {
				t.Fatalf("%s: a crop of the aspect %.2f", name, aspect)
			}
		}
		if seen < 200 {
			t.Errorf("%s: %d boxes seen", name, seen)
		}
		if share := float64(whole) / 400; name == "ssd" && math.Abs(share-0.17) > 0.1 || name == "iou" && (share < 0.2 || share > 0.6) {
			t.Errorf("%s: %.2f of the pictures are left whole", name, share)
		}
	}
}

// Batches of a data set carry the boxes of their pictures.
func TestLoaderMovesBoxes(t *testing.T) {
	root := write(t, map[string]string{"a.png": pngOf(100, 80), "a.txt": "0 .5 .5 .2 .2\n", "b.png": pngOf(60, 40), "b.txt": ""})
	s, err := Open(t.Context(), root, Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := data.NewLoader(s.Splits().Train, data.Config{
		Preprocess: input.Preprocess{Size: [2]int{32, 32}, CropPct: 1, CropMode: input.CropSquash, Channels: 3}, Batch: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	for b, err := range l.Epoch(t.Context(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		first, second := b.Targets[0].(Objects), b.Targets[1].(Objects)
		if len(first) != 1 || !near(first[0].Box, vision.Box{X0: 12.8, Y0: 12.8, X1: 19.2, Y1: 19.2}) || len(second) != 0 {
			t.Errorf("%+v, %+v", first, second)
		}
	}
}
