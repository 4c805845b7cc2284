package command

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// boxedPictures writes a set of pictures of 64×64 pixels, each with a wide or a
// tall rectangle, and YOLO's labels of them: so many to train on and to test.
func boxedPictures(t *testing.T, train, test int) string {
	t.Helper()
	root := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	for part, n := range map[string]int{"train": train, "test": test} {
		for i := range n {
			img := image.NewRGBA(image.Rect(0, 0, 64, 64))
			for p := range img.Pix {
				img.Pix[p] = uint8(rng.IntN(60))
			}
			class := i % 2
			w, h := 36, 18
			if class == 1 {
				w, h = h, w
			}
			x, y := rng.IntN(64-w), rng.IntN(64-h)
			draw.Draw(img, image.Rect(x, y, x+w, y+h), image.NewUniform(color.RGBA{uint8(220 * class), 200, 40, 255}), image.Point{}, draw.Src)
			writeFile(t, filepath.Join(root, part, "labels", fmt.Sprint(i)+".txt"), func(f *os.File) error {
				_, err := fmt.Fprintf(f, "%d %g %g %g %g\n", class, (float64(x)+float64(w)/2)/64, (float64(y)+float64(h)/2)/64, float64(w)/64, float64(h)/64)
				return err
			})
			writeFile(t, filepath.Join(root, part, "images", fmt.Sprint(i)+".png"), func(f *os.File) error { return png.Encode(f, img) })
		}
	}
	writeFile(t, filepath.Join(root, "data.yaml"), func(f *os.File) error {
		_, err := f.WriteString("names: [wide, tall]\ntrain: train/images\ntest: test/images\n")
		return err
	})
	return root
}

