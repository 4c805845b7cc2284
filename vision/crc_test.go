package vision

import (
	"encoding/json"
	"hash/crc32"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/input"
)

// checksums lists what Pillow makes of many images; bench/golden/pillow_crc.py
// made it.
type checksums struct {
	JPEG []struct {
		File, How     string
		Width, Height int
		CRC           uint32
		Gray          uint32 `json:"grey"`
	}
	Resize []struct {
		Src           string
		Box           [4]int
		Filter        input.Interpolation
		Width, Height int
		CRC           uint32
	}
}

const crcDir = "testdata/crc"

func readChecksums(t *testing.T) checksums {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(crcDir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var c checksums
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	if len(c.JPEG) == 0 || len(c.Resize) == 0 {
		t.Fatal("index.json lacks a group")
	}
	return c
}

func TestJPEGEqualsPillow(t *testing.T) {
	var d Decoder
	var got Image
	for _, c := range readChecksums(t).JPEG {
		data, err := os.ReadFile(filepath.Join(crcDir, c.File))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Decode(&got, data, 3); err != nil {
			t.Errorf("%s (%s): %v", c.File, c.How, err)
			continue
		}
		if got.W != c.Width || got.H != c.Height || crc32.ChecksumIEEE(got.Pix) != c.CRC {
			t.Errorf("%s (%s): differs", c.File, c.How)
		}
		if err := d.Decode(&got, data, 1); err != nil {
			t.Errorf("%s (%s): %v", c.File, c.How, err)
		} else if crc32.ChecksumIEEE(got.Pix) != c.Gray {
			t.Errorf("%s (%s): grey differs", c.File, c.How)
		}
	}
}

func TestResizeOfCropEqualsPillow(t *testing.T) {
	var r Resizer
	var got Image
	for _, c := range readChecksums(t).Resize {
		src := readReference(t, c.Src)
		box := image.Rect(c.Box[0], c.Box[1], c.Box[2], c.Box[3])
		whole := image.Rect(0, 0, c.Width, c.Height)
		if err := r.Window(&got, src, box, c.Width, c.Height, whole, c.Filter); err != nil {
			t.Fatal(err)
		}
		if crc32.ChecksumIEEE(got.Pix) != c.CRC {
			t.Errorf("%+v: differs", c)
		}
	}
}

// TestRegionIsPartOfWhole decodes parts of every picture, upright or not.
func TestRegionIsPartOfWhole(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(crcDir, "*.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(pillowDir, "decode", "*.[jpwgb][pneim]*[gpf]"))
	if err != nil {
		t.Fatal(err)
	}
	files = append(append(files, more...), foreignFiles(t)...)
	if len(files) < 250 {
		t.Fatalf("%d files", len(files))
	}
	var d Decoder
	var whole, part, want Image
	rng := rand.New(rand.NewPCG(1, 2))
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, channels := range []int{3, 1} {
			if err := d.Decode(&whole, data, channels); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			info, err := d.Inspect(data)
			if err != nil {
				t.Fatal(err)
			}
			for range 4 {
				x, y := rng.IntN(info.W), rng.IntN(info.H)
				r := image.Rect(x, y, x+1+rng.IntN(info.W-x), y+1+rng.IntN(info.H-y))
				if err := d.Region(&part, data, info, r, channels); err != nil {
					t.Fatal(err)
				}
				want.reset(r.Dx(), r.Dy(), channels)
				copyRegion(&want, &whole, r)
				if !slices.Equal(part.Pix, want.Pix) {
					t.Errorf("%s: region %v differs from that part of the whole", file, r)
				}
			}
		}
	}
}

// TestWindowIsPartOfWhole resizes windows of the result only.
func TestWindowIsPartOfWhole(t *testing.T) {
	src := readReference(t, "src/noise_31x45.png")
	var r Resizer
	var got, want Image
	rng := rand.New(rand.NewPCG(3, 4))
	for _, filter := range []input.Interpolation{input.Nearest, input.Box, input.Bilinear, input.Bicubic, input.Lanczos} {
		for range 20 {
			w, h := 1+rng.IntN(60), 1+rng.IntN(60)
			whole, err := src.Resize(w, h, filter)
			if err != nil {
				t.Fatal(err)
			}
			x, y := rng.IntN(w), rng.IntN(h)
			win := image.Rect(x, y, x+1+rng.IntN(w-x), y+1+rng.IntN(h-y))
			if err := r.Window(&got, src, image.Rect(0, 0, src.W, src.H), w, h, win, filter); err != nil {
				t.Fatal(err)
			}
			want.reset(win.Dx(), win.Dy(), 3)
			copyRegion(&want, whole, win)
			if !slices.Equal(got.Pix, want.Pix) {
				t.Errorf("%s to %d×%d: window %v differs", filter, w, h, win)
			}
		}
	}
}
