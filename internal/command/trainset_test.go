package command

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/recipe"
)

// pictures writes n pictures of a size for each class, in parts: "" for none.
func pictures(t *testing.T, root string, parts []string, classes, n, h, w int) string {
	t.Helper()
	for p, part := range parts {
		for c := range classes {
			dir := filepath.Join(root, part, fmt.Sprintf("class%d", c))
			if err := os.MkdirAll(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			for i := range n {
				img := image.NewRGBA(image.Rect(0, 0, w, h))
				for x := range w {
					img.Set(x, x%h, color.RGBA{uint8(40 * c), uint8(10 * i), uint8(60 * p), 255})
				}
				writePNG(t, filepath.Join(dir, fmt.Sprintf("%d.png", i)), img)
			}
		}
	}
	return root
}

func mustOpen(t *testing.T, root string) data.Dataset {
	t.Helper()
	s, err := data.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	return s.Train
}

func lastReport(t *testing.T, out string) evaluate.Report {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var r evaluate.Report
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &r); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return r
}

// What chooses and what judges is said, and never the same.
func TestTrainRoles(t *testing.T) {
	for _, tc := range []struct {
		parts []string
		args  []string
		split string
		said  string
	}{
		{[]string{""}, nil, "held-out", "2 held-out images measure the result and choose nothing"},
		{[]string{""}, []string{"--val-split", "0.5"}, "held-out", "10 held-out images"},
		{[]string{""}, []string{"--val-split", "0"}, "", "nothing is held out: the last epoch is the result"},
		{[]string{""}, []string{"--patience", "3"}, "held-out", "2 images held out choose the epoch, 2 held-out images measure"},
		{[]string{"train", "val"}, nil, "val", "20 validation images measure the result and choose nothing"},
		{[]string{"train", "val"}, []string{"--patience", "3"}, "held-out", "20 validation images choose the epoch, 2 held-out images measure"},
		{[]string{"train", "test"}, nil, "test", "20 test images measure the result and choose nothing"},
		{[]string{"train", "val", "test"}, nil, "test", "20 validation images choose the epoch, 20 test images measure the result"},
	} {
		root := pictures(t, t.TempDir(), tc.parts, 2, 10, 28, 28)
		dir := filepath.Join(t.TempDir(), "run")
		args := append([]string{"train", "--data", root, "--epochs", "1", "-b", "4", "-o", dir}, tc.args...)
		if out := mustRun(t, args...); !strings.Contains(out, tc.said) {
			t.Errorf("%v %v: %q is not said:\n%s", tc.parts, tc.args, tc.said, out)
		}
		if r := lastReport(t, mustRun(t, "train", "--resume", dir, "--json")); r.Split != tc.split {
			t.Errorf("%v %v: judged on %q, want %q", tc.parts, tc.args, r.Split, tc.split)
		}
	}
	for _, bad := range []string{"2", "1", "-0.5", "NaN"} {
		if code, _, errs := invoke(t, "train", "--val-split="+bad, "--max-steps", "1"); code != exitUsage || !strings.Contains(errs, "--val-split") {
			t.Errorf("--val-split %s: exit code %d, %s", bad, code, errs)
		}
	}
	single := pictures(t, t.TempDir(), []string{""}, 8, 1, 28, 28)
	if code, _, errs := invoke(t, "train", "--data", single, "-o", filepath.Join(t.TempDir(), "run")); code != exitFailure || !strings.Contains(errs, "--val-split 0") {
		t.Errorf("one picture a class: exit code %d, %s", code, errs)
	}
	mustRun(t, "train", "--data", single, "--val-split", "0", "--epochs", "1", "-o", filepath.Join(t.TempDir(), "run"))
}

