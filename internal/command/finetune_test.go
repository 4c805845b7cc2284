package command

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/fashion"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/transfer"
)

// garmentFolders writes n images of each of four classes of Fashion-MNIST.
func garmentFolders(t *testing.T, n int) string {
	t.Helper()
	s, err := data.OpenIDX(fashion.FS(), "fashion")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	counts := [4]int{}
	var sample data.Sample
	for i := range s.Train.Len() {
		label := s.Train.Label(i)
		if label >= len(counts) || counts[label] == n {
			continue
		}
		counts[label]++
		if err := s.Train.Read(i, &sample); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, fmt.Sprintf("class%d", label), fmt.Sprintf("%d.png", i))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, sample.Pixels); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// pretrained returns a run folder with a network for ten classes.
func pretrained(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "base")
	mustRun(t, "train", "--max-steps", "10", "--batch-size", "20", "--output", dir)
	return dir
}

func lastLines(out string, n int) []string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return lines[max(len(lines)-n, 0):]
}

func TestFinetune(t *testing.T) {
	images, base := garmentFolders(t, 10), pretrained(t)
	dir := filepath.Join(t.TempDir(), "run")
	out := mustRun(t, "finetune", "--weights", base, "--data", images, "--epochs", "2", "--output", dir)
	last := lastLines(out, 2)
	if !strings.HasPrefix(last[0], "held-out images, 8 of them: top-1 between ") || !strings.HasPrefix(last[1], "top-1 ") || !strings.Contains(last[1], " %  top-5 ") {
		t.Errorf("last lines %q", last)
	}
	for _, want := range []string{
		"32 training images, 8 held-out ones", "fine-tuned: 2 epochs of 4 steps of 8 images", "from scratch: 2 epochs",
		"frozen backbone  ", "mixnet predict --model " + dir, "mixnet eval --model " + dir,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not shown:\n%s", want, out)
		}
	}
	var report transfer.Report
	readJSON(t, filepath.Join(dir, summaryFile), &report)
	if len(report.Methods) != 3 || report.Methods[0].Method != transfer.FineTuned || report.Methods[1].Ahead == nil || report.Images != 8 {
		t.Errorf("summary %+v", report)
	}
	// Every model is one that eval takes, with the accuracy reported; its data
	// here are all images.
	for _, m := range report.Methods {
		var r evaluate.Report
		if err := json.Unmarshal([]byte(mustRun(t, "eval", "--model", m.Model, "--data", images, "--json")), &r); err != nil {
			t.Fatal(err)
		}
		if r.Images != 40 || len(r.Classes) != 4 {
			t.Errorf("%s: %d images, %d classes", m.Model, r.Images, len(r.Classes))
		}
	}
	// A finished run has nothing left to do and says the same again.
	again := mustRun(t, "finetune", "--resume", dir)
	if got := lastLines(again, 2); got[0] != last[0] || got[1] != last[1] {
		t.Errorf("resumed at its end: %q, before %q", got, last)
	}
	if code, _, errs := invoke(t, "finetune", "--weights", base, "--data", images, "--output", dir); code != exitFailure || !strings.Contains(errs, "resume it") {
		t.Errorf("a run over another: exit code %d, %s", code, errs)
	}
}

// A model is trained further on its own classes with its own classifier, which
// is said.
func TestFinetuneFurther(t *testing.T) {
	images, dir := garmentFolders(t, 10), t.TempDir()
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	mustRun(t, "finetune", "-w", pretrained(t), "-d", images, "--head-only", "--output", first)
	again := []string{"finetune", "-w", first, "-d", images, "--epochs", "1", "--no-frozen", "--no-scratch", "--output"}
	if out := mustRun(t, append(again, second)...); !strings.Contains(out, "classifier is kept") {
		t.Errorf("nothing is said of the classifier:\n%s", out)
	}
	if out := mustRun(t, append(again, filepath.Join(dir, "third"), "--new-head")...); strings.Contains(out, "is kept") {
		t.Errorf("a new classifier is asked for:\n%s", out)
	}
}

