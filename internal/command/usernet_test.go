package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/weights"
)

// A network of one's own, written from one of the zoo, goes through every
// command by the path of its file; what it trained to needs the file no more.
func TestOwnNetwork(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "mine.toml")
	text := strings.NewReplacer(`name = "mixnet_tiny"`, `name = "mine"`, "[3, 5, 7]", "[3, 7]").Replace(mustRun(t, "info", "mixnet_tiny", "--toml"))
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}

	var info struct {
		Name   string
		Params int64
	}
	svg := filepath.Join(dir, "mine.svg")
	if err := json.Unmarshal([]byte(mustRun(t, "info", file, "--svg", svg, "--json")), &info); err != nil {
		t.Fatal(err)
	}
	if drawn, err := os.ReadFile(svg); err != nil || info.Name != "mine" || !strings.Contains(string(drawn), "7×7") {
		t.Errorf("network %s; %v", info.Name, err)
	}
	if out := mustRun(t, "info", file, "--timm"); !strings.Contains(out, "_k3.7_") {
		t.Errorf("block strings:\n%s", out)
	}
	var rows []comparison
	if err := json.Unmarshal([]byte(mustRun(t, "compare", file, file+"@width=2", "--time", "1ms", "--json")), &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 || rows[0].Params != info.Params || rows[1].Network != "mine@width=2" || rows[1].MedianMS <= 0 {
		t.Errorf("%+v", rows)
	}
	for _, args := range [][]string{{"bench", file}, {"bench", "infer", file}, {"bench", "train", file}} {
		if out := mustRun(t, append(args, "--time", "1ms")...); !strings.Contains(out, "mine") {
			t.Errorf("%v:\n%s", args, out)
		}
	}

	run, images := filepath.Join(dir, "run"), garmentFolders(t, 3)
	mustRun(t, "train", "--model", file, "--data", images, "--max-steps", "2", "--batch-size", "4", "--output", run)
	trained := filepath.Join(run, modelFile)
	m, err := model.Open(trained, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	bare := filepath.Join(dir, "bare.safetensors")
	tensors, err := weights.Tensors("", m.Graph, m.Values)
	if err != nil {
		t.Fatal(err)
	}
	if err := weights.WriteFile(bare, tensors, nil); err != nil {
		t.Fatal(err)
	}
	described := filepath.Join(dir, "described.safetensors")
	mustRun(t, "convert", bare, described, "--network", file+"@channels=3") // as trained on the colour images

	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{run, trained, described} {
		if out := mustRun(t, "eval", "--model", name, "--data", images); !strings.Contains(out, "mine") {
			t.Errorf("eval:\n%s", out)
		}
	}
	photo, err := filepath.Glob(filepath.Join(images, "class0", "*.png"))
	if err != nil || len(photo) == 0 {
		t.Fatal(err)
	}
	if out := mustRun(t, "predict", "--model", trained, photo[0]); !strings.Contains(out, "class") {
		t.Errorf("predict:\n%s", out)
	}
	mustRun(t, "train", "--resume", run, "--data", images, "--max-steps", "1")
	tuned := filepath.Join(dir, "tuned")
	mustRun(t, "finetune", "--weights", trained, "--data", images, "--epochs", "1", "--no-scratch", "--output", tuned)
	if m, err := model.Open(filepath.Join(tuned, modelFile), model.Options{}); err != nil || m.Network != "mine" || m.Table == nil {
		t.Errorf("fine-tuned to %+v, %v", m, err)
	}

	code, _, errs := invoke(t, "info", file)
	if code != exitFailure || !strings.Contains(errs, "mine.toml: no such file") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(text, "stride = 2", "strides = 2", 1)), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"info", file},
		{"compare", file},
		{"bench", file},
		{"train", "--model", file, "--output", filepath.Join(dir, "none")},
		{"convert", bare, described, "--network", file},
		{"eval", "--model", bare, "--network", file, "--data", images},
		{"predict", "--model", bare, "--network", file, photo[0]},
		{"finetune", "--weights", bare, "--network", file, "--data", images, "--output", filepath.Join(dir, "none")},
	} {
		code, _, errs := invoke(t, args...)
		if code != exitFailure || !strings.Contains(errs, "mine.toml:") || !strings.Contains(errs, "strides: unknown key; did you mean stride?") {
			t.Errorf("%v: exit code %d: %s", args, code, errs)
		}
	}
}
