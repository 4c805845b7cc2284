package command

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// trained returns a run on class folders, and the folders.
func trained(t *testing.T) (run, root string) {
	t.Helper()
	root = classFolders(t)
	run = filepath.Join(t.TempDir(), "run")
	mustRun(t, "train", "--data", root, "--output", run, "--epochs", "1", "--batch-size", "4", "--seed", "3")
	return run, root
}

// A run is judged on the images that it held out, whether its folder or a file
// in it is named, with the accuracy that training has told.
func TestEvalOfRun(t *testing.T) {
	run, root := trained(t)
	var told struct {
		Top1   float64 `json:"top1"`
		Images int     `json:"images"`
	}
	text, err := os.ReadFile(filepath.Join(run, summaryFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &told); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{run, filepath.Join(run, modelFile)} {
		var r evalReport
		code, out, errs := invoke(t, "eval", "--model", name, "--json")
		if code != exitOK || strings.Contains(errs, "warning") {
			t.Fatalf("exit code %d, %s", code, errs)
		}
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		if r.Images != told.Images || r.Images != 2 || r.Top1 != told.Top1 || r.TrainedOn != 0 || r.Run != run {
			t.Errorf("%s: %+v, training told %+v", name, r, told)
		}
	}
	// With the images trained on among them, that is told.
	var r evalReport
	code, out, errs := invoke(t, "eval", "--model", run, "--data", root, "--json")
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if code != exitOK || r.Images != 20 || r.TrainedOn != 18 || !strings.Contains(errs, "trained on 18 of these 20 images") {
		t.Errorf("exit code %d, %+v\n%s", code, r, errs)
	}
	// A copy of the images is known by its content, and where the run's own
	// images are gone, that is told.
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.CopyFS(moved, os.DirFS(root)); err != nil {
		t.Fatal(err)
	}
	_, out, errs = invoke(t, "eval", "--model", run, "--data", moved, "--json")
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.TrainedOn != 18 {
		t.Errorf("a copy: %v, %d trained on\n%s", err, r.TrainedOn, errs)
	}
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := invoke(t, "eval", "--model", run, "--data", moved); code != exitOK || !strings.Contains(errs, "is not known") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if code, _, errs := invoke(t, "eval", "--model", run); code != exitFailure || !strings.Contains(errs, "--data") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	// A model elsewhere has no run: the built-in images are not its own.
	lone := filepath.Join(t.TempDir(), "lone.safetensors")
	mustRun(t, "convert", filepath.Join(run, modelFile), lone)
	if code, _, errs := invoke(t, "eval", "--model", lone); code != exitUsage || !strings.Contains(errs, "--data") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// Every weight file of a fine-tuning run is judged on the run's images, that of
// the comparison from scratch too.
func TestEvalOfFinetuning(t *testing.T) {
	run, root := trained(t)
	tuned := filepath.Join(t.TempDir(), "tuned")
	mustRun(t, "finetune", "-w", filepath.Join(run, modelFile), "--data", root, "--output", tuned, "--epochs", "1", "--batch-size", "4", "--scratch")
	for _, file := range []string{modelFile, "frozen.safetensors", filepath.Join("scratch", modelFile)} {
		var r evalReport
		if err := json.Unmarshal([]byte(mustRun(t, "eval", "--model", filepath.Join(tuned, file), "--json")), &r); err != nil {
			t.Fatal(err)
		}
		if r.Images != 4 || r.TrainedOn != 0 || r.Run != tuned {
			t.Errorf("%s: %d images, %d trained on, run %s", file, r.Images, r.TrainedOn, r.Run)
		}
	}
}

// A copy of the images that a classifier was fine-tuned on is known too.
func TestEvalOfCopy(t *testing.T) {
	run, root := trained(t)
	tuned := filepath.Join(t.TempDir(), "tuned")
	mustRun(t, "finetune", "-w", filepath.Join(run, modelFile), "--data", root, "--output", tuned, "--head-only")
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.CopyFS(moved, os.DirFS(root)); err != nil {
		t.Fatal(err)
	}
	var r evalReport
	if err := json.Unmarshal([]byte(mustRun(t, "eval", "--model", tuned, "--data", moved, "--json")), &r); err != nil || r.TrainedOn != 16 {
		t.Errorf("%v, %d trained on, want 16", err, r.TrainedOn)
	}
}

func TestShorten(t *testing.T) {
	got := longFraction.ReplaceAllStringFunc("[0.02 0.3333333333333333 1e-05 12.5 inception]", shorten)
	if want := "[0.02 0.3333 1e-05 12.5 inception]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// The mistakes are written as a page and as a table, and are those that are
// counted.
func TestEvalErrors(t *testing.T) {
	run, root := trained(t)
	dir := t.TempDir()
	page, table, picture := filepath.Join(dir, "errors, all.html"), filepath.Join(dir, "errors.csv"), filepath.Join(dir, "confusion.svg")
	args := []string{"eval", "--model", run, "--data", root, "--split", "train", "--errors", page, "--errors", table, "--confusion", picture, "--worst", "3"}
	var r evalReport
	if err := json.Unmarshal([]byte(mustRun(t, append(args, "--json")...)), &r); err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for _, c := range r.Classes {
		wrong += int(c.Images - c.Correct)
	}
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows)-1 != wrong || wrong == 0 {
		t.Errorf("%d rows for %d mistakes", len(rows)-1, wrong)
	}
	for _, row := range rows[1:] {
		if !exists(row[0]) || filepath.Base(filepath.Dir(row[0])) != row[1] || row[1] == row[2] {
			t.Errorf("row %q", row)
		}
	}
	html, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(html, []byte("<img")); n != 2*min(3, wrong) {
		t.Errorf("%d pictures of %d mistakes: want an image and a map for each of three", n, wrong)
	}
	svg, err := os.ReadFile(picture)
	if err != nil || !bytes.Contains(svg, []byte(">light<")) {
		t.Errorf("the confusion matrix does not name the classes: %v", err)
	}
	if out := mustRun(t, args...); len(r.Confused) == 0 || !strings.Contains(out, "MOST OFTEN CONFUSED") || !strings.Contains(out, r.Confused[0].Predicted) {
		t.Errorf("%+v\n%s", r.Confused, out)
	}
	for _, bad := range [][]string{{"--errors", "x.txt"}, {"--confusion", "x.gif"}, {"--worst", "0"}, {"--crop-pct", "1.5"}, {"--crop-pct", "nan"}, {"--size=-3"}} {
		if code, _, errs := invoke(t, append([]string{"eval", "--model", run}, bad...)...); code != exitUsage || !strings.Contains(errs, bad[0][:6]) {
			t.Errorf("%v: exit code %d, %s", bad, code, errs)
		}
	}
}

// Training and fine-tuning end with a report and a card, which the command
// "report" writes again.
func TestReport(t *testing.T) {
	run, root := trained(t)
	if err := os.WriteFile(filepath.Join(root, "dark", "notes.xyz"), []byte("not a picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	tuned := filepath.Join(t.TempDir(), "tuned")
	mustRun(t, "finetune", "-w", filepath.Join(run, modelFile), "--data", root, "--output", tuned, "--head-only")
	mustRun(t, "report", run)
	for _, dir := range []string{run, tuned} {
		page, err := os.ReadFile(filepath.Join(dir, reportFile))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"<svg", "Confusion", "Settings", root, filepath.Base(dir), "--output " + dir, "mixnet_tiny", "class folders", "notes.xyz"} {
			if !bytes.Contains(page, []byte(want)) {
				t.Errorf("%s: no %q in the report", dir, want)
			}
		}
		card, err := os.ReadFile(filepath.Join(dir, cardFile))
		if err != nil || !bytes.HasPrefix(card, []byte("---\n")) || !bytes.Contains(card, []byte("0. dark\n1. light\n")) {
			t.Errorf("card: %v\n%s", err, card)
		}
		for _, file := range []string{reportFile, cardFile} {
			if err := os.Remove(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
		}
		var r reportResult
		if err := json.Unmarshal([]byte(mustRun(t, "report", dir, "--json")), &r); err != nil {
			t.Fatal(err)
		}
		again, err := os.ReadFile(r.Report)
		if err != nil || !bytes.Equal(again, page) {
			t.Errorf("%s: another report the second time: %v", dir, err)
		}
		if again, err := os.ReadFile(r.Card); err != nil || !bytes.Equal(again, card) {
			t.Errorf("%s: another card the second time: %v", dir, err)
		}
	}
	if code, _, errs := invoke(t, "report", root); code != exitFailure || !strings.Contains(errs, "no run folder") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// A run that has held nothing out has a report without a result.
func TestReportWithoutHeldOut(t *testing.T) {
	root := classFolders(t)
	run := filepath.Join(t.TempDir(), "run")
	mustRun(t, "train", "--data", root, "--output", run, "--epochs", "1", "--batch-size", "4", "--val-split", "0")
	page, err := os.ReadFile(filepath.Join(run, reportFile))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(page, []byte("nothing was held out")) || !bytes.Contains(page, []byte("Settings")) || bytes.Contains(page, []byte("Confusion")) {
		t.Errorf("report:\n%.2000s", page)
	}
	mustRun(t, "report", run)
	if code, _, errs := invoke(t, "eval", "--model", run); code != exitFailure || !strings.Contains(errs, "--data") {
		t.Errorf("eval: exit code %d, %s", code, errs)
	}
}

// Where no model is named, the newest run is introduced.
func TestNewestRunIsIntroduced(t *testing.T) {
	t.Chdir(t.TempDir())
	root := classFolders(t)
	picture := filepath.Join(root, "dark", "x.png")
	mustRun(t, "train", "--data", root, "--epochs", "1", "--batch-size", "4")
	_, _, errs := invoke(t, "predict", picture)
	for _, want := range []string{"using the newest run", "mixnet_tiny for 2 classes (dark, light), 28×28 pixels, top-1 ", " on 2 held-out images"} {
		if !strings.Contains(errs, want) {
			t.Errorf("no %q in %s", want, errs)
		}
	}
	mustRun(t, "train", "--data", root, "--epochs", "2", "--batch-size", "4", "--max-steps", "1")
	if _, _, errs := invoke(t, "predict", picture); !strings.Contains(errs, "not finished: 0 of 2 epochs") {
		t.Errorf("%s", errs)
	}
}

// Classes of ImageNet given as numbers are the labels, and of a thousand classes
// the matrix shows those that occur.
func TestEvalNumberedClasses(t *testing.T) {
	root := t.TempDir()
	from := classFolders(t)
	for class, number := range map[string]string{"dark": "305", "light": "647"} {
		if err := os.Rename(filepath.Join(from, class), filepath.Join(root, number)); err != nil {
			t.Fatal(err)
		}
	}
	picture, table := filepath.Join(t.TempDir(), "confusion.svg"), filepath.Join(t.TempDir(), "errors.csv")
	var r evalReport
	if err := json.Unmarshal([]byte(mustRun(t, "eval", "--model", newWeights(t, "mobilenetv2_035"), "--data", root, "--size", "32", "--json", "--confusion", picture, "--errors", table)), &r); err != nil {
		t.Fatal(err)
	}
	if r.Images != 20 || len(r.Classes) != 2 || r.Classes[0].Class != "dung beetle" || r.Classes[1].Class != "measuring cup" {
		t.Errorf("%+v", r.Classes)
	}
	svg, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(svg, []byte(" of 1000 occur)")) || !bytes.Contains(svg, []byte(">dung beetle<")) || len(svg) > 1<<18 {
		t.Errorf("the matrix takes %d bytes", len(svg))
	}
}

// Runs are drawn over epochs and time as curves, over the cost of their networks
// as points with names.
func TestRunsPlots(t *testing.T) {
	run, _ := trained(t)
	for x, want := range map[string]string{"epoch": ">epoch<", "time": ">training time in seconds<", "macs": ">multiply-adds of one image in millions (log scale)<", "params": ">parameters in millions (log scale)<"} {
		plot := filepath.Join(t.TempDir(), x+".svg")
		mustRun(t, "runs", run, "--plot", plot, "--x", x)
		svg, err := os.ReadFile(plot)
		if err != nil || !bytes.Contains(svg, []byte(want)) || bytes.Contains(svg, []byte(">-0<")) {
			t.Errorf("%s: %v: no %s", x, err, want)
		}
	}
	if code, _, errs := invoke(t, "runs", run, "--plot", "x.gif"); code != exitUsage || !strings.Contains(errs, "x.gif") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}
