package onnx_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/onnx"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

// memory is a source of parameters that are there already.
type memory graph.Values[float32]

func (m memory) Values(id graph.ParamID, _ []float32) ([]float32, error) { return m[id], nil }

// network builds a network of the zoo with parameters that are a function of
// their names.
func network(t *testing.T, name string) (*graph.Graph, zoo.Info, graph.Values[float32]) {
	t.Helper()
	spec, err := zoo.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	info, err := zoo.Adapt(spec, zoo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	g, err := spec.Build(zoo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return g, info, testkit.Values[float32](g)
}

// names are the networks to compare: one of every kind, or all.
func names() []string {
	if os.Getenv("MIXNET_ALL_NETWORKS") == "" {
		return []string{"mixnet_s", "tf_mixnet_s", "mobilenetv3_small_100", "mobilenetv1_025", "fbnet_a", "shufflenet_v1_g3_x1_0", "shufflenet_v2_x0_5", "resnet18", "nasnet_a_mobile", "darts_v2", "mixnet_tiny", "atomnas_a_plus", "mobilenetv2_035@kernel=7,parallel=3"}
	}
	all := []string{"mobilenetv2_035@kernel=7,parallel=3"}
	for _, spec := range zoo.List() {
		all = append(all, spec.About().Name)
	}
	return all
}

// TestRuntimes compares files with the engine, in ONNX Runtime and OpenVINO, if
// MIXNET_ONNX_PYTHON names a Python that has them and ONNX's checker.
func TestRuntimes(t *testing.T) {
	python := os.Getenv("MIXNET_ONNX_PYTHON")
	if python == "" {
		t.Skip("MIXNET_ONNX_PYTHON is not set: files are not run by others")
	}
	for i, name := range names() {
		batches := []int{1, 7}
		if os.Getenv("MIXNET_ALL_NETWORKS") == "" {
			batches = batches[i%2:][:1]
		}
		for _, batch := range batches {
			t.Run(fmt.Sprintf("%s/batch=%d", name, batch), func(t *testing.T) { runElsewhere(t, python, name, batch) })
		}
	}
}

// runElsewhere compares the files of a network, of several opsets.
func runElsewhere(t *testing.T, python, name string, batch int) {
	g, info, values := network(t, name)
	shape := tensor.Shape{N: batch, H: smaller(info.Input.Size[0]), W: smaller(info.Input.Size[1]), C: g.Channels()}
	dir := t.TempDir()
	var files []string
	for _, o := range []onnx.Options{{}, {Opset: 13, Batch: batch}, {Opset: 20}} {
		o.Height, o.Width, o.Metadata = shape.H, shape.W, map[string]string{"network": name}
		var b bytes.Buffer
		if err := onnx.Export(&b, g, memory(values), o); err != nil {
			t.Fatal(err)
		}
		files = append(files, filepath.Join(dir, fmt.Sprintf("%d.onnx", o.Opset)))
		if err := os.WriteFile(files[len(files)-1], b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	x := testkit.Input[float32](shape)
	got, other := run(t, python, dir, x, files)
	want := logits(t, g, values, x)
	for i := range files {
		if d := distance(got[i*len(want):][:len(want)], want); !(d <= 1e-5) {
			t.Errorf("%s: ONNX Runtime's logits differ by %.2g of the largest", filepath.Base(files[i]), d)
		}
		if !(other[i].OpenVINO <= 1e-5) {
			t.Errorf("%s: OpenVINO's logits differ from ONNX Runtime's by %.2g of the largest", filepath.Base(files[i]), other[i].OpenVINO)
		}
	}
	t.Logf("%v", other[0].Nodes)
}

// smaller is half of a side of images, if that is enough for a network.
func smaller(side int) int {
	least := 28
	if side > 100 {
		least = 112
	}
	return max(side/2, least)
}

// ran is what run.py says of a file.
type ran struct {
	Nodes    map[string]int
	OpenVINO float64
}

// run runs files on images x in other engines.
func run(t *testing.T, python, dir string, x *tensor.Tensor, files []string) ([]float32, []ran) {
	t.Helper()
	s := x.Shape
	planar := make([]float32, len(x.Data)) // N×C×H×W
	for n := range s.N {
		for y := range s.H {
			for xx := range s.W {
				for c := range s.C {
					planar[((n*s.C+c)*s.H+y)*s.W+xx] = x.Data[((n*s.H+y)*s.W+xx)*s.C+c]
				}
			}
		}
	}
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, planar); err != nil {
		t.Fatal(err)
	}
	in, out := filepath.Join(dir, "in.bin"), filepath.Join(dir, "out.bin")
	if err := os.WriteFile(in, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"testdata/run.py", in, strconv.Itoa(s.N), strconv.Itoa(s.C), strconv.Itoa(s.H), strconv.Itoa(s.W), out}, files...)
	cmd := exec.Command(python, args...)
	text, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("%v\n%s", err, exit.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	var all []ran
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var r ran
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	y := make([]float32, len(raw)/4)
	if err := binary.Read(bytes.NewReader(raw), binary.LittleEndian, y); err != nil {
		t.Fatal(err)
	}
	return y, all
}

// distance is the largest difference, in parts of the largest value.
func distance(a, b []float32) float64 {
	d, most := 0.0, 0.0
	for i := range b {
		d, most = max(d, math.Abs(float64(a[i]-b[i]))), max(most, math.Abs(float64(b[i])))
	}
	return d / most
}

func TestExportErrors(t *testing.T) {
	g, _, values := network(t, "mixnet_tiny")
	for name, o := range map[string]onnx.Options{
		"opset":  {Opset: 12, Height: 28, Width: 28},
		"size":   {},
		"output": {Height: 28, Width: 28, Outputs: []string{"boxes"}},
		"batch":  {Height: 28, Width: 28, Batch: -1},
	} {
		if err := onnx.Export(&bytes.Buffer{}, g, memory(values), o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