func writeFile(t *testing.T, path string, write func(*os.File) error) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := write(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

const smallDetector = "mobilenetv2_100_ssdlite64@width=0.35"

// A run on labelled boxes trains, resumes, is judged and told of like others, and
// what it knows goes into another one.
func TestTrainObjects(t *testing.T) {
	set := boxedPictures(t, 9, 4)
	dir := t.TempDir()
	run := filepath.Join(dir, "runs", "run")
	text := mustRun(t, "train", "--task", "detect", "--data", set, "--model", smallDetector, "-b", "4", "--epochs", "2", "-o", run)
	for _, want := range []string{"9 images, 9 boxes", "anchor of IoU 0.5", "4 test images measure the result", "multibox loss", "AP50", "detect --model"} {
		if !strings.Contains(text, want) {
			t.Errorf("train says nothing of %q:\n%s", want, text)
		}
	}
	for _, name := range []string{"model.safetensors", "loss.png", "precision.png", "report.html", "summary.json", "events.out.tfevents.1.mixnet"} {
		if !exists(filepath.Join(run, name)) {
			t.Errorf("there is no %s", name)
		}
	}
	var judged, again struct {
		AP    *float64
		Split string
		Run   string
	}
	summary, err := os.ReadFile(filepath.Join(run, "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(summary, &judged); err != nil || judged.AP == nil {
		t.Fatalf("%s: %v", summary, err)
	}
	if err := json.Unmarshal([]byte(mustRun(t, "eval", "--model", run, "--json")), &again); err != nil || *again.AP != *judged.AP || again.Split != "test" {
		t.Errorf("eval: %+v, the run says %+v: %v", again, judged, err)
	}
	for _, args := range [][]string{
		{"eval", "--model", run, "--data", set, "--split", "train", "--per-class"},
		{"eval", "--model", run, "--coco", filepath.Join(dir, "coco")},
		{"detect", "--model", run, filepath.Join(set, "test", "images", "0.png"), "--score", "0"},
		{"report", run},
		{"runs", run},
		{"runs", "--dir", filepath.Dir(run), "--plot", filepath.Join(dir, "runs.svg")},
		{"info", smallDetector},
		{"data", set, "--grid", filepath.Join(dir, "grid.png")},
		{"train", "--task", "detect", "--data", set, "--weights", run, "--dry-run", "--draw", filepath.Join(dir, "drawn")},
		{"train", "--task", "detect", "--data", set, "--model", smallDetector, "--dry-run", "--draw", filepath.Join(dir, "sheet.png"), "--set", "detection.kind=focal"},
		{"train", "--task", "detect", "--data", set, "--model", smallDetector, "--lr-find", "-b", "2"},
		{"export", run, "-o", filepath.Join(dir, "run.onnx")},
		{"train", "--resume", run, "--epochs", "3"},
	} {
		mustRun(t, args...)
	}
	if out := mustRun(t, "train", "--task", "detect", "--data", set, "--weights", run, "--dry-run"); strings.Contains(out, "starts anew") || !strings.Contains(out, "parameters are taken") {
		t.Errorf("from weights of the same classes: %s", out)
	}
	var both struct {
		AP         *float64
		Difference struct{ AP, Low, High float64 }
	}
	there, found := filepath.Join(dir, "coco", "annotations.json"), filepath.Join(dir, "coco", "results.json")
	if err := json.Unmarshal([]byte(mustRun(t, "eval", "--results", found, "--annotations", there, "--against", found, "--json")), &both); err != nil {
		t.Fatal(err)
	}
	if *both.AP != *judged.AP || both.Difference.AP != 0 || both.Difference.Low != 0 || both.Difference.High != 0 {
		t.Errorf("the files' AP: %v, %+v; the run says %v", *both.AP, both.Difference, *judged.AP)
	}
	t.Chdir(dir)
	picture := filepath.Join(set, "test", "images", "0.png")
	if code, _, errs := invoke(t, "detect", picture); code != 0 || !strings.Contains(errs, "using the newest run") || !strings.Contains(errs, "2 classes (wide, tall), 64×64 pixels, AP ") {
		t.Errorf("detect without a model: exit code %d: %s", code, errs)
	}
	if code, _, errs := invoke(t, "predict", picture); code != 0 || !strings.Contains(errs, "using the built-in model photo") {
		t.Errorf("predict where the only run finds objects: exit code %d: %s", code, errs)
	}
	files, err := filepath.Glob(filepath.Join(dir, "drawn", "*.png"))
	if err != nil || len(files) != 9 {
		t.Errorf("%d training pictures are drawn: %v", len(files), err)
	}
}

// What does not go together is refused before any work.
func TestTrainObjectsRefuses(t *testing.T) {
	set := boxedPictures(t, 4, 0)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"train", "--weights", "person"}, exitUsage, "--task detect"},
		{[]string{"train", "--task", "detect", "--draw", "x"}, exitUsage, "--dry-run"},
		{[]string{"train", "--task", "detect", "--resume", "x", "--dry-run"}, exitUsage, "--dry-run"},
		{[]string{"train", "--layout", "voc"}, exitUsage, "--task detect"},
		{[]string{"train", "--task", "detect", "--data", set, "--model", "mixnet_tiny"}, exitFailure, "finds no objects"},
		{[]string{"train", "--task", "detect", "--data", set, "--model", smallDetector, "--set", "smoothing=0.1", "-b", "2", "-o", filepath.Join(t.TempDir(), "x")}, exitFailure, "label smoothing"},
		{[]string{"train", "--task", "detect", "--data", t.TempDir()}, exitFailure, "no labelled boxes"},
		{[]string{"train", "--task", "detect", "--data", set, "--layout", "coco"}, exitFailure, "no labelled boxes"},
		{[]string{"train", "--set", "detection.kind=focal", "-o", filepath.Join(t.TempDir(), "y")}, exitFailure, "networks that find objects"},
		{[]string{"train", "--task", "detect", "--set", "detection.kind=none"}, exitUsage, "detection loss"},
	} {
		code, _, errs := invoke(t, c.args...)
		if code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("%v: exit code %d: %s", c.args, code, errs)
		}
	}
}