// The network fits the pictures, and what happens to them is said.
func TestTrainNetwork(t *testing.T) {
	for _, tc := range []struct {
		h, w int
		want string
	}{
		{28, 28, "mixnet_tiny"},
		{30, 40, "mixnet_tiny"},
		{32, 32, "mixnet_tiny@size=32"},
		{48, 60, "mixnet_tiny@size=48"},
		{64, 64, "mixnet_s@size=64"},
		{100, 100, "mixnet_s@size=96"},
		{3000, 4000, "mixnet_s@size=128"},
		{0, 0, "mixnet_tiny"},
	} {
		if got := defaultNetwork(recipe.Recipe{}, tc.h, tc.w); got != tc.want {
			t.Errorf("%d×%d: %s, want %s", tc.h, tc.w, got, tc.want)
		}
	}
	if got := defaultNetwork(recipe.Recipe{Network: "tf_mixnet_s"}, 28, 28); got != "tf_mixnet_s" {
		t.Errorf("the recipe's network is not taken: %s", got)
	}
	root := pictures(t, t.TempDir(), []string{""}, 2, 10, 70, 90)
	out := mustRun(t, "train", "--data", root, "--max-steps", "1", "-b", "4", "-o", filepath.Join(t.TempDir(), "run"))
	for _, want := range []string{"input 64×64×3", "pictures of about 70×90 are scaled to 64×64", "finetune --data", "at most 1 step of 15 epochs", "epoch 1 stopped after 1 of 4 steps: training loss "} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not said:\n%s", want, out)
		}
	}
	if h, w := pictureSize(mustOpen(t, root)); h != 70 || w != 90 {
		t.Errorf("pictures of %d×%d", h, w)
	}
}

// Weights are no network to train from the start.
func TestTrainRefusesWeights(t *testing.T) {
	file := filepath.Join(t.TempDir(), "w.safetensors")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mixnet_s.ft_in1k", "mixnet_s.ft_in1k@mix=2", file, "missing.pth", "fashion", "photo", t.TempDir()} {
		code, _, errs := invoke(t, "train", "--model", name, "--max-steps", "1")
		if code != exitUsage || !strings.Contains(errs, "random") || !strings.Contains(errs, "finetune --weights") {
			t.Errorf("%s: exit code %d, %s", name, code, errs)
		}
	}
	if code, _, errs := invoke(t, "train", "--model", "mixnet_s.nonsense"); code != exitFailure || !strings.Contains(errs, "mixnet_s.ft_in1k") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// A batch fits the set, or the error names the flag.
