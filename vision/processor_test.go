package vision

import (
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/input"
)

func TestEvalEqualsTorchvision(t *testing.T) {
	for _, c := range readPillowIndex(t).Eval {
		if c.Crop > c.Resize {
			continue // CropPct is at most 1: nothing is padded
		}
		p := input.Preprocess{Size: [2]int{c.Crop, c.Crop}, CropPct: float64(c.Crop) / float64(c.Resize), Interpolation: c.Filter}
		v, err := NewProcessor(p)
		if err != nil {
			t.Fatal(err)
		}
		got := new(Image)
		if _, err := v.Fit(got, Picture{Pixels: readReference(t, c.Src)}); err != nil {
			t.Fatal(err)
		}
		if d, _ := diff(t, got, readReference(t, c.Out)); d != 0 {
			t.Errorf("%s: differs by up to %d", c.Out, d)
		}
	}
}

func TestNormalize(t *testing.T) {
	img := NewImage(2, 1, 3)
	copy(img.Pix, []uint8{0, 128, 255, 51, 102, 153})
	p := input.Preprocess{Size: [2]int{1, 2}, CropPct: 1}
	v, err := NewProcessor(p)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, v.Len())
	if _, err := v.FitTo(got, Picture{Pixels: img}); err != nil {
		t.Fatal(err)
	}
	for i, v := range []float64{0, 128, 255, 51, 102, 153} {
		want := (v/255 - float64(p.WithDefaults().Mean[i%3])) / float64(p.WithDefaults().Std[i%3])
		if math.Abs(float64(got[i])-want) > 1e-6 {
			t.Errorf("element %d: %v, want %v", i, got[i], want)
		}
	}
}

// augmentation completes a.
func augmentation(t testing.TB, a input.Augment) *Augmentation {
	t.Helper()
	set, err := NewAugmentation(a)
	if err != nil {
		t.Fatal(err)
	}
	return &set
}

// gradient is a picture whose pixels name their place.
func gradient(w, h int) *Image {
	m := NewImage(w, h, 3)
	for y := range h {
		for x := range w {
			copy(m.Pix[(y*w+x)*3:], []uint8{uint8(x), uint8(y), uint8(x ^ y)})
		}
	}
	return m
}

func TestPadCropMovesAndMirrors(t *testing.T) {
	const size, pad = 32, 4
	v, err := NewProcessor(input.Preprocess{Size: [2]int{size, size}})
	if err != nil {
		t.Fatal(err)
	}
	src := gradient(size, size)
	a := augmentation(t, input.Augment{Crop: input.PadCrop, Pad: pad, Flip: 0.5})
	rng := rand.New(rand.NewPCG(1, 2))
	var got Image
	shifts, flips := map[[2]int]bool{}, 0
	for range 500 {
		if _, err := v.Augment(&got, Picture{Pixels: src}, a, rng); err != nil {
			t.Fatal(err)
		}
		dx, dy, flip, ok := findShift(&got, src, pad)
		if !ok {
			t.Fatal("the result is no shifted copy of the picture")
		}
		shifts[[2]int{dx, dy}] = true
		if flip {
			flips++
		}
	}
	if len(shifts) != (2*pad+1)*(2*pad+1) {
		t.Errorf("%d different shifts in 500 draws, want all %d", len(shifts), (2*pad+1)*(2*pad+1))
	}
	if flips < 200 || flips > 300 {
		t.Errorf("%d of 500 mirrored", flips)
	}
}