// Without a named network, fine-tuning starts from the built-in one for photos.
func TestFinetuneBuiltIn(t *testing.T) {
	images := garmentFolders(t, 5)
	dir := filepath.Join(t.TempDir(), "run")
	mustRun(t, "finetune", "--offline", "--data", images, "--size", "32", "--head-only", "--output", dir)
	m, err := model.Open(filepath.Join(dir, modelFile), model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if m.Network != "tf_efficientnet_lite0" || len(m.Classes) != 4 || m.Notes["fine_tuned_from"] != "photo" {
		t.Errorf("%s with %d classes, notes %v", m.Network, len(m.Classes), m.Notes)
	}
}

func TestFinetuneHeadOnly(t *testing.T) {
	images, base := garmentFolders(t, 10), pretrained(t)
	dir := filepath.Join(t.TempDir(), "run")
	out := mustRun(t, "finetune", "-w", base, "-d", images, "--head-only", "--size", "20", "--json", "--output", dir)
	var report transfer.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Methods) != 1 || report.Methods[0].Method != transfer.Frozen || report.Top1Interval[0] > report.Top1 || report.Top1Interval[1] < report.Top1 {
		t.Errorf("report %+v", report)
	}
	mustRun(t, "predict", "--model", dir, filepath.Join(images, "class0"))
	var all []runSummary
	if err := json.Unmarshal([]byte(mustRun(t, "runs", "--dir", filepath.Dir(dir), "--json")), &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || !all[0].Done || all[0].Top1 == nil || math.Abs(*all[0].Top1-report.Top1) > 1e-9 {
		t.Errorf("runs lists %+v", all)
	}
}

func TestFinetuneGrid(t *testing.T) {
	images, base := garmentFolders(t, 20), pretrained(t)
	dir := filepath.Join(t.TempDir(), "run")
	out := mustRun(t, "finetune", "-w", base, "-d", images, "--recipe", "transfer", "--epochs", "2", "--rates", "1e-6,0.05", "--no-scratch", "--json", "--output", dir)
	stages := map[string]int{}
	var report transfer.Report
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		var ep train.Epoch
		if err := json.Unmarshal([]byte(line), &ep); err != nil {
			t.Fatal(err)
		}
		stages[ep.Stage]++
		if ep.Stage == "" {
			if err := json.Unmarshal([]byte(line), &report); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(stages) != 4 || stages[string(transfer.FineTuned)] != 2 || stages["lr0.05-wd5e-06"] != 2 {
		t.Errorf("lines by stage %v", stages)
	}
	if len(report.Trials) != 2 || report.Recipe.Name != "transfer" || len(report.Methods) != 2 {
		t.Errorf("report %+v", report)
	}
	best := 0
	if a, b := report.Trials[0], report.Trials[1]; b.Top1 > a.Top1 || b.Top1 == a.Top1 && b.Loss < a.Loss {
		best = 1
	}
	if report.Recipe.Schedule.LR != report.Trials[best].LR {
		t.Errorf("rate %g was chosen from %+v", report.Recipe.Schedule.LR, report.Trials)
	}
}

// A run that is interrupted while it trains and then resumed ends with the
// bytes of one that is not.
func TestFinetuneResume(t *testing.T) {
	images, base := garmentFolders(t, 10), pretrained(t)
	whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
	args := []string{"finetune", "-w", base, "-d", images, "--epochs", "3", "--no-scratch", "--threads", "2", "--output"}
	mustRun(t, append(args, whole)...)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if exists(filepath.Join(parts, train.LastFile)) {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	code, _, errs := invokeWith(t, ctx, nil, append(args, parts)...)
	if code == exitInterrupted && !strings.Contains(errs, "mixnet finetune --resume "+parts) || code != exitInterrupted && code != exitOK {
		t.Fatalf("interrupted: exit code %d, %s", code, errs)
	}
	mustRun(t, "finetune", "--resume", parts, "--threads", "2")
	for _, file := range []string{modelFile, "frozen.safetensors"} {
		a, err := os.ReadFile(filepath.Join(whole, file))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(parts, file))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs", file)
		}
	}

	if err := os.RemoveAll(filepath.Join(images, "class3")); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := invoke(t, "finetune", "--resume", parts); code != exitFailure || !strings.Contains(errs, "cannot resume: the data has") {
		t.Errorf("other data: exit code %d, %s", code, errs)
	}
}

func TestFinetuneUsage(t *testing.T) {
	images := garmentFolders(t, 3)
	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "--data"},
		{[]string{"-d", images, "--test-split", "0"}, exitUsage, "--test-split 0"},
		{[]string{"-w", "x.safetensors", "-d", images}, exitFailure, "x.safetensors"},
		{[]string{"-w", "x", "--head-only", "--no-frozen"}, exitUsage, "--no-frozen"},
		{[]string{"-w", "x", "--head-only", "--rates", "0"}, exitUsage, "--rates"},
		{[]string{"-w", "x", "--head-only", "--grid", "paper"}, exitUsage, "--grid"},
		{[]string{"-w", "x", "--rates=-1"}, exitUsage, "invalid recipe"},
		{[]string{"-w", "x", "--grid", "small", "--patience", "2"}, exitUsage, "--patience"},
		{[]string{"-w", "x", "--recipe", "none"}, exitUsage, "invalid recipe"},
		{[]string{"--resume", images}, exitFailure, transfer.PlanFile},
		{[]string{"-w", "x", "--mixup", "-1"}, exitUsage, "mixup"},
	} {
		code, out, errs := invoke(t, append([]string{"finetune"}, tc.args...)...)
		if code != tc.code || !strings.Contains(out+errs, tc.want) {
			t.Errorf("mixnet finetune %s: exit code %d, want %d, and output with %q:\n%s%s", strings.Join(tc.args, " "), code, tc.code, tc.want, out, errs)
		}
	}
	if code, _, errs := invoke(t, "train", "--recipe", "transfer"); code != exitUsage || !strings.Contains(errs, "mixnet finetune") {
		t.Errorf("transfer in train: exit code %d, %s", code, errs)
	}
}

