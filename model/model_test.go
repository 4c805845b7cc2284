package model

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/weights"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

func lookup(t *testing.T, network string) zoo.Spec {
	t.Helper()
	spec, err := netfile.Lookup(network)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func newModel(t *testing.T, network string, classes []string) *Model {
	t.Helper()
	m, err := New(lookup(t, network), zoo.Options{}, classes, 3)
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
		got, err := Open(path, Options{})
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
	got, err := Open(path, Options{})
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
		got, err := Open(path, Options{})
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
	if _, err := Open(path, Options{}); !errors.Is(err, ErrNetwork) {
		t.Errorf("a file without the stem: %v, want ErrNetwork", err)
	}
	if _, err := Open(path, Options{Network: lookup(t, "mixnet_s")}); !errors.Is(err, weights.ErrMismatch) {
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

// In 16 bits the weights are rounded, and nothing else.
func TestSaveHalf(t *testing.T) {
	m := newModel(t, "mixnet_s", nil)
	dir := t.TempDir()
	full := filepath.Join(dir, "full.safetensors")
	if err := m.Save(full); err != nil {
		t.Fatal(err)
	}
	size := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	path := filepath.Join(dir, "half.safetensors")
	if err := m.SaveHalf(path); err != nil {
		t.Fatal(err)
	}
	if n := size(path); n > size(full)*52/100 {
		t.Errorf("%d bytes, in full %d", n, size(full))
	}
	got, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range m.Graph.Params {
		for j, x := range m.Values[i] {
			bound := 0.0
			if p.Kind == graph.Weight {
				bound = max(math.Abs(float64(x))/2048, 1.0/(1<<25))
			}
			if diff := math.Abs(float64(got.Values[i][j] - x)); diff > bound {
				t.Fatalf("%s[%d] is %v, was %v", p.Name, j, got.Values[i][j], x)
			}
		}
	}
	m.Values[0][5] = 1e5
	if err := m.SaveHalf(path); err == nil || !strings.Contains(err.Error(), "conv_stem.weight: value 5, 100000, does not fit F16") {
		t.Errorf("too large: %v", err)
	}
}
