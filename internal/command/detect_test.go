package command

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/evaluate/coco"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/zoo"
)

// noiseFile writes a picture of w×h pixels without a pattern.
func noiseFile(t *testing.T, path string, w, h int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	rng := rand.New(rand.NewPCG(1, 2))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, color.RGBA{uint8(rng.Uint32()), uint8(rng.Uint32()), uint8(x), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What detect finds is printed, drawn, cut out and written in the formats of
// others, all of which agree; what it cannot read is named, and no input is
// written over.
func TestDetect(t *testing.T) {
	dir := t.TempDir()
	file, broken := filepath.Join(dir, "a.png"), filepath.Join(dir, "broken.jpg")
	content := noiseFile(t, file, 120, 80)
	if err := os.WriteFile(broken, content[:50], 0o666); err != nil {
		t.Fatal(err)
	}
	results := filepath.Join(t.TempDir(), "results.json")
	yolo, crops := t.TempDir(), t.TempDir()
	code, text, errs := invoke(t, "detect", dir, "--score", "0", "--max", "3", "--json", "--draw", dir, "--crops", crops, "--yolo", yolo, "--coco", results)
	if code != exitFailure || !strings.Contains(errs, "1 of 2 images") {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var out []detection
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	if len(out) != 2 || len(out[0].Objects) != 3 || out[0].Width != 120 || out[0].Height != 80 || out[0].Orientation != 1 || out[1].Found != nil || out[1].Error == "" {
		t.Fatalf("%+v", out)
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(after, content) {
		t.Error("the input has changed")
	}
	drawn, err := os.ReadFile(out[0].Drawn)
	if err != nil || filepath.Base(out[0].Drawn) != "a-2.png" {
		t.Fatalf("drawn in %s: %v", out[0].Drawn, err)
	}
	img, err := png.Decode(bytes.NewReader(drawn))
	if err != nil || img.Bounds() != image.Rect(0, 0, 120, 80) {
		t.Fatalf("drawing: %v", err)
	}
	o := out[0].Objects[0]
	at := image.Pt(int(o.X1), int(o.Y1)+20)
	if r, g, b, _ := img.At(at.X, at.Y).RGBA(); uint8(r>>8) != boxColors[0].R || uint8(g>>8) != boxColors[0].G || uint8(b>>8) != boxColors[0].B {
		t.Errorf("no edge at %v of %+v", at, o)
	}
	if len(out[0].Crops) != 3 {
		t.Errorf("crops %v", out[0].Crops)
	}
	labels, err := os.ReadFile(filepath.Join(yolo, "a.txt"))
	if err != nil || strings.Count(string(labels), "\n") != 3 || !strings.HasPrefix(string(labels), "0 0.") {
		t.Errorf("%v: labels %s", err, labels)
	}
	if code, _, errs := invoke(t, "detect", file, "--score", "0", "--yolo", yolo); code != exitFailure || !strings.Contains(errs, "a.txt is there already") {
		t.Errorf("labels that are there: exit code %d: %s", code, errs)
	}
	names := filepath.Join(yolo, "classes.txt")
	if err := os.WriteFile(names, []byte("cat\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := invoke(t, "detect", file, "--yolo", yolo); code != exitFailure || !strings.Contains(errs, "names other classes") {
		t.Errorf("names that are there: exit code %d: %s", code, errs)
	}
	f, err := os.Open(results)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found, err := coco.ReadResults(f)
	if err != nil || len(found) != 3 || found[0].Image != 1 || found[0].Category != 1 || found[0].Box.X != o.X1 || found[0].Score != o.Score {
		t.Errorf("%v, %v", found, err)
	}
}

// Wrong usage and other networks are told.
func TestDetectUsage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.png")
	noiseFile(t, file, 20, 20)
	if code, _, errs := invoke(t, "detect", file); code != 0 || !strings.Contains(errs, "built-in model person") {
		t.Errorf("without a model: exit code %d: %s", code, errs)
	}
	if _, _, errs := invoke(t, "detect", file, file, "--classes", "dog"); strings.Count(errs, "no class") != 1 {
		t.Errorf("an unknown class is told %s", errs)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{file, "--score", "1"}, exitUsage, "--score"},
		{[]string{file, "--iou", "2"}, exitUsage, "--iou"},
		{[]string{file, "--network", "mobilenetv2_100_ssdlite300"}, exitUsage, "--model"},
		{[]string{file, "--max", "0"}, exitUsage, "--max"},
		{[]string{file, "--coco", "x.txt"}, exitUsage, ".json"},
		{[]string{file, "--classes", "dog"}, exitFailure, "no class \"dog\"; it has person"},
		{[]string{file, "--model", "fashion"}, exitFailure, "finds no objects"},
		{[]string{file, "--model", "mixnet_s_ssdlite320"}, exitFailure, "no weights are published"},
		{[]string{"missing.png"}, exitFailure, "missing.png"},
	} {
		code, out, errs := invoke(t, append([]string{"detect"}, c.args...)...)
		if code != c.code || !strings.Contains(errs, c.says) {
			t.Errorf("%v: exit code %d\n%s%s", c.args, code, out, errs)
		}
	}
}

// Commands for networks that classify say what a detector is for.
func TestDetectorsAreNoClassifiers(t *testing.T) {
	spec, err := zoo.Lookup("mobilenetv2_035_ssdlite96")
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(spec, zoo.Options{}, []string{"cat", "dog"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, picture := filepath.Join(dir, "detector.safetensors"), filepath.Join(dir, "a.png")
	if err := m.Save(file); err != nil {
		t.Fatal(err)
	}
	noiseFile(t, picture, 30, 20)
	for _, args := range [][]string{
		{"predict", "--model", file, picture},
		{"eval", "--model", file},
		{"train", "--model", "mobilenetv2_035_ssdlite96", "-o", filepath.Join(dir, "run")},
		{"finetune", "--weights", file, "--data", pictures(t, t.TempDir(), []string{"train", "val"}, 2, 4, 28, 28), "-o", filepath.Join(dir, "tuned")},
		{"bench", "train", "mobilenetv2_035_ssdlite96"},
	} {
		if code, _, errs := invoke(t, args...); code != exitFailure || !strings.Contains(errs, "finds objects") {
			t.Errorf("%v: exit code %d: %s", args, code, errs)
		}
	}
	mustRun(t, "detect", "--model", file, picture, "--classes", "cat")
	mustRun(t, "bench", "mobilenetv2_035_ssdlite96", "--time", "1ms")
	mustRun(t, "compare", "mobilenetv2_035_ssdlite96", "mixnet_tiny", "--time", "1ms")
}
