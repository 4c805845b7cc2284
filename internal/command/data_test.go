package command

import (
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writePicture writes a PNG of a slope that depends on the seed.
func writePicture(t *testing.T, file string, seed int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m := image.NewRGBA(image.Rect(0, 0, 40+seed, 30))
	for y := range 30 {
		for x := range 40 + seed {
			m.SetRGBA(x, y, color.RGBA{uint8(x * seed), uint8(y * (7 - seed)), uint8(x*y + 40*seed), 255})
		}
	}
	if err := png.Encode(f, m); err != nil {
		t.Fatal(err)
	}
}

// oddSet is a set with a leak, an image in two classes, one of a class, a broken
// one and a file that is no image.
func oddSet(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for file, seed := range map[string]int{
		"train/cat/1.png": 1, "train/cat/2.png": 2, "train/cat/3.png": 3, "train/dog/1.png": 4, "train/dog/2.png": 1,
		"train/emu/1.png": 5, "val/cat/1.png": 2, "val/dog/1.png": 6,
	} {
		writePicture(t, filepath.Join(root, file), seed)
	}
	for file, content := range map[string]string{"train/dog/3.png": "no image", "train/cat/notes.xml": "x"} {
		if err := os.WriteFile(filepath.Join(root, file), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestData(t *testing.T) {
	root := oddSet(t)
	grid, augmented := filepath.Join(t.TempDir(), "grid.png"), filepath.Join(t.TempDir(), "augmented.png")
	out := mustRun(t, "data", root, "--grid", grid, "--augmented", augmented, "--set", "augment.flip=0.5")
	for _, want := range []string{
		"class folders, 3 classes", "train: 7 images, 1 to 3 of a class", "val: 2 images", "no image in val: emu", "one image only in train: emu",
		"left out: 1 × no picture: .xml (train/cat/notes.xml)", "cat    3      1", "1 image cannot be read:", "dog/3.png",
		"the same image is trained on and in another part:\n  " + filepath.Join(root, "train/cat/2.png") + " (train) = " + filepath.Join(root, "val/cat/1.png") + " (val)",
		"the same image is in several classes:\n  " + filepath.Join(root, "train/cat/1.png") + " (cat) = " + filepath.Join(root, "train/dog/2.png") + " (dog)",
		"width 41 to 46, median 43; height 30",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	for _, file := range []string{grid, augmented} {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if m, err := png.Decode(f); err != nil || m.Bounds().Dx() < 400 {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestDataJSON(t *testing.T) {
	var got dataReport
	if err := json.Unmarshal([]byte(mustRun(t, "data", oddSet(t), "--json")), &got); err != nil {
		t.Fatal(err)
	}
	if got.Layout != "class folders" || len(got.Classes) != 3 || len(got.Parts) != 2 || got.Parts[0].Images != 7 || len(got.LeftOut) != 1 {
		t.Errorf("%+v", got.Summary)
	}
	if len(got.Duplicates) != 2 || got.Leaked != 1 || len(got.Broken) != 1 || !got.Decoded {
		t.Errorf("%+v", got)
	}
	if want := 1 / 9.0; got.BrokenPart != want {
		t.Errorf("broken part %v, want %v", got.BrokenPart, want)
	}
	if want := 4 / 9.0; got.DuplicatePart != want {
		t.Errorf("duplicate part %v, want %v", got.DuplicatePart, want)
	}
	if s := got.Sizes; s == nil || s.Width != (spread{41, 43, 46}) || s.Height.Median != 30 {
		t.Errorf("sizes %+v", s)
	}
}

func TestDataErrors(t *testing.T) {
	empty := t.TempDir()
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"data", empty}, exitFailure, "no class folder"},
		{[]string{"data", filepath.Join(empty, "none")}, exitFailure, "none"},
		{[]string{"data", empty, "--grid", "x.jpg"}, exitUsage, ".png"},
		{[]string{"data", empty, "--size", "-1"}, exitUsage, "--size"},
		{[]string{"data", oddSet(t), "--augmented", filepath.Join(empty, "x.png"), "--recipe", "none"}, exitUsage, "recipe"},
	} {
		code, _, errs := invoke(t, c.args...)
		if code != c.code || !strings.Contains(errs, c.says) {
			t.Errorf("%v: exit code %d, want %d, and %q in: %s", c.args, code, c.code, c.says, errs)
		}
	}
}
