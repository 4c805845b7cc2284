package model

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/weights"
	"github.com/mixnet-go/mixnet/zoo"
)

// foreign writes the parameters of a model as another program would: without a
// header, and with the tensors changed.
func foreign(t *testing.T, m *Model, path string, change func(*weights.Tensor) bool, more ...weights.Tensor) {
	t.Helper()
	tensors, err := weights.Tensors("", m.Graph, m.Values)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range tensors {
		if change(&x) {
			more = append(more, x)
		}
	}
	if err := weights.WriteFile(path, more, nil); err != nil {
		t.Fatal(err)
	}
}

// Weights without a classifier, or with other layers in its place, serve where
// it is replaced, and nowhere else.
func TestNewHead(t *testing.T) {
	m := newModel(t, "mixnet_s", nil)
	head := func(x *weights.Tensor) bool { return !strings.HasPrefix(x.Name, "classifier.") }
	sequential := []weights.Tensor{
		weights.NewTensor("classifier.1.weight", []int{3, 1536}, make([]float32, 3*1536)),
		weights.NewTensor("classifier.1.bias", []int{3}, make([]float32, 3)),
	}
	for name, more := range map[string][]weights.Tensor{"none": nil, "sequential": sequential} {
		path := filepath.Join(t.TempDir(), "features.safetensors")
		foreign(t, m, path, head, more...)
		if _, err := Open(path, Options{}); !errors.Is(err, weights.ErrMismatch) || !strings.Contains(err.Error(), "classifier.weight") {
			t.Errorf("%s: %v", name, err)
		}
		got, err := Open(path, Options{NewHead: true, Seed: 3})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Network != "mixnet_s" || got.Classes != nil {
			t.Errorf("%s: %s with classes %.3q", name, got.Network, got.Classes)
		}
		tuned, err := got.WithClasses([]string{"a", "b"}, 1)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range tuned.Graph.Params {
			if !tuned.IsHead(p.Name) && !slices.Equal(tuned.Values[i], m.Values[i]) {
				t.Errorf("%s: %s is not the file's", name, p.Name)
			}
		}
	}
}

// The description that timm puts beside its weights says the network, the
// classes and the preprocessing.
func TestDescription(t *testing.T) {
	m := newModel(t, "tf_mixnet_s", []string{"a", "b", "c"})
	all := func(*weights.Tensor) bool { return true }
	description := func() map[string]any {
		return map[string]any{
			"architecture": "tf_mixnet_s", "num_classes": 3, "num_features": 1536, "label_names": []string{"cat", "dog", "owl"},
			"pretrained_cfg": map[string]any{
				"input_size": []int{3, 192, 160}, "crop_pct": 0.9, "crop_mode": "squash", "interpolation": "bilinear",
				"mean": []float64{0.5, 0.25, 0.125}, "std": []float64{1, 2, 3}, "num_classes": 3, "pool_size": []int{6, 5}, "classifier": "classifier",
			},
		}
	}
	for _, c := range []struct {
		name   string
		change func(map[string]any)
		says   string // in the error
		labels string
		taken  string // for this network
	}{
		{"as it is", func(map[string]any) {}, "", "cat dog owl", "tf_mixnet_s"},
		{"numbered", func(d map[string]any) { d["label_names"] = map[string]string{"1": "dog", "0": "cat", "2": "owl"} }, "", "cat dog owl", "tf_mixnet_s"},
		{"no names", func(d map[string]any) { delete(d, "label_names") }, "", "", "tf_mixnet_s"},
		{"two names", func(d map[string]any) { d["label_names"] = []string{"cat", "dog"} }, "2 class names for 3 classes", "", ""},
		{"a gap", func(d map[string]any) { d["label_names"] = map[string]string{"1": "dog"} }, "none of class 0", "", ""},
		{"bad interpolation", func(d map[string]any) { d["pretrained_cfg"].(map[string]any)["interpolation"] = "cubic" }, "cubic", "", ""},
		{"another network's", func(d map[string]any) { d["architecture"] = "resnet18" }, "", "", "mixnet_s"},
		{"an unknown network's", func(d map[string]any) { d["architecture"] = "vit_base" }, "", "", "mixnet_s"},
		{"another program's", func(d map[string]any) { clear(d); d["network"] = "mixnet_s" }, "", "", "mixnet_s"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "model.safetensors")
		foreign(t, m, path, all)
		d := description()
		c.change(d)
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "config.json"), text, 0o666); err != nil {
			t.Fatal(err)
		}
		got, err := Open(path, Options{})
		if c.says != "" {
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v, want %s", c.name, err, c.says)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got.Network != c.taken || strings.Join(got.Classes, " ") != c.labels || got.Graph.Classes() != 3 || !sameValues(got, m) {
			t.Errorf("%s: %s with classes %q", c.name, got.Network, got.Classes)
		}
		p := got.Input
		if described := p.Size == [2]int{192, 160} && p.CropPct == 0.9 && p.CropMode == "squash" && p.Interpolation == "bilinear" && p.Mean[2] == 0.125 && p.Std[1] == 2; described != (c.taken == "tf_mixnet_s") {
			t.Errorf("%s: input %+v", c.name, p)
		}
	}
	// The file's own header goes before it, and a file system may hold both.
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	f, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := json.Marshal(description())
	if err != nil {
		t.Fatal(err)
	}
	got, err := FromFile(f, Options{Beside: fstest.MapFS{"config.json": {Data: text}}})
	if err != nil || strings.Join(got.Classes, " ") != "a b c" {
		t.Errorf("%v, classes %v", err, got)
	}
}

