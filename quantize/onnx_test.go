package quantize

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/onnx"
	"github.com/mixnet-go/mixnet/tensor"
)

// told is what qdq.py says of a file.
type told struct {
	Nodes    map[string]int
	OpenVINO map[string]int
}

// images returns the first batch of a loader.
func images(t *testing.T, l *data.Loader) *tensor.Tensor {
	t.Helper()
	for b, err := range l.Epoch(t.Context(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		x := b.Images
		x.Data = slices.Clone(x.Data)
		return &x
	}
	t.Fatal("no images")
	return nil
}

// inRuntime runs a model's file in ONNX Runtime.
func inRuntime(t *testing.T, python string, m *model.Model, style onnx.QDQ, outputs []string, x *tensor.Tensor) ([]float32, told) {
	t.Helper()
	dir := t.TempDir()
	file, in, out := filepath.Join(dir, "m.onnx"), filepath.Join(dir, "in.bin"), filepath.Join(dir, "out.bin")
	var b, raw bytes.Buffer
	o := onnx.Options{Height: x.Shape.H, Width: x.Shape.W, Outputs: outputs, Quantization: m.Quantization, QDQ: style}
	if err := onnx.Export(&b, m.Graph, engine.InMemory(m.Values), o); err != nil {
		t.Fatal(err)
	}
	if err := binary.Write(&raw, binary.LittleEndian, x.Data); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{file: b.Bytes(), in: raw.Bytes()} {
		if err := os.WriteFile(name, content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	s := x.Shape
	cmd := exec.Command(python, "testdata/qdq.py", file, in, fmt.Sprint(s.N), fmt.Sprint(s.C), fmt.Sprint(s.H), fmt.Sprint(s.W), out)
	text, err := cmd.Output()
	if exit, ok := err.(*exec.ExitError); ok {
		t.Fatalf("%v\n%s", err, exit.Stderr)
	}
	var of told
	if err := json.Unmarshal(text, &of); err != nil {
		t.Fatal(err)
	}
	return floats(t, out), of
}

// floats reads a file of numbers.
func floats(t *testing.T, file string) []float32 {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	y := make([]float32, len(content)/4)
	if err := binary.Read(bytes.NewReader(content), binary.LittleEndian, y); err != nil {
		t.Fatal(err)
	}
	return y
}

// agree returns how many images have their highest logit at the same place.
func agree(a, b []float32, classes int) (same int) {
	for len(a) > 0 {
		x, y := a[:classes], b[:classes]
		if slices.Index(x, slices.Max(x)) == slices.Index(y, slices.Max(y)) {
			same++
		}
		a, b = a[classes:], b[classes:]
	}
	return same
}

// squeezes are the convolutions of squeeze-excite in the pretrained network.
const squeezes = 6

// testOptimized checks how others compute the file.
func testOptimized(t *testing.T, python string, s *scheme, r *Result, x *tensor.Tensor) {
	convolutions := 0
	for _, u := range s.units {
		if op, ok := r.Model.Graph.Nodes[u.conv].Op.(*graph.MixConv); ok {
			convolutions += len(op.Groups)
		} else {
			convolutions++
		}
	}
	_, of := inRuntime(t, python, r.Model, onnx.ForRuntime, nil, x)
	if of.Nodes["QLinearConv"] != convolutions || of.Nodes["Conv"]+of.Nodes["FusedConv"] != squeezes {
		t.Errorf("ONNX Runtime computes %v; want %d convolutions in whole numbers and %d of squeeze-excite in floats", of.Nodes, convolutions, squeezes)
	}
	_, of = inRuntime(t, python, r.Model, onnx.ForOpenVINO, nil, x)
	if len(of.OpenVINO) > 0 && of.OpenVINO["int8"] < convolutions {
		t.Errorf("OpenVINO computes convolutions in %v; want %d in int8", of.OpenVINO, convolutions)
	}
}

// The classes are those that ONNX Runtime finds with the file of a network that
// rounds less than ONNX does.
func TestSameClassesInRuntime(t *testing.T) {
	python := os.Getenv("MIXNET_ONNX_PYTHON")
	if python == "" {
		t.Skip("MIXNET_ONNX_PYTHON is not set: files are not run by others")
	}
	m, loader, _ := clothes(t, 32, 1)
	r, err := Run(context.Background(), m, loader, loader, true, Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, _, judge := clothes(t, 1, 400)
	judge, err = data.NewLoader(judge.Set(), data.Config{Preprocess: m.Preprocess(), Batch: 400})
	if err != nil {
		t.Fatal(err)
	}
	x := images(t, judge)
	p, err := engine.Compile(m.Graph, r.Model.Values, engine.Options{Quantization: r.Model.Quantization})
	if err != nil {
		t.Fatal(err)
	}
	y, err := p.Outputs(t.Context(), x, graph.Logits)
	if err != nil {
		t.Fatal(err)
	}
	for _, style := range []onnx.QDQ{onnx.ForRuntime, onnx.ForOpenVINO} {
		theirs, _ := inRuntime(t, python, r.Model, style, nil, x)
		same := agree(y[0].Data, theirs, y[0].Shape.C)
		if same < x.Shape.N*99/100 {
			t.Errorf("style %d: the same class for %d of %d images", style, same, x.Shape.N)
		}
	}
}

// A file that ONNX Runtime quantized is run in whole numbers, to the classes that
// it finds.
func TestReadsRuntimesFiles(t *testing.T) {
	python := os.Getenv("MIXNET_ONNX_PYTHON")
	if python == "" {
		t.Skip("MIXNET_ONNX_PYTHON is not set: no files are made by others")
	}
	m, _, judge := clothes(t, 1, 400)
	judge, err := data.NewLoader(judge.Set(), data.Config{Preprocess: m.Preprocess(), Batch: 400})
	if err != nil {
		t.Fatal(err)
	}
	x := images(t, judge)
	dir := t.TempDir()
	from, to, in, out := filepath.Join(dir, "f.onnx"), filepath.Join(dir, "w.onnx"), filepath.Join(dir, "in.bin"), filepath.Join(dir, "out.bin")
	var b, raw bytes.Buffer
	if err := m.ExportONNX(&b, onnx.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := binary.Write(&raw, binary.LittleEndian, x.Data); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{from: b.Bytes(), in: raw.Bytes()} {
		if err := os.WriteFile(name, content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	s := x.Shape
	if text, err := exec.Command(python, "testdata/static.py", from, to, in, fmt.Sprint(s.N), fmt.Sprint(s.C), fmt.Sprint(s.H), fmt.Sprint(s.W), "32", out).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	read, err := model.Open(to, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if q := read.Quantization; q == nil || len(q.Scales) < 17 {
		t.Fatalf("quantization %+v", q)
	}
	p, err := engine.Compile(read.Graph, read.Values, engine.Options{Quantization: read.Quantization})
	if err != nil {
		t.Fatal(err)
	}
	y, err := p.Outputs(t.Context(), x, graph.Logits)
	if err != nil {
		t.Fatal(err)
	}
	if same := agree(y[0].Data, floats(t, out), y[0].Shape.C); same < x.Shape.N*99/100 {
		t.Errorf("the same class for %d of %d images", same, x.Shape.N)
	}
}
