package command

import (
	"context"
	"encoding/json"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet"
)

// photoFolder returns a folder with n pictures of the built-in clothes, in the
// order of their names.
func photoFolder(t *testing.T, n int) (dir string, files []string) {
	t.Helper()
	splits, err := new(env).openData("")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for i := range n {
		sub, err := sampleImage(from(t, splits.Test, i), dir)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, string(rune('a'+i/26))+string(rune('a'+i%26))+".png")
		if err := os.Rename(sub, name); err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
	}
	return dir, files
}

func predicted(t *testing.T, code int, args ...string) (out []prediction, errs string) {
	t.Helper()
	got, text, errs := invoke(t, append([]string{"predict", "--model", "fashion", "--json"}, args...)...)
	if got != code {
		t.Fatalf("%v: exit code %d, want %d\n%s", args, got, code, errs)
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return out, errs
}

// Many images are predicted in their order, what cannot be read is named, and
// the others are predicted all the same.
func TestPredictMany(t *testing.T) {
	dir, files := photoFolder(t, 150)
	alone := map[string]mixnet.Prediction{}
	for _, f := range []string{files[0], files[77], files[149]} {
		one, _ := predicted(t, exitOK, f)
		alone[f] = one[0].Predictions[0]
	}
	empty, missing, broken := t.TempDir(), filepath.Join(dir, "missing.jpg"), filepath.Join(t.TempDir(), "broken.png")
	if err := os.WriteFile(broken, []byte("no picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	out, errs := predicted(t, exitFailure, missing, dir, broken, empty, files[3])
	if len(out) != 154 || !strings.Contains(errs, "3 of 154 images") {
		t.Fatalf("%d results\n%s", len(out), errs)
	}
	for i, want := range map[int]string{0: missing, 151: broken, 152: empty} {
		if out[i].Image != want || out[i].Error == "" || len(out[i].Predictions) > 0 {
			t.Errorf("result %d: %+v, want an error of %s", i, out[i], want)
		}
	}
	for i, f := range files {
		r := out[i+1]
		if r.Image != f || r.Error != "" || len(r.Predictions) != 5 {
			t.Fatalf("result %d: %+v, want that of %s", i+1, r, f)
		}
		if want, ok := alone[f]; ok && (r.Predictions[0].Class != want.Class || math.Abs(r.Predictions[0].Probability-want.Probability) > 1e-4) {
			t.Errorf("%s: %+v, alone %+v", f, r.Predictions[0], want)
		}
	}
	// In text the errors go to standard error, each with its file.
	code, text, errs := invoke(t, "predict", "--model", "fashion", "-k", "1", missing, files[0], broken)
	if code != exitFailure || strings.Count(text, "\n") != 1 || strings.Count(errs, missing) != 1 || strings.Count(errs, broken) != 1 {
		t.Errorf("exit code %d\n%s\n%s", code, text, errs)
	}
	// Nothing to predict needs no model.
	if code, _, errs := invoke(t, "predict", "--model", "mixnet_s.ft_in1k", "--offline", missing); code != exitFailure || !strings.Contains(errs, missing) {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

func TestPredictFlags(t *testing.T) {
	_, files := photoFolder(t, 3)
	all, _ := predicted(t, exitOK, append(files, "-k", "10")...)
	sure, _ := predicted(t, exitOK, append(files, "-k", "10", "--threshold", "0.2")...)
	for i := range all {
		n := 0
		for _, p := range all[i].Predictions {
			if p.Probability >= 0.2 {
				n++
			}
		}
		if len(sure[i].Predictions) != n || n == 0 || n == 10 {
			t.Errorf("%d classes above the threshold, want %d", len(sure[i].Predictions), n)
		}
	}
	if out := mustRun(t, "predict", "--model", "fashion", "--json", "--threshold", "1", files[0]); !strings.Contains(out, `"predictions": []`) && !strings.Contains(out, `"probability": 1`) {
		t.Errorf("nothing above 1: %s", out)
	}
	// Another size gives other probabilities; the mirror image's mirror image
	// gives the same.
	other, _ := predicted(t, exitOK, files[0], "--size", "32", "--crop-pct", "0.9")
	if other[0].Predictions[0] == all[0].Predictions[0] {
		t.Error("--size and --crop-pct change nothing")
	}
	turned := filepath.Join(t.TempDir(), "turned.png")
	flipFile(t, files[0], turned)
	both, _ := predicted(t, exitOK, files[0], turned, "--mirror")
	for i, p := range both[0].Predictions {
		if q := both[1].Predictions[i]; p.Class != q.Class || math.Abs(p.Probability-q.Probability) > 1e-5 {
			t.Errorf("with --mirror %+v and, mirrored, %+v", p, q)
		}
	}
	for _, bad := range [][]string{{"-k", "0"}, {"--threshold", "1.5"}, {"--threshold", "nan"}, {"--size=-1"}, {"--crop-pct", "2"}} {
		if code, _, errs := invoke(t, append([]string{"predict", "--model", "fashion", files[0]}, bad...)...); code != exitUsage || errs == "" {
			t.Errorf("%v: exit code %d, %s", bad, code, errs)
		}
	}
}

// flipFile writes the mirror image of a PNG file.
func flipFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	img, err := png.Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := png.Encode(out, flipped{img}); err != nil {
		t.Fatal(err)
	}
}

// --explain draws a map for every class named, under names that were free.
func TestPredictExplain(t *testing.T) {
	dir, files := photoFolder(t, 2)
	before, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for range 2 { // into the folder of the images, twice
		out, _ := predicted(t, exitOK, files[0], files[1], "-k", "2", "--explain", dir)
		for _, r := range out {
			if len(r.Maps) != 2 {
				t.Fatalf("%+v: want two maps", r)
			}
			names = append(names, r.Maps...)
		}
	}
	seen := map[string]bool{}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(f)
		f.Close()
		if err != nil || img.Bounds().Dx() != 224 || seen[name] {
			t.Errorf("%s: %v, twice: %v", name, err, seen[name])
		}
		seen[name] = true
	}
	if after, err := os.ReadFile(files[0]); err != nil || string(after) != string(before) {
		t.Errorf("the image was written over: %v", err)
	}
	if !strings.HasPrefix(filepath.Base(names[0]), "aa-1-") || names[4] == names[0] || !strings.HasSuffix(names[4], "-2.png") {
		t.Errorf("names %v", names)
	}
	// Networks without such maps are refused by name.
	other := newWeights(t, "mobilenetv3_small_050")
	if code, _, errs := invoke(t, "predict", "--model", other, "--explain", t.TempDir(), files[0]); code != exitFailure || !strings.Contains(errs, "mobilenetv3_small_050") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

func TestMapName(t *testing.T) {
	for want, c := range map[string]struct{ image, label string }{
		"a-1-tench__Tinca":               {"x/a.jpg", "tench, Tinca"},
		"stdin-1-T-shirt_top":            {"-", "T-shirt/top"},
		"..-1-_":                         {"d/...png", "\n"},
		strings.Repeat("ü", 30) + "-1-b": {strings.Repeat("ü", 90) + ".png", "b"},
	} {
		if got := mapName(c.image, 1, mixnet.Prediction{Label: c.label}); got != want {
			t.Errorf("%q of %q: %q, want %q", c.label, c.image, got, want)
		}
	}
}

// An interrupted prediction ends with that.
func TestPredictInterrupted(t *testing.T) {
	_, files := photoFolder(t, 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if code, out, _ := invokeWith(t, ctx, nil, "predict", "--model", "fashion", files[0]); code != exitInterrupted || out != "" {
		t.Errorf("exit code %d, %s", code, out)
	}
}