// A file for pictures of one channel is told from one of no known network.
func TestOtherChannels(t *testing.T) {
	m := newModel(t, "mixnet_s@channels=1", []string{"a", "b"})
	path := filepath.Join(t.TempDir(), "grey.safetensors")
	foreign(t, m, path, func(*weights.Tensor) bool { return true })
	var unknown *NetworkError
	_, err := Open(path, Options{})
	if !errors.As(err, &unknown) || !errors.Is(err, ErrNetwork) || !slices.Contains(unknown.Candidates, "mixnet_s@channels=1") || !strings.Contains(err.Error(), "mixnet_s@channels=1") {
		t.Errorf("error %v", err)
	}
	if err != nil && strings.Count(err.Error(), path) != 1 {
		t.Errorf("the path is not named once: %v", err)
	}
	_, err = Open(path, Options{Network: lookup(t, "mixnet_s")})
	if !errors.Is(err, weights.ErrMismatch) || !strings.Contains(err.Error(), "mixnet_s@channels=1") {
		t.Errorf("as mixnet_s: %v", err)
	}
	got, err := Open(path, Options{Network: lookup(t, "mixnet_s@channels=1")})
	if err != nil || !sameValues(got, m) || got.Input.Channels != 1 {
		t.Errorf("named: %v", err)
	}
}

// A program that names parameters in its own way may prepare pictures in its
// own way too.
func TestForeignInput(t *testing.T) {
	g := newModel(t, "tf_efficientnet_lite0", nil)
	for _, n := range zoo.ForeignNames(g.Graph) {
		if n.Err != nil || slices.Contains(n.Names, "") {
			continue
		}
		index := g.Graph.ParamIndex()
		path := filepath.Join(t.TempDir(), "weights.safetensors")
		foreign(t, g, path, func(x *weights.Tensor) bool { x.Name = n.Names[index[x.Name]]; return true })
		m, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if m.Network != g.Network || m.Input.Mean[0] != 127./255 || m.Input.Std[2] != 128./255 {
			t.Errorf("%s: %s, %+v", n.Source, m.Network, m.Input)
		}
	}
	if g.Input.Mean[0] != 0.5 {
		t.Errorf("timm's mean is %g", g.Input.Mean[0])
	}
}

// A checkpoint of this program is read from where the program writes its
// weights, and from nowhere else when a bit of a name has changed.
func TestDamagedCheckpoint(t *testing.T) {
	m := newModel(t, "mixnet_tiny", []string{"a", "b"})
	tensors, err := weights.Tensors("", m.Graph, m.Values)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := weights.Tensors("train/values/", m.Graph, graph.NewValues[float32](m.Graph))
	if err != nil {
		t.Fatal(err)
	}
	meta, err := m.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "last.safetensors")
	for _, damaged := range []bool{false, true} {
		list := append(slices.Clone(tensors), raw...)
		if damaged {
			list[0].Name = "conw_stem.weight"
		}
		if err := weights.WriteFile(path, list, maps.Clone(meta)); err != nil {
			t.Fatal(err)
		}
		got, err := Open(path, Options{})
		if !damaged && (err != nil || !sameValues(got, m)) {
			t.Errorf("whole: %v", err)
		}
		if damaged && (!errors.Is(err, weights.ErrMismatch) || !strings.Contains(err.Error(), "conv_stem.weight")) {
			t.Errorf("damaged: %v", err)
		}
	}
}
