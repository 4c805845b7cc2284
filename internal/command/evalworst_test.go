package command

import (
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The images with most mistakes are drawn, with the boxes in the colors of their
// outcomes and a legend; pictures are found beside the annotations.
func TestEvalDraw(t *testing.T) {
	annotations, results := cocoFiles(t, "")
	noiseFile(t, filepath.Join(filepath.Dir(annotations), "a.jpg"), 300, 300)
	dir := filepath.Join(t.TempDir(), "worst")
	var out cocoReport
	args := []string{"eval", "--results", results, "--annotations", annotations, "--draw", dir, "--json"}
	if err := json.Unmarshal([]byte(mustRun(t, args...)), &out); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(out.Drawn, []string{filepath.Join(dir, "a.png")}) {
		t.Fatalf("drawn %v", out.Drawn)
	}
	f, err := os.Open(out.Drawn[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ x, y, outcome int }{{30, 59, 0}, {120, 149, 1}} { // bottom edges of the object that is found and the one that is not
		want := outcomes[c.outcome].color
		if r, g, b, _ := img.At(c.x, c.y).RGBA(); uint8(r>>8) != want.R || uint8(g>>8) != want.G || uint8(b>>8) != want.B {
			t.Errorf("at %d, %d: %v, want %v", c.x, c.y, img.At(c.x, c.y), want)
		}
	}
	if img.Bounds().Dx() != 300 || img.Bounds().Dy() <= 310 {
		t.Errorf("drawing of %v", img.Bounds())
	}
	if code, _, errs := invoke(t, append(args, "--images", t.TempDir())...); code != exitFailure || !strings.Contains(errs, "--images names the folder") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}