func TestTrainBatch(t *testing.T) {
	root := pictures(t, t.TempDir(), []string{""}, 2, 10, 28, 28)
	if out := mustRun(t, "train", "--data", root, "--epochs", "1", "-o", filepath.Join(t.TempDir(), "run")); !strings.Contains(out, "batches of 16 instead of 64, for the set has 18 training images") {
		t.Errorf("no word of the batch:\n%s", out)
	}
	if code, _, errs := invoke(t, "train", "--data", root, "-b", "50", "-o", filepath.Join(t.TempDir(), "run")); code != exitUsage || !strings.Contains(errs, "--batch-size 50: there are 18 training images only") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// Images that are both trained on and judged by are an error, unless there are
// few of them or the user goes on knowingly.
func TestLeaks(t *testing.T) {
	root := pictures(t, t.TempDir(), []string{"train", "val"}, 2, 6, 28, 28)
	args := func(command, out string, more ...string) []string {
		return append([]string{command, "--data", root, "-b", "4", "--epochs", "1", "--output", filepath.Join(t.TempDir(), out)}, more...)
	}
	mustRun(t, args("train", "clean")...)
	from, to := filepath.Join(root, "train", "class0", "2.png"), filepath.Join(root, "val", "class1", "copy.png")
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, content, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	start := pretrained(t)
	for _, command := range [][]string{args("train", "a"), args("finetune", "b", "-w", start)} {
		code, _, errs := invoke(t, command...)
		if code != exitFailure || !strings.Contains(errs, "1 of 13 images to choose or to judge by are training images as well") || !strings.Contains(errs, to+" is "+from) || !strings.Contains(errs, "--allow-leaks") {
			t.Errorf("%s: exit code %d, %s", command[0], code, errs)
		}
		if code, _, errs := invoke(t, append(command, "--allow-leaks")...); code != exitOK || !strings.Contains(errs, "warning:") {
			t.Errorf("%s --allow-leaks: exit code %d, %s", command[0], code, errs)
		}
	}
}

// The built-in images are not looked through at every start.
func TestBuiltInLeaks(t *testing.T) {
	splits, err := new(env).openData("")
	if err != nil {
		t.Fatal(err)
	}
	r, err := data.Check(t.Context(), splits.Parts(), data.CheckOptions{})
	if err != nil || len(r.Leaks()) > 0 {
		t.Errorf("%v, leaks %+v", err, r.Leaks())
	}
}

// The sizes of the classes are said before training.
// A set of one class teaches nothing, which is said.
func TestOneClass(t *testing.T) {
	root := pictures(t, t.TempDir(), []string{""}, 1, 6, 8, 8)
	for n, args := range [][]string{
		{"train", "--data", root, "--max-steps", "1", "-b", "2", "--val-split", "0", "-o", filepath.Join(t.TempDir(), "r")},
		{"train", "--data", pictures(t, t.TempDir(), []string{""}, 2, 6, 8, 8), "--max-steps", "1", "-b", "2", "--val-split", "0", "-o", filepath.Join(t.TempDir(), "r")},
	} {
		code, out, stderr := invoke(t, args...)
		if says := strings.Contains(stderr, "all images are of one class, class0"); code != 0 || says != (n == 0) {
			t.Errorf("exit code %d, warned %v\n%s%s", code, says, out, stderr)
		}
	}
}

func TestClassSizes(t *testing.T) {
	root := pictures(t, t.TempDir(), []string{""}, 3, 4, 28, 28)
	if got, want := classSizes(mustOpen(t, root)), "12 images of 3 classes, 4 of each"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := os.Remove(filepath.Join(root, "class1", "0.png")); err != nil {
		t.Fatal(err)
	}
	if got, want := classSizes(mustOpen(t, root)), "11 images of 3 classes, from 3 (class1) to 4 (class0)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A run that has ended goes on with more epochs.
func TestMoreEpochs(t *testing.T) {
	root := pictures(t, t.TempDir(), []string{"train", "val"}, 2, 6, 28, 28)
	dir := filepath.Join(t.TempDir(), "run")
	mustRun(t, "train", "--data", root, "-b", "4", "--epochs", "2", "-o", dir)
	for _, bad := range [][]string{{"--epochs", "2", "--lr", "0.1"}, {"--epochs", "1"}, {"--epochs", "x"}, {"--lr", "0.1"}} {
		if code, _, errs := invoke(t, append([]string{"train", "--resume", dir}, bad...)...); code != exitUsage {
			t.Errorf("%v: exit code %d, %s", bad, code, errs)
		}
	}
	if out := mustRun(t, "train", "--resume", dir, "--epochs", "4", "--max-steps", "1"); !strings.Contains(out, "2 of 4 epochs done") {
		t.Errorf("more epochs:\n%s", out)
	}
	mustRun(t, "train", "--resume", dir, "--epochs", "4")
	var all []runSummary
	if err := json.Unmarshal([]byte(mustRun(t, "runs", dir, "--json")), &all); err != nil || !all[0].Done || len(all[0].Epochs) != 4 {
		t.Errorf("%v: %+v", err, all)
	}
}

// A run that does not begin leaves nothing.
func TestRunFolders(t *testing.T) {
	t.Chdir(t.TempDir())
	if code, _, _ := invoke(t, "train", "--set", "freeze=nothing_like_it", "--max-steps", "1"); code == exitOK {
		t.Error("a layer that is not there was frozen")
	}
	if found, _ := filepath.Glob("runs/mixnet_tiny-[0-9]"); len(found) > 0 {
		t.Errorf("a run that did not begin left %v", found)
	}
}
