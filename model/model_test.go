package model

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/weights"
	"github.com/mixnet-go/mixnet/zoo"
)

func newModel(t *testing.T, network string, classes []string) *Model {
	t.Helper()
	spec, err := zoo.Lookup(network)
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(spec, zoo.Options{}, classes, 3)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func sameValues(a, b *Model) bool {
	return slices.EqualFunc(a.Values, b.Values, slices.Equal[[]float32])
}

// A saved model needs nothing else: not its name, nor a file of its own table.
func TestSaveOpen(t *testing.T) {
	dir := t.TempDir()
	own := filepath.Join(dir, "own.toml")
	const table = `
name = "mixnet_s"
input = {size = 20, channels = 1}
[stem]
out = 8
[[stage]]
kernels = [3, 5]
expand = 2
out = 8
[head]
out = 16
`
	if err := os.WriteFile(own, []byte(table), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, network := range []string{"mixnet_tiny", "mixnet_tiny@size=20,mix=2", "shufflenet_v2_x0_5@size=64", own, own + "@width=2"} {
		m := newModel(t, network, []string{"a", "b", "c"})
		m.Notes = map[string]string{"accuracy": "none"}
		path := filepath.Join(dir, "file.safetensors")
		if err := m.Save(path); err != nil {
			t.Fatal(err)
		}
		got, err := Open(path, "")
		if err != nil {
			t.Errorf("%s: %v", network, err)
			continue
		}
		if got.Network != m.Network || !slices.Equal(got.Classes, m.Classes) || got.Input.Size != m.Input.Size || got.Notes["accuracy"] != "none" || !sameValues(got, m) {
			t.Errorf("%s: read back as %+v, was %+v", network, got.Header, m.Header)
		}
	}
}

// Auxiliary classifiers are for training: a saved model has none, and its other
// parameters are the same.
func TestSaveWithoutAux(t *testing.T) {
	spec, err := zoo.Lookup("darts_v2")
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(spec, zoo.Options{Aux: true}, []string{"a", "b"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := Open(path, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Graph.Losses()) != 2 || len(got.Graph.Losses()) != 1 || !slices.Equal(got.Classes, m.Classes) {
		t.Fatalf("%d classifiers before, %d after", len(m.Graph.Losses()), len(got.Graph.Losses()))
	}
	index := m.Graph.ParamIndex()
	for i, p := range got.Graph.Params {
		if !slices.Equal(got.Values[i], m.Values[index[p.Name]]) {
			t.Fatalf("%s has changed", p.Name)
		}
	}
}

// Files of other programs say nothing of their network.
func TestOpenForeign(t *testing.T) {
	dir := t.TempDir()
	m := newModel(t, "tf_mixnet_s", []string{"a", "b"})
	tensors, err := weights.Tensors("", m.Graph, m.Values)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"tf_mixnet_s.safetensors":         "tf_mixnet_s",
		"mixnet_s.ft_in1k.safetensors":    "mixnet_s.ft_in1k",
		"tf_anything.safetensors":         "tf_mixnet_s",
		"model.safetensors":               "mixnet_s",
		"mobilenetv2_100.pth.safetensors": "mixnet_s",
	} {
		path := filepath.Join(dir, name)
		if err := weights.WriteFile(path, tensors, nil); err != nil {
			t.Fatal(err)
		}
		got, err := Open(path, "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if base, _, _ := strings.Cut(want, "."); got.Graph.Name != base || got.Graph.Classes() != 2 {
			t.Errorf("%s: network %s with %d classes, want %s with 2", name, got.Network, got.Graph.Classes(), want)
		}
	}
	path := filepath.Join(dir, "other.safetensors")
	if err := weights.WriteFile(path, tensors[1:], nil); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, ""); !errors.Is(err, ErrNetwork) {
		t.Errorf("a file without the stem: %v, want ErrNetwork", err)
	}
	if _, err := Open(path, "mixnet_s"); !errors.Is(err, weights.ErrMismatch) {
		t.Errorf("a file without the stem, as mixnet_s: %v, want ErrMismatch", err)
	}
}

func TestWithClasses(t *testing.T) {
	m := newModel(t, "mixnet_tiny", []string{"a", "b", "c"})
	before := m.Values.Clone()
	tuned, err := m.WithClasses([]string{"x", "y"}, 9)
	if err != nil {
		t.Fatal(err)
	}
	if tuned.Graph.Classes() != 2 || len(m.Classes) != 3 || !slices.EqualFunc(before, m.Values, slices.Equal[[]float32]) {
		t.Error("the original changed")
	}
	for i, p := range tuned.Graph.Params {
		if same := slices.Equal(tuned.Values[i], m.Values[i]); same == tuned.IsHead(p.Name) && p.Kind == 0 {
			t.Errorf("%s: equal to the original is %v", p.Name, same)
		}
	}
}

func TestBadHeaders(t *testing.T) {
	m := newModel(t, "mixnet_tiny", []string{"a", "b"})
	tensors, err := weights.Tensors("", m.Graph, m.Values)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "bad.safetensors")
	for name, change := range map[string]func(map[string]string){
		"newer version":   func(meta map[string]string) { meta["mixnet.version"] = "2" },
		"unknown network": func(meta map[string]string) { meta["mixnet.network"] = "none" },
		"three classes":   func(meta map[string]string) { meta["mixnet.classes"] = `["a","b","c"]` },
		"no size":         func(meta map[string]string) { meta["mixnet.preprocess"] = `{"size":[-1,4]}` },
		"not JSON":        func(meta map[string]string) { meta["mixnet.options"] = "{" },
		"huge":            func(meta map[string]string) { meta["mixnet.network"] = "mixnet_tiny@width=1e300" },
	} {
		meta, err := m.Metadata()
		if err != nil {
			t.Fatal(err)
		}
		change(meta)
		if err := weights.WriteFile(path, tensors, meta); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, ""); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