// As torchvision describes its padding_mode "reflect": [1, 2, 3, 4] with 2
// elements on both sides becomes [3, 2, 1, 2, 3, 4, 3, 2].
func TestPadReflects(t *testing.T) {
	padded := []uint8{3, 2, 1, 2, 3, 4, 3, 2}
	const size = 4
	for _, c := range []int{1, 3} {
		src, dst := NewImage(size, size, c), NewImage(size, size, c)
		for i := range src.Pix {
			x, y := i/c%size, i/c/size
			src.Pix[i] = padded[2+y]*10 + padded[2+x]
		}
		for dy := -2; dy <= 2; dy++ {
			for dx := -2; dx <= 2; dx++ {
				move(dst, src, image.Pt(dx, dy), true, false)
				for i, got := range dst.Pix {
					x, y := i/c%size, i/c/size
					if want := padded[2+y+dy]*10 + padded[2+x+dx]; got != want {
						t.Fatalf("%d channels, shift %d,%d: pixel %d,%d is %d, want %d", c, dx, dy, x, y, got, want)
					}
				}
			}
		}
		for _, far := range []int{-9, 9} { // beyond what one reflection covers
			move(dst, src, image.Pt(far, far), true, true)
		}
	}
}

// findShift looks for the shift and mirroring that make src into got.
func findShift(got, src *Image, pad int) (dx, dy int, flip, ok bool) {
	for _, flip := range []bool{false, true} {
		for dy := -pad; dy <= pad; dy++ {
			for dx := -pad; dx <= pad; dx++ {
				if isShift(got, src, dx, dy, flip) {
					return dx, dy, flip, true
				}
			}
		}
	}
	return 0, 0, false, false
}

func isShift(got, src *Image, dx, dy int, flip bool) bool {
	for y := range got.H {
		for x := range got.W {
			sx, sy := x+dx, y+dy
			if flip {
				sx = got.W - 1 - x + dx
			}
			for c := range 3 {
				want := uint8(0)
				if sx >= 0 && sy >= 0 && sx < src.W && sy < src.H {
					want = src.Pix[(sy*src.W+sx)*3+c]
				}
				if got.Pix[(y*got.W+x)*3+c] != want {
					return false
				}
			}
		}
	}
	return true
}

func TestInceptionBox(t *testing.T) {
	a := augmentation(t, input.Augment{})
	rng := rand.New(rand.NewPCG(3, 4))
	const w, h, n = 500, 375, 20000
	meanArea, meanLog := 0.0, 0.0
	for range n {
		b := a.inceptionBox(w, h, rng)
		if b.Min.X < 0 || b.Min.Y < 0 || b.Max.X > w || b.Max.Y > h || b.Empty() {
			t.Fatalf("box %v of %d×%d", b, w, h)
		}
		area := float64(b.Dx()*b.Dy()) / (w * h)
		aspect := float64(b.Dx()) / float64(b.Dy())
		if area < 0.075 || aspect < 0.72 || aspect > 1.38 {
			t.Fatalf("box %v: area %.3f, aspect %.3f", b, area, aspect)
		}
		meanArea += area / n
		meanLog += math.Log(aspect) / n
	}
	// Boxes too large for the picture are drawn again, which favours small
	// ones a little: torchvision's own mean over 100,000 draws is 0.4338 and
	// its mean log aspect 0.0310.
	if math.Abs(meanArea-0.4338) > 0.01 || math.Abs(meanLog-0.031) > 0.01 {
		t.Errorf("mean area %.4f, mean log aspect %.4f", meanArea, meanLog)
	}
	if b := a.inceptionBox(1000, 1, rng); b.Dy() != 1 || b.Dx() != 1 {
		t.Errorf("box of a 1000×1 picture: %v", b)
	}
}

func TestProcessorDoesNotAllocate(t *testing.T) {
	v, err := NewProcessor(input.Preprocess{Size: [2]int{32, 32}})
	if err != nil {
		t.Fatal(err)
	}
	src, dst := gradient(80, 60), make([]float32, v.Len())
	a := augmentation(t, input.Augment{Crop: input.InceptionCrop, Flip: 0.5})
	rng := rand.New(rand.NewPCG(1, 2))
	if n := testing.AllocsPerRun(100, func() {
		if _, err := v.AugmentTo(dst, Picture{Pixels: src}, a, rng); err != nil {
			t.Fatal(err)
		}
	}); n > 0.5 {
		t.Errorf("%v allocations per picture", n)
	}
}
