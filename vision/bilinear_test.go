package vision

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/input"
)

// The filters of detectors mix four pixels at places that frameworks define:
// (i+½)·in/out−½ in PyTorch and TensorFlow 2, i·in/out in TensorFlow 1, both
// held within the picture.
func TestBilinearPlaces(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		filter     input.Interpolation
		place      func(i int, scale float64) float64
		w, h, W, H int
	}{
		{input.BilinearHalfPixel, halfPixel, 67, 41, 30, 30},
		{input.BilinearHalfPixel, halfPixel, 20, 30, 64, 77},
		{input.BilinearHalfPixel, halfPixel, 30, 90, 30, 25},
		{input.BilinearLegacy, legacy, 67, 41, 30, 30},
		{input.BilinearLegacy, legacy, 20, 30, 64, 77},
		{input.BilinearLegacy, legacy, 1, 90, 7, 90},
	} {
		src := NewImage(c.w, c.h, 3)
		for i := range src.Pix {
			src.Pix[i] = uint8(rng.Uint32())
		}
		got, err := src.Resize(c.W, c.H, c.filter)
		if err != nil {
			t.Fatal(err)
		}
		at := func(x, y, k int) float64 { return float64(src.Pix[(y*src.W+x)*3+k]) }
		worst := 0.0
		for y := range c.H {
			y0, y1, fy := between(c.place(y, float64(c.h)/float64(c.H)), c.h)
			for x := range c.W {
				x0, x1, fx := between(c.place(x, float64(c.w)/float64(c.W)), c.w)
				for k := range 3 {
					want := (1-fy)*((1-fx)*at(x0, y0, k)+fx*at(x1, y0, k)) + fy*((1-fx)*at(x0, y1, k)+fx*at(x1, y1, k))
					worst = max(worst, math.Abs(want-float64(got.Pix[(y*c.W+x)*3+k])))
				}
			}
		}
		if worst > 1.02 {
			t.Errorf("%s %d×%d to %d×%d: off by %.2f levels", c.filter, c.w, c.h, c.W, c.H, worst)
		}
	}
}

func halfPixel(i int, scale float64) float64 { return (float64(i)+0.5)*scale - 0.5 }

func legacy(i int, scale float64) float64 { return float64(i) * scale }

// between returns the pixels next to a place and the part of the second.
func between(at float64, n int) (a, b int, part float64) {
	at = min(max(at, 0), float64(n-1))
	a = int(at)
	return a, min(a+1, n-1), at - float64(a)
}

// Boxes come back from the input to where they were, and from the upright
// picture to the stored one.
func TestBoxesComeBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	same := func(what string, got, want Box) {
		t.Helper()
		for i, v := range [4]float64{got.X0 - want.X0, got.Y0 - want.Y0, got.X1 - want.X1, got.Y1 - want.Y1} {
			if math.Abs(v) > 1e-9 {
				t.Fatalf("%s: coordinate %d of %+v, want %+v", what, i, got, want)
			}
		}
	}
	a := augmentation(t, input.Augment{Crop: input.InceptionCrop, Flip: 0.5})
	for range 200 {
		w, h := 1+rng.IntN(500), 1+rng.IntN(500)
		p := input.Preprocess{Size: [2]int{1 + rng.IntN(300), 1 + rng.IntN(300)}, CropPct: 1, CropMode: input.CropSquash}.WithDefaults()
		b := Box{X0: rng.Float64() * float64(w), Y0: rng.Float64() * float64(h)}
		b.X1, b.Y1 = b.X0+rng.Float64(), b.Y0+rng.Float64()
		fit := evaluation(&p, w, h)
		same("fit", fit.BackBox(fit.Box(b)), b)
		p.CropMode = input.CropLetterbox
		boxed := evaluation(&p, w, h)
		same("letterbox", boxed.BackBox(boxed.Box(b)), b)
		p.CropMode = input.CropSquash
		random := a.draw(&p, w, h, rng)
		same("augmented", random.BackBox(random.Box(b)), b)
		for o := Orientation(1); o <= 8; o++ {
			same("turned", o.UprightBox(o.StoredBox(b, w, h), w, h), b)
			sw, sh := o.Stored(w, h)
			if stored := o.StoredBox(Box{X1: float64(w), Y1: float64(h)}, sw, sh); stored != (Box{X1: float64(sw), Y1: float64(sh)}) {
				t.Fatalf("orientation %d: the whole picture is %+v of %d×%d", o, stored, sw, sh)
			}
		}
	}
}

// A letterbox shows the whole picture in the middle and the margin's level
// beside it.
func TestLetterbox(t *testing.T) {
	src := NewImage(40, 10, 3)
	for i := range src.Pix {
		src.Pix[i] = 200
	}
	v, err := NewProcessor(input.Preprocess{Size: [2]int{32, 20}, CropMode: input.CropLetterbox, Fill: 114, Interpolation: input.Bilinear})
	if err != nil {
		t.Fatal(err)
	}
	var got Image
	tr, err := v.Fit(&got, Picture{Pixels: src})
	if err != nil {
		t.Fatal(err)
	}
	if got.W != 20 || got.H != 32 {
		t.Fatalf("%d×%d", got.W, got.H)
	}
	for y := range got.H {
		for x := range got.W {
			want := uint8(114)
			if y >= 14 && y < 19 { // 20×5 pixels, 13.5 from the top, rounded to even
				want = 200
			}
			if p := got.Pix[(y*got.W+x)*3]; p != want {
				t.Fatalf("level %d at %d, %d, want %d", p, x, y, want)
			}
		}
	}
	if b := tr.Box(Box{X1: 40, Y1: 10}); b != (Box{X0: 0, Y0: 14, X1: 20, Y1: 19}) {
		t.Errorf("the picture is at %+v", b)
	}
}