// The flags that change a recipe are all in what --print-config shows.
func TestRecipeFlags(t *testing.T) {
	out := mustRun(t, "train", "--print-config", "--epochs", "7", "--batch-size", "96", "--lr", "0.25", "--opt", "sgd", "--weight-decay", "0.001", "--ema", "0.5",
		"--patience", "11", "--sizes", "14,28", "--sampling", "balanced", "--freeze-until", "conv_stem", "--max-bad", "0", "--seed", "3", "--set", "mix.mixup=0.2",
		"--set", "mix.cutmix=0.7", "--set", "augment.rand_augment.n=3", "--set", "augment.erase.probability=0.125",
		"--set", "size_order=random", "--set", "freeze=bn1,blocks.0", "--set", "optimizer.layer_decay=0.75")
	for _, want := range []string{
		"epochs = 7", "batch = 96", "lr = 0.25", `kind = "sgd"`, "weight_decay = 0.001", "ema = 0.5", `sampling = "balanced"`, "seed = 3", "layer_decay = 0.75",
		"mixup = 0.2", "cutmix = 0.7", "n = 3", "probability = 0.125", "patience = 11",
		"sizes = [14, 28]", "size_order = \"random\"", `freeze = ["bn1", "blocks.0"]`, `freeze_until = "conv_stem"`, "max_bad = -1",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	for _, tc := range []struct{ args, want string }{
		{"--mixup 0.2", "--set mix.mixup=VALUE"},
		{"--size-order random", "--set size_order=VALUE"},
		{"--momentum 0.9", "--set optimizer.momentum=VALUE"},
		{"--set optimizer.momentun=0.9", "optimizer.momentum"},
		{"--set momentum=0.9", "optimizer.momentum"},
		{"--opt adm", "adamw"},
		{"--epochs many", "epochs"},
	} {
		if code, _, errs := invoke(t, append([]string{"train", "--print-config"}, strings.Fields(tc.args)...)...); code != exitUsage || !strings.Contains(errs, tc.want) {
			t.Errorf("%s: exit code %d, %s", tc.args, code, errs)
		}
	}
	dir := filepath.Join(t.TempDir(), "run")
	mustRun(t, "train", "--max-steps", "1", "--batch-size", "10", "--drop-path", "0.3", "--output", dir)
	var config struct {
		Options struct {
			DropPath float64 `json:"drop_path"`
		}
	}
	readJSON(t, filepath.Join(dir, train.ConfigFile), &config)
	if config.Options.DropPath != 0.3 {
		t.Errorf("drop-path %g", config.Options.DropPath)
	}
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
