package command

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/evaluate"
)

// invoke runs one command line and returns its exit code and output.
func invoke(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return invokeWith(t, context.Background(), nil, args...)
}

func invokeWith(t *testing.T, ctx context.Context, stdin []byte, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = execute(ctx, invocation{of: core, program: "mixnet", args: args, stdin: bytes.NewReader(stdin), stdout: &out, stderr: &errs})
	return code, out.String(), errs.String()
}

func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errs := invoke(t, args...)
	if code != exitOK {
		t.Fatalf("mixnet %s: exit code %d\n%s", strings.Join(args, " "), code, errs)
	}
	return out
}

func TestUsage(t *testing.T) {
	for _, tc := range []struct {
		args []string
		code int
		want string // in the output
	}{
		{nil, exitOK, "Start with"},
		{[]string{"--help"}, exitOK, "130 interrupted by Ctrl-C"},
		{[]string{"train", "--help"}, exitOK, "--resume"},
		{[]string{"info", "--help"}, exitOK, "partition=equal|exponential"},
		{[]string{"--version"}, exitOK, "devel"},
		{[]string{"fly"}, exitUsage, "unexpected argument fly"},
		{[]string{"info"}, exitUsage, "<name>"},
		{[]string{"info", "mixnet_z"}, exitFailure, "did you mean mixnet_s"},
		{[]string{"models", "nothing-like-it"}, exitFailure, "no network matches"},
		{[]string{"bench", "mixnet_tiny", "--batch", "0"}, exitUsage, "--batch 0"},
		{[]string{"train", "--lr=-1"}, exitUsage, "invalid recipe"},
		{[]string{"train", "--recipe", "none"}, exitUsage, "invalid recipe"},
		{[]string{"train", "--data", "/nonexistent"}, exitFailure, "/nonexistent"},
		{[]string{"predict", "--model", "mixnet_s", "--offline", "x.jpg"}, exitFailure, "x.jpg"},
		{[]string{"convert", "a", "b.pth"}, exitUsage, "must end in .safetensors"},
	} {
		code, out, errs := invoke(t, tc.args...)
		if code != tc.code || !strings.Contains(out+errs, tc.want) {
			t.Errorf("mixnet %s: exit code %d, want %d, and output with %q:\n%s%s", strings.Join(tc.args, " "), code, tc.code, tc.want, out, errs)
		}
	}
}

func TestModelsAndInfo(t *testing.T) {
	var models []modelRow
	if err := json.Unmarshal([]byte(mustRun(t, "models", "--json")), &models); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int64{"mixnet_s": 4134606, "mixnet_m": 5014382, "mixnet_l": 7329252, "mixnet_xl": 11896768, "mixnet_xxl": 23961752}
	for _, m := range models {
		if want, ok := counts[m.Name]; ok && m.Params != want {
			t.Errorf("%s: %d parameters, want %d", m.Name, m.Params, want)
		}
		delete(counts, m.Name)
	}
	if len(counts) > 0 {
		t.Errorf("not listed: %v", counts)
	}
	var info struct {
		Params, MACs int64
		Layers       []json.RawMessage
	}
	if err := json.Unmarshal([]byte(mustRun(t, "info", "mobilenetv1_100@mix=6", "--json")), &info); err != nil {
		t.Fatal(err)
	}
	// Counted by an independent program from the architecture, for figure 4.
	if info.Params != 4560376 || (info.MACs+5e4)/1e5 != 6941 || len(info.Layers) == 0 {
		t.Errorf("MobileNetV1 with 6 groups: %d parameters, %d multiply-adds", info.Params, info.MACs)
	}
	text := mustRun(t, "info", "mixnet_s")
	for _, want := range []string{"4,134,606 parameters", "3:144 5:144 7:144 9:144 11:144"} {
		if !strings.Contains(text, want) {
			t.Errorf("info does not show %q:\n%s", want, text)
		}
	}
}

