package model_test

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/onnx"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

// made is a model with parameters that are a function of their names.
func made(t *testing.T, name string, classes []string) *model.Model {
	t.Helper()
	spec, err := zoo.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(spec, zoo.Options{}, classes, 1)
	if err != nil {
		t.Fatal(err)
	}
	m.Values = testkit.Values[float32](m.Graph)
	return m
}

// exported writes a model as an ONNX file; without metadata as another program
// would.
func exported(t *testing.T, m *model.Model, name string, bare bool) string {
	t.Helper()
	var b bytes.Buffer
	var err error
	if o := (onnx.Options{Height: 64, Width: 64}); bare {
		err = onnx.Export(&b, m.Graph, values(m.Values), o)
	} else {
		err = m.ExportONNX(&b, o)
	}
	path := filepath.Join(t.TempDir(), name)
	if err = errors.Join(err, os.WriteFile(path, b.Bytes(), 0o666)); err != nil {
		t.Fatal(err)
	}
	return path
}

type values graph.Values[float32]

func (v values) Values(id graph.ParamID, _ []float32) ([]float32, error) { return v[id], nil }

// compare fails if two models give other results.
func compare(t *testing.T, a, b *model.Model) {
	t.Helper()
	x := testkit.Input[float32](tensor.Shape{N: 1, H: 64, W: 64, C: 3})
	var out [2][]float32
	for i, m := range []*model.Model{a, b} {
		p, err := engine.Compile(m.Graph, m.Values, engine.Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		results, err := p.Outputs(t.Context(), x, m.Graph.Results()...)
		if err != nil {
			t.Fatal(err)
		}
		p.Close()
		for _, y := range results {
			out[i] = append(out[i], y.Data...)
		}
	}
	if len(out[0]) != len(out[1]) {
		t.Fatalf("%d values, want %d", len(out[1]), len(out[0]))
	}
	d, most := 0.0, 0.0
	for i, v := range out[0] {
		d, most = max(d, math.Abs(float64(v-out[1][i]))), max(most, math.Abs(float64(v)))
	}
	if !(d <= 1e-5*most) {
		t.Errorf("results differ by %.2g of the largest", d/most)
	}
}

// An ONNX file of ours is the model that it was made of: network, batch norms,
// classes and preprocessing; and it can be saved as a weight file again.
func TestONNXRoundTrip(t *testing.T) {
	names := []string{"mixnet_s", "tf_mixnet_s@classes", "mobilenetv3_small_100", "shufflenet_v2_x0_5", "resnet18", "mobilenetv2_100@mix=3", "mobilenetv2_035_ssdlite64", "mixnet_s_ssdlite96@classes"}
	if os.Getenv("MIXNET_ALL_NETWORKS") != "" {
		for _, spec := range zoo.List() {
			if in := spec.About().Input.WithDefaults(); in.Channels == 3 {
				names = append(names, spec.About().Name)
			}
		}
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			base, _, changed := strings.Cut(name, "@classes")
			var classes []string
			if changed {
				classes = []string{"cat", "dog", "owl"}
			}
			m := made(t, base, classes)
			back, err := model.Open(exported(t, m, "x.onnx", false), model.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if back.Network != m.Network || !slices.Equal(back.Classes, m.Classes) || back.Input.Size != [2]int{64, 64} || back.Input.CropPct != m.Preprocess().CropPct {
				t.Errorf("read %+v", back.Header)
			}
			if back.Graph.ParamCount() != m.Graph.ParamCount() {
				t.Errorf("%d parameters, want %d", back.Graph.ParamCount(), m.Graph.ParamCount())
			}
			compare(t, m, back)
			saved := filepath.Join(t.TempDir(), "x.safetensors")
			if err := back.Save(saved); err != nil {
				t.Fatal(err)
			}
			again, err := model.Open(saved, model.Options{})
			if err != nil {
				t.Fatal(err)
			}
			compare(t, m, again)
		})
	}
}

// A file that says nothing is the network of the zoo that computes the same, and
// what is assumed of its preprocessing is said.
func TestONNXRecognized(t *testing.T) {
	m := made(t, "tf_mixnet_s", nil)
	s, err := model.OpenStored(exported(t, m, "unnamed.onnx", true), model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Network != "tf_mixnet_s" || !strings.Contains(s.Notes[model.NoteAssumed], "tf_mixnet_s") {
		t.Errorf("read as %s, notes %v", s.Network, s.Notes)
	}
	small := made(t, "mobilenetv3_small_100", nil)
	path := exported(t, small, "unnamed.onnx", true)
	var network *model.NetworkError
	if _, err := model.Open(path, model.Options{}); !errors.As(err, &network) || !slices.Contains(network.Candidates, "mobilenetv3_small_100") {
		t.Errorf("a network of two names: %v", err)
	}
	spec, err := zoo.Lookup("mobilenetv3_small_100")
	if err != nil {
		t.Fatal(err)
	}
	back, err := model.Open(path, model.Options{Network: spec})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, small, back)
	other, err := zoo.Lookup("mobilenetv2_100")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := model.Open(path, model.Options{Network: other}); err == nil || !strings.Contains(err.Error(), "not that of mobilenetv2_100") {
		t.Errorf("another network's name: %v", err)
	}
}

// A graph that is no network of the zoo runs, and is neither trained nor saved.
func TestONNXUnknown(t *testing.T) {
	b := graph.NewBuilder("own", 3)
	x := b.Conv("stem", b.Input(), graph.ConvSpec{Out: 4, Kernel: 3, Stride: 4, Padding: graph.Same, Bias: true})
	b.Output(graph.Logits, b.Linear("fc", b.GlobalPool("mean", b.Activate("act", x, graph.ReLU)), 5, true))
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	m := &model.Model{Graph: g, Values: testkit.Values[float32](g)}
	path := exported(t, m, "own.onnx", true)
	back, err := model.Open(path, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, m, back)
	if back.Network != "own" || back.Notes[model.NoteAssumed] == "" || back.Graph.Classes() != 5 {
		t.Errorf("read %+v", back.Header)
	}
	if err := back.Save(filepath.Join(t.TempDir(), "x.safetensors")); err == nil {
		t.Error("it was saved as a weight file, which cannot hold it")
	}
	if _, err := model.Open(path, model.Options{NewHead: true}); err == nil || !strings.Contains(err.Error(), "not trained") {
		t.Errorf("opened to be trained: %v", err)
	}
}
