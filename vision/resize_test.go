package vision

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/mixnet-go/mixnet/input"
)

const pillowDir = "testdata/pillow"

// pillowIndex lists the reference images, see testdata/pillow/README.md.
type pillowIndex struct {
	Resize []struct {
		Src, Out      string
		Filter        input.Interpolation
		Width, Height int
	}
	Eval []struct {
		Src, Out     string
		Filter       input.Interpolation
		Resize, Crop int
	}
	Decode []struct {
		File, Mode, Out string
		Width, Height   int
	}
}

func readPillowIndex(t testing.TB) pillowIndex {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(pillowDir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var x pillowIndex
	if err := json.Unmarshal(b, &x); err != nil {
		t.Fatal(err)
	}
	if len(x.Resize) == 0 || len(x.Eval) == 0 || len(x.Decode) == 0 {
		t.Fatal("index.json lacks a group")
	}
	return x
}

// readReference reads a PNG by the standard library alone: grey stays grey.
func readReference(t testing.TB, file string) *Image {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(pillowDir, file))
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := 3
	if _, ok := img.(*image.Gray); ok {
		c = 1
	}
	r := img.Bounds()
	m := NewImage(r.Dx(), r.Dy(), c)
	for y := range m.H {
		for x := range m.W {
			v := color.NRGBAModel.Convert(img.At(r.Min.X+x, r.Min.Y+y)).(color.NRGBA)
			copy(m.Pix[(y*m.W+x)*c:][:c], []uint8{v.R, v.G, v.B})
		}
	}
	return m
}

// diff returns the largest and the mean difference of two images' samples.
func diff(t testing.TB, got, want *Image) (largest int, mean float64) {
	t.Helper()
	if got.W != want.W || got.H != want.H || got.C != want.C {
		t.Fatalf("size %d×%d×%d, want %d×%d×%d", got.W, got.H, got.C, want.W, want.H, want.C)
	}
	sum := 0
	for i, v := range got.Pix {
		d := int(v) - int(want.Pix[i])
		d = max(d, -d)
		sum += d
		largest = max(largest, d)
	}
	return largest, float64(sum) / float64(len(got.Pix))
}

func TestResizeEqualsPillow(t *testing.T) {
	var r Resizer
	var got Image
	for _, c := range readPillowIndex(t).Resize {
		src, want := readReference(t, c.Src), readReference(t, c.Out)
		if err := r.Resize(&got, src, c.Width, c.Height, c.Filter); err != nil {
			t.Fatal(err)
		}
		if d, _ := diff(t, &got, want); d != 0 {
			t.Errorf("%s: differs by up to %d", c.Out, d)
		}
	}
}