// TestTrainPredictEval follows a new user: train, then predict and evaluate.
func TestTrainPredictEval(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	out := mustRun(t, "train", "--max-steps", "3", "--batch-size", "20", "--output", dir)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "top-1 ") || !strings.Contains(last, " %  top-5 ") {
		t.Errorf("last line %q", last)
	}
	for _, want := range []string{"mixnet predict --model " + dir, "mixnet eval --model " + dir} {
		if !strings.Contains(out, want) {
			t.Errorf("next command %q is not shown:\n%s", want, out)
		}
	}

	var found []prediction
	sample := filepath.Join(dir, "sample-ankle-boot.png")
	if err := json.Unmarshal([]byte(mustRun(t, "predict", "--model", dir, "--json", "-k", "3", sample)), &found); err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 || len(found[0].Predictions) != 3 || found[0].Predictions[0].Label == "" {
		t.Errorf("predictions %+v", found)
	}

	// The same image from standard input, between two that are broken.
	content, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(dir, "broken.png")
	if err := os.WriteFile(broken, content[:len(content)/2], 0o666); err != nil {
		t.Fatal(err)
	}
	code, text, errs := invokeWith(t, context.Background(), content, "predict", "--model", dir, "--json", "-k", "3", broken, "-", broken)
	var three []prediction
	if err := json.Unmarshal([]byte(text), &three); err != nil {
		t.Fatal(err)
	}
	if code != exitFailure || !strings.Contains(errs, "2 of 3 images") || len(three) != 3 || three[0].Error == "" {
		t.Errorf("exit code %d, %q, %+v", code, errs, three)
	}
	if len(three[1].Predictions) != 3 || three[1].Predictions[0] != found[0].Predictions[0] {
		t.Errorf("from standard input %+v, from the file %+v", three[1], found[0])
	}

	csv := filepath.Join(dir, "confusion.csv")
	picture := filepath.Join(dir, "confusion.png")
	var r evaluate.Report
	if err := json.Unmarshal([]byte(mustRun(t, "eval", "--model", dir, "--json", "--confusion", csv, "--confusion", picture)), &r); err != nil {
		t.Fatal(err)
	}
	if r.Images != 2000 || len(r.Classes) != 10 || r.ImagesPerSecond <= 0 {
		t.Errorf("evaluation %+v", r)
	}
	if table, err := os.ReadFile(csv); err != nil || bytes.Count(table, []byte("\n")) != 11 {
		t.Errorf("confusion matrix %v:\n%s", err, table)
	}
	if f, err := os.Open(picture); err != nil {
		t.Error(err)
	} else if _, err := png.Decode(f); err != nil {
		t.Error(err)
	}

	// A converted copy says what it is.
	copied := filepath.Join(dir, "copy.safetensors")
	mustRun(t, "convert", dir+"/"+modelFile, copied)
	again := mustRun(t, "predict", "--model", copied, sample)
	if want := mustRun(t, "predict", "--model", dir, sample); again != want {
		t.Errorf("converted model says\n%s, the original\n%s", again, want)
	}
}

// TestTrainFolders trains on class folders of PNG files in colour.
func TestTrainFolders(t *testing.T) {
	root := classFolders(t)
	dir := filepath.Join(t.TempDir(), "run")
	out := mustRun(t, "train", "--data", root, "--output", dir, "--epochs", "1", "--batch-size", "4", "--json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var r evaluate.Report
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &r); err != nil {
		t.Fatal(err)
	}
	if r.Split != "held-out" || r.Images != 2 || len(lines) != 2 {
		t.Errorf("result %+v of\n%s", r, out)
	}
	if code, _, errs := invoke(t, "train", "--data", root, "--output", dir, "--batch-size", "4"); code != exitFailure || !strings.Contains(errs, "another run") {
		t.Errorf("a folder with a run was used again: exit code %d, %s", code, errs)
	}
	// The run knows its data, and its recipe does not change.
	if again := mustRun(t, "train", "--resume", dir, "--json"); !strings.Contains(again, `"images":2`) {
		t.Errorf("resumed at its end: %s", again)
	}
	if code, _, errs := invoke(t, "train", "--resume", dir, "--lr", "1"); code != exitUsage || !strings.Contains(errs, "leave out --lr") {
		t.Errorf("another rate for a run: exit code %d, %s", code, errs)
	}
	if code, _, errs := invoke(t, "eval", "--model", dir, "--data", t.TempDir()); code != exitFailure || errs == "" {
		t.Errorf("empty folder: exit code %d, %q", code, errs)
	}
}

