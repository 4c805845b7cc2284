package vision

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/input"
)

// TestTransformMapsBoxes paints a rectangle into a picture and looks where it
// is in the network's input.
func TestTransformMapsBoxes(t *testing.T) {
	const w, h = 300, 200
	painted := Box{X0: 120, Y0: 70, X1: 190, Y1: 140}
	src := NewImage(w, h, 3)
	for y := int(painted.Y0); y < int(painted.Y1); y++ {
		for x := int(painted.X0); x < int(painted.X1); x++ {
			copy(src.Pix[(y*w+x)*3:], []uint8{255, 255, 255})
		}
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for _, mode := range []input.CropMode{input.CropCenter, input.CropSquash, input.CropFirst} {
		for _, size := range [][2]int{{96, 96}, {80, 120}} {
			v, err := NewProcessor(input.Preprocess{Size: size, CropMode: mode, Interpolation: input.Bilinear})
			if err != nil {
				t.Fatal(err)
			}
			var got Image
			tr, err := v.Fit(&got, Picture{Pixels: src})
			if err != nil {
				t.Fatal(err)
			}
			compareBox(t, fmt.Sprintf("%s %v", mode, size), &got, tr.Box(painted))
			for _, crop := range []input.AugmentCrop{input.NoCrop, input.PadCrop, input.InceptionCrop, input.TensorFlowCrop} {
				a := augmentation(t, input.Augment{Crop: crop, Pad: 9, Flip: 0.5})
				for range 50 {
					if tr, err = v.Augment(&got, Picture{Pixels: src}, a, rng); err != nil {
						t.Fatal(err)
					}
					compareBox(t, fmt.Sprintf("%s %v %s %+v", mode, size, crop, tr), &got, tr.Box(painted))
				}
			}
		}
	}
}

// compareBox reports an error unless the bright pixels of m are where box says,
// as far as it lies inside m.
func compareBox(t *testing.T, name string, m *Image, box Box) {
	t.Helper()
	want := Box{max(box.X0, 0), max(box.Y0, 0), min(box.X1, float64(m.W)), min(box.Y1, float64(m.H))}
	got := Box{X0: math.Inf(1), Y0: math.Inf(1), X1: math.Inf(-1), Y1: math.Inf(-1)}
	for y := range m.H {
		for x := range m.W {
			if m.Pix[(y*m.W+x)*3] >= 128 {
				got.X0, got.Y0 = min(got.X0, float64(x)), min(got.Y0, float64(y))
				got.X1, got.Y1 = max(got.X1, float64(x+1)), max(got.Y1, float64(y+1))
			}
		}
	}
	if want.X1-want.X0 < 1 || want.Y1-want.Y0 < 1 {
		return // next to nothing is left of it
	}
	const off = 1
	if math.Abs(got.X0-want.X0) > off || math.Abs(got.Y0-want.Y0) > off || math.Abs(got.X1-want.X1) > off || math.Abs(got.Y1-want.Y1) > off {
		t.Errorf("%s: the bright pixels are %+v, the box %+v", name, got, want)
	}
}
