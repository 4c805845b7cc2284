package command

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/data/fashion"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/zoo"
)

// A quantized file is used as any other, and says the same of the built-in test
// images.
func TestQuantize(t *testing.T) {
	dir := t.TempDir()
	file, page := filepath.Join(dir, "f8.safetensors"), filepath.Join(dir, "f8.html")
	if err := os.CopyFS(filepath.Join(dir, "clothes"), fashion.FS()); err != nil {
		t.Fatal(err)
	}
	out := mustRun(t, "quantize", "fashion", "--data", filepath.Join(dir, "clothes"), "--images", "50", "--judge", "200", "-o", file, "--report", page, "--layers")
	for _, want := range []string{"17 of 17", "same class as before", "top-1 after", "conv_stem", "dB"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "conv_stem") {
		t.Errorf("page: %v", err)
	}
	var whole, floats struct {
		Top1   float64 `json:"top1"`
		Images int     `json:"images"`
	}
	for name, to := range map[string]any{file: &whole, "fashion": &floats} {
		if err := json.Unmarshal([]byte(mustRun(t, "eval", "--json", "--model", name)), to); err != nil {
			t.Fatal(err)
		}
	}
	if whole.Images == 0 || math.Abs(whole.Top1-floats.Top1) > 0.01 {
		t.Errorf("top-1 %.4f of whole numbers, %.4f of floats", whole.Top1, floats.Top1)
	}
	picture := filepath.Join(pictures(t, t.TempDir(), []string{""}, 1, 1, 28, 28), "class0", "0.png")
	mustRun(t, "predict", "--model", file, picture)
	mustRun(t, "bench", "mixnet_tiny@width=2", "--weights", file, "--time", "1ms", "-b", "1")
	for want, names := range map[string][]string{
		"the weights of the files":       {file},
		"random weights of mixnet_tiny,": {file, "mixnet_tiny"},
		"threads, random weights,":       {"mixnet_tiny"},
	} {
		if out := mustRun(t, append([]string{"compare", "--time", "1ms"}, names...)...); !strings.Contains(out, want) {
			t.Errorf("compare %v does not say %q:\n%s", names, want, out)
		}
	}
	out = mustRun(t, "quantize", "fashion", "--data", filepath.Join(dir, "clothes"), "--images", "20", "--judge", "20", "-o", file, "--float", "conv_stem")
	if want := "conv_stem (as asked)"; !strings.Contains(out, want) {
		t.Errorf("no %q in:\n%s", want, out)
	}
}

func TestQuantizeRefuses(t *testing.T) {
	dir := t.TempDir()
	images := pictures(t, t.TempDir(), []string{""}, 2, 4, 28, 28)
	empty := t.TempDir()
	to := filepath.Join(dir, "out.safetensors")
	spec, err := zoo.Lookup("mixnet_tiny")
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(spec, zoo.Options{}, []string{"a", "b"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	m.Values[0][3] = float32(math.NaN())
	damaged := filepath.Join(dir, "nan.safetensors")
	if err := m.Save(damaged); err != nil {
		t.Fatal(err)
	}
	whole := filepath.Join(dir, "whole.safetensors")
	mustRun(t, "quantize", "fashion", "--data", images, "-o", whole)
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"fashion", "--data", empty, "-o", to}, exitFailure, "no images"},
		{[]string{"fashion", "--data", filepath.Join(dir, "missing"), "-o", to}, exitFailure, "no such file"},
		{[]string{damaged, "--data", images, "-o", to}, exitFailure, "damaged"},
		{[]string{whole, "--data", images, "-o", to}, exitFailure, "quantized already"},
		{[]string{"fashion", "--data", images, "-o", to, "--float", "blocks.9"}, exitFailure, `no layer "blocks.9"`},
		{[]string{"fashion", "--data", images, "-o", filepath.Join(dir, "x.onnx")}, exitUsage, ".safetensors"},
		{[]string{"fashion", "--data", images, "-o", to, "--agreement", "2"}, exitUsage, "from 0 to 1"},
		{[]string{"fashion", "--data", images, "-o", to, "--images", "0"}, exitUsage, "at least 1"},
	} {
		code, _, stderr := invoke(t, append([]string{"quantize"}, test.args...)...)
		if code != test.code || !strings.Contains(stderr, test.want) {
			t.Errorf("%v: code %d, %s; want %d and %q", test.args, code, stderr, test.code, test.want)
		}
		if exists(to) {
			t.Fatalf("%v: a file was written", test.args)
		}
	}
	if code, _, stderr := invoke(t, "convert", whole, filepath.Join(dir, "half.safetensors"), "--half"); code != exitFailure || !strings.Contains(stderr, "8 bits already") {
		t.Errorf("--half of whole numbers: %d, %s", code, stderr)
	}
}