// Unreadable images are named and skipped, up to a limit.
func TestTrainUnreadable(t *testing.T) {
	root := classFolders(t)
	bad := filepath.Join(root, "dark", "bad.png")
	if err := os.WriteFile(bad, []byte("no picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	args := []string{"train", "--data", root, "--epochs", "1", "--batch-size", "19"} // all of them
	run := filepath.Join(t.TempDir(), "run")
	_, _, errs := invoke(t, append(args, "--output", run)...)
	if !strings.Contains(errs, "skipped "+bad) {
		t.Errorf("%s is not named:\n%s", bad, errs)
	}
	for _, strict := range [][]string{
		append(args, "--output", filepath.Join(t.TempDir(), "run"), "--max-bad", "0"),
		{"finetune", "-w", pretrained(t), "--data", root, "--output", filepath.Join(t.TempDir(), "run"), "--max-bad", "0"},
		{"eval", "-m", run, "--data", root, "--max-bad", "0"},
	} {
		code, _, errs := invoke(t, strict...)
		if code != exitFailure || !strings.Contains(errs, "too many unreadable") || !strings.Contains(errs, bad) {
			t.Errorf("%s: exit code %d, %s", strict[0], code, errs)
		}
	}
}

// The picture to try a model on is a file, even if the set is an archive.
func TestTrainArchive(t *testing.T) {
	root := classFolders(t)
	archive := filepath.Join(t.TempDir(), "set.tar")
	f, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(f)
	if err := errors.Join(w.AddFS(os.DirFS(root)), w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	out := mustRun(t, "train", "--data", archive, "--output", dir, "--max-steps", "1", "--batch-size", "4")
	sample := filepath.Join(dir, "sample-dark.png")
	if !strings.Contains(out, "predict --model "+dir+" "+sample) {
		t.Errorf("no sample of the archive:\n%s", out)
	}
	mustRun(t, "predict", "--model", dir, sample)
}

// TestInterruptAndResume stops a run and goes on with it.
func TestInterruptAndResume(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	code, _, errs := invokeWith(t, ctx, nil, "train", "--output", dir, "--batch-size", "50", "--epochs", "1")
	if code != exitInterrupted || !strings.Contains(errs, "mixnet train --resume "+dir) {
		t.Fatalf("exit code %d, %s", code, errs)
	}
	out := mustRun(t, "train", "--resume", dir, "--max-steps", "2")
	if !strings.Contains(out, "0 of 1 epochs done") {
		t.Errorf("resumed:\n%s", out)
	}
	if code, _, errs := invoke(t, "train", "--resume", t.TempDir()); code != exitFailure || !strings.Contains(errs, "cannot resume") {
		t.Errorf("empty folder resumed: exit code %d, %s", code, errs)
	}
}

func TestPrintConfigReadsBack(t *testing.T) {
	text := mustRun(t, "train", "--print-config", "--lr", "0.125", "--opt", "sgd")
	path := filepath.Join(t.TempDir(), "mine.toml")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	if again := mustRun(t, "train", "--print-config", "--recipe", path); again != text || !strings.Contains(text, "lr = 0.125") {
		t.Errorf("read back\n%s, written\n%s", again, text)
	}
	if err := os.WriteFile(path, []byte("epoks = 3\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := invoke(t, "train", "--print-config", "--recipe", path); code == exitOK || !strings.Contains(errs, "epoks") {
		t.Errorf("unknown setting: exit code %d, %s", code, errs)
	}
}

func TestCompletion(t *testing.T) {
	for _, tc := range []struct {
		words []string
		want  string
	}{
		{[]string{"pre"}, "predict\n"},
		{[]string{"info", "mixnet_x"}, "mixnet_xl\nmixnet_xxl\n"},
		{[]string{"eval", "--confu"}, "--confusion\n"},
		{[]string{"completion", "z"}, "zsh\n"},
		{[]string{"train", "--model", "mixnet_ti"}, "mixnet_tiny\n"},
		{[]string{"train", "--model=mixnet_ti"}, "--model=mixnet_tiny\n"},
		{[]string{"train", "--opt", "ad"}, "adamw\n"},
		{[]string{"train", "--recipe", "s"}, "small\n"},
		{[]string{"finetune", "--sampling", "b"}, "balanced\n"},
		{[]string{"train", "--set", "optimizer.mom"}, "optimizer.momentum=\n"},
		{[]string{"train", "--set", "schedule.kind=c"}, "schedule.kind=cosine\nschedule.kind=constant\n"},
		{[]string{"bench", "so"}, "soak\n"},
		{[]string{"bench", "train", "mixnet_x"}, "mixnet_xl\nmixnet_xxl\n"},
		{[]string{"bench", "mixnet_x"}, "mixnet_xl\nmixnet_xxl\n"},
		{[]string{"bench", "--prof"}, ""},
		{[]string{"finetune", "--weights", "fash"}, "fashion\n"},
		{[]string{"eval", "-m", "fash"}, "fashion\n"},
		{[]string{"eval", "--split", "v"}, "val\n"},
	} {
		if got := mustRun(t, append([]string{"__complete", "--"}, tc.words...)...); got != tc.want {
			t.Errorf("completing %q gives %q, want %q", tc.words, got, tc.want)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if out := mustRun(t, "completion", shell); !strings.Contains(out, "mixnet __complete") {
			t.Errorf("%s: %s", shell, out)
		}
	}
}

func TestBench(t *testing.T) {
	var r benchResult
	if err := json.Unmarshal([]byte(mustRun(t, "bench", "mixnet_tiny", "--time", "1ms", "--json")), &r); err != nil {
		t.Fatal(err)
	}
	if r.Runs < 5 || r.MedianMS <= 0 || r.MinMS > r.MedianMS || r.PeakRSSMB <= 0 {
		t.Errorf("%+v", r)
	}
	for _, args := range [][]string{{"train", "mixnet_tiny", "--batch", "4"}, {"load", classFolders(t), "--size", "32"}} {
		var other benchResult
		text := mustRun(t, append([]string{"bench"}, append(args, "--time", "1ms", "--json")...)...)
		if err := json.Unmarshal([]byte(text), &other); err != nil || other.ImagesS <= 0 || other.MedianMS <= 0 {
			t.Errorf("%v: %v, %+v", args, err, other)
		}
	}
	ask := filepath.Join(t.TempDir(), "logits")
	in := []byte(`{"run": 2}` + "\n" + `{"logits": "` + filepath.ToSlash(ask) + `"}` + "\n")
	code, out, errs := invokeWith(t, context.Background(), in, "bench", "mixnet_tiny", "--worker")
	if code != exitOK || strings.Count(out, "\n") != 4 || !strings.Contains(out, `"peak_rss_mb"`) {
		t.Errorf("worker: exit code %d\n%s%s", code, out, errs)
	}
	if raw, err := os.ReadFile(ask); err != nil || len(raw) != 40 {
		t.Errorf("logits: %d bytes, %v", len(raw), err)
	}
}

func TestDoctor(t *testing.T) {
	var r doctorReport
	if err := json.Unmarshal([]byte(mustRun(t, "doctor", "--json")), &r); err != nil {
		t.Fatal(err)
	}
	if r.Kernels == "" || r.Cores < 1 || len(r.Levels) == 0 || r.Cache == "" {
		t.Errorf("%+v", r)
	}
}

// classFolders returns a folder with two class folders of ten pictures each.
func classFolders(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for i, class := range []string{"dark", "light"} {
		if err := os.Mkdir(filepath.Join(root, class), 0o777); err != nil {
			t.Fatal(err)
		}
		for j := range 10 {
			img := image.NewRGBA(image.Rect(0, 0, 40, 30))
			for k := range img.Pix {
				if img.Pix[k] = byte(60 + 120*i + j); k%4 == 3 {
					img.Pix[k] = 255
				}
			}
			var b bytes.Buffer
			if err := png.Encode(&b, img); err != nil {
				t.Fatal(err)
			}
			name := filepath.Join(root, class, strings.Repeat("x", j+1)+".png")
			if err := os.WriteFile(name, b.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}
