package pack

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/vision"
)

// folders makes class folders of pictures of different sizes.
func folders(t *testing.T) *data.Splits {
	t.Helper()
	root := t.TempDir()
	for i, class := range []string{"a cat", "[x]", "10", "null"} {
		for j := range 5 {
			m := image.NewRGBA(image.Rect(0, 0, 20+8*j, 40))
			for k := range m.Bounds().Dx() {
				m.Set(k, i, color.RGBA{uint8(50 * i), uint8(9 * k), 1, 255})
			}
			var b bytes.Buffer
			if err := png.Encode(&b, m); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(root, class, fmt.Sprintf("%d.png", j))
			if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, b.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	s, err := data.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// write writes all of a set as a shard, and opens it.
func write(t *testing.T, d data.Dataset, o Options) (string, *data.Splits, Stats) {
	t.Helper()
	var b bytes.Buffer
	stats, err := Write(t.Context(), &b, d, 0, d.Len(), o)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "train-00000-of-00001.tar")
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	s, err := data.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, s, stats
}

// A shard has the pictures and classes of the set, in its order.
func TestWrite(t *testing.T) {
	set := folders(t).Train
	path, again, stats := write(t, set, Options{Comment: "what it is"})
	if c, err := ReadComment(path); err != nil || c != "what it is" {
		t.Errorf("comment %q, %v", c, err)
	}
	if stats.Pictures != set.Len() || stats.Resized != 0 || again.Train.Len() != set.Len() {
		t.Fatalf("%+v, %d of %d pictures", stats, again.Train.Len(), set.Len())
	}
	var a, b data.Sample
	for i := range set.Len() {
		if x, y := set.Classes()[set.Label(i)], again.Train.Classes()[again.Train.Label(i)]; x != y {
			t.Errorf("picture %d: class %q, it was %q", i, y, x)
		}
		if set.Read(i, &a) != nil || again.Train.Read(i, &b) != nil || !bytes.Equal(a.File, b.File) {
			t.Errorf("picture %d: another file", i)
		}
	}
}

// Larger pictures get the shorter side that is wanted, others stay, and the
// number of workers changes no byte.
func TestResize(t *testing.T) {
	set := folders(t).Train
	path, again, stats := write(t, set, Options{Short: 30, Workers: 1})
	other, _, _ := write(t, set, Options{Short: 30, Workers: 3})
	x, err := os.ReadFile(path)
	y, err2 := os.ReadFile(other)
	if err != nil || err2 != nil || !bytes.Equal(x, y) {
		t.Error("the workers change what is written")
	}
	if stats.Resized != 4*3 {
		t.Errorf("%d resized", stats.Resized)
	}
	var a, b data.Sample
	for i := range set.Len() {
		if set.Read(i, &a) != nil || again.Train.Read(i, &b) != nil {
			t.Fatal("unreadable")
		}
		was, err := vision.Inspect(a.File)
		is, err2 := vision.Inspect(b.File)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		side := min(was.W, was.H)
		w, h := was.W, was.H
		if side > 30 {
			w, h = (w*30+side/2)/side, (h*30+side/2)/side
		}
		if is.W != w || is.H != h {
			t.Errorf("%d×%d became %d×%d, want %d×%d", was.W, was.H, is.W, is.H, w, h)
		}
	}
}

// Pictures in memory lose nothing; broken files are counted up to a limit.
func TestMemoryAndBroken(t *testing.T) {
	m := &data.Memory{H: 3, W: 2, C: 1, Pixels: []uint8{1, 2, 3, 4, 5, 6}, Labels: []int{0}, Names: []string{"x"}}
	_, again, _ := write(t, m, Options{})
	var s data.Sample
	if err := again.Train.Read(0, &s); err != nil {
		t.Fatal(err)
	}
	if img, err := vision.Decode(s.File); err != nil || img.W != 2 || img.H != 3 || img.Pix[3] != 2 {
		t.Errorf("%+v, %v", img, err)
	}
	splits := folders(t)
	if err := os.WriteFile(splits.Train.Name(2), []byte("none"), 0o666); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := Write(t.Context(), &b, splits.Train, 0, 20, Options{}); err == nil {
		t.Error("a broken file passed")
	}
	if stats, err := Write(t.Context(), &b, splits.Train, 0, 20, Options{MaxBad: 1}); err != nil || len(stats.Bad) != 1 || stats.Pictures != 19 {
		t.Errorf("%+v, %v", stats, err)
	}
}
