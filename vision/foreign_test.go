package vision

import (
	"encoding/json"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
)

const foreignDir = "testdata/foreign"

// foreignFiles returns the paths of the pictures there.
func foreignFiles(t *testing.T) (paths []string) {
	t.Helper()
	entries, err := os.ReadDir(foreignDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if IsPicture(e.Name()) {
			paths = append(paths, filepath.Join(foreignDir, e.Name()))
		}
	}
	return paths
}

// TestForeignFilesEqualPillow decodes what other programs write, well formed and
// not; bench/golden/foreign_images.py made the files and the checksums.
func TestForeignFilesEqualPillow(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(foreignDir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index struct {
		Files []struct {
			File          string
			Width, Height int
			CRC           uint32
		}
	}
	if err := json.Unmarshal(b, &index); err != nil {
		t.Fatal(err)
	}
	if len(index.Files) < 150 {
		t.Fatalf("%d files", len(index.Files))
	}
	var d Decoder
	var got, gray Image
	for _, c := range index.Files {
		data, err := os.ReadFile(filepath.Join(foreignDir, c.File))
		if err != nil {
			t.Fatal(err)
		}
		if !IsPicture(c.File) {
			t.Errorf("%s: its name is no picture's", c.File)
		}
		if err := d.Decode(&got, data, 3); err != nil {
			t.Errorf("%s: %v", c.File, err)
			continue
		}
		if got.W != c.Width || got.H != c.Height || crc32.ChecksumIEEE(got.Pix) != c.CRC {
			t.Errorf("%s: %d×%d pixels differ from Pillow's %d×%d", c.File, got.W, got.H, c.Width, c.Height)
		}
		want, err := got.Convert(1)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Decode(&gray, data, 1); err != nil {
			t.Errorf("%s: gray: %v", c.File, err)
		} else if worst, _ := diff(t, &gray, want); worst != 0 {
			t.Errorf("%s: gray differs by up to %d", c.File, worst)
		}
	}
}
