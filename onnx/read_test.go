package onnx_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/onnx"
	"github.com/mixnet-go/mixnet/tensor"
)

// logits runs a network.
func logits(t *testing.T, g *graph.Graph, v graph.Values[float32], x *tensor.Tensor) []float32 {
	t.Helper()
	out := tensor.New[float32](tensor.Shape{N: x.Shape.N, H: 1, W: 1, C: g.Classes()})
	p, err := engine.Compile(g, v, engine.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Run(t.Context(), out, x); err != nil {
		t.Fatal(err)
	}
	return out.Data
}

func kinds(g *graph.Graph) map[string]int {
	n := map[string]int{}
	for i, used := range g.Used() {
		if used {
			n[g.Nodes[i].Op.Kind()]++
		}
	}
	return n
}

// What Export writes is read again as a network with the same results, whose
// mixed depthwise convolutions are ones again.
func TestRoundTrip(t *testing.T) {
	for i, name := range names() {
		t.Run(name, func(t *testing.T) {
			g, info, values := network(t, name)
			size := max(info.Input.Size[0]/4, 28)
			if i%2 == 1 {
				size += 5
			}
			var b bytes.Buffer
			o := onnx.Options{Opset: onnx.MinOpset + i%(onnx.MaxOpset-onnx.MinOpset+1), Height: size, Width: size + 8*(i%3), Metadata: map[string]string{"a": name}}
			if err := onnx.Export(&b, g, memory(values), o); err != nil {
				t.Fatal(err)
			}
			if !onnx.Looks(b.Bytes()[:16]) {
				t.Error("the file does not look like one")
			}
			n, err := onnx.Read(bytes.NewReader(b.Bytes()), int64(b.Len()), onnx.ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if n.Height != o.Height || n.Width != o.Width || n.Opset != o.Opset || n.Metadata["a"] != name {
				t.Errorf("read %d×%d, opset %d, metadata %v", n.Height, n.Width, n.Opset, n.Metadata)
			}
			x := testkit.Input[float32](tensor.Shape{N: 2, H: o.Height, W: o.Width, C: g.Channels()})
			if d := distance(logits(t, n.Graph, n.Values, x), logits(t, g, values, x)); !(d < 1e-5) {
				t.Errorf("logits differ by %.2g of the largest", d)
			}
			was, is := kinds(g), kinds(n.Graph)
			for _, kind := range []string{"mixconv", "depthwise", "shuffle", "shift", "linear", "scale"} {
				if was[kind] != is[kind] {
					t.Errorf("%d nodes of kind %s are %d", was[kind], kind, is[kind])
				}
			}
		})
	}
}

// TestFiles reads files of other programs and compares them with ONNX Runtime,
// if MIXNET_ONNX_FILES names a folder of such and MIXNET_ONNX_PYTHON a Python.
func TestFiles(t *testing.T) {
	python, dir := os.Getenv("MIXNET_ONNX_PYTHON"), os.Getenv("MIXNET_ONNX_FILES")
	files, _ := filepath.Glob(filepath.Join(dir, "*.onnx"))
	if python == "" || dir == "" || len(files) == 0 {
		t.Skip("MIXNET_ONNX_PYTHON and MIXNET_ONNX_FILES are not set: no files of other programs are read")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			n, err := onnx.OpenFile(file, onnx.ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			x := testkit.Input[float32](tensor.Shape{N: 1, H: n.Height, W: n.Width, C: n.Graph.Channels()})
			want, _ := run(t, python, t.TempDir(), x, []string{file})
			d := distance(logits(t, n.Graph, n.Values, x), want)
			t.Logf("%s: %v, %d parameters, differs by %.2g", n.Producer, kinds(n.Graph), n.Graph.ParamCount(), d)
			if !(d < 1e-5) {
				t.Errorf("logits differ by %.2g of the largest", d)
			}
		})
	}
}

// What TensorFlow's networks look like in ONNX is read as what it computes:
// images N×H×W×C, pads on two sides of even ones, single pixels transposed; and
// so are pooled pixels inside an image, and shifts, as PyTorch writes them.
func TestTensorFlow(t *testing.T) {
	n, err := onnx.OpenFile("testdata/tensorflow.onnx", onnx.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if n.Height != 16 || n.Width != 24 || n.Graph.Channels() != 3 {
		t.Errorf("images of %d×%d×%d", n.Height, n.Width, n.Graph.Channels())
	}
	text, err := os.ReadFile("testdata/tensorflow.json")
	if err != nil {
		t.Fatal(err)
	}
	var want []float32
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	x := tensor.New[float32](tensor.Shape{N: 2, H: 16, W: 24, C: 3})
	for i := range x.Data {
		x.Data[i] = float32(float64(37*i%101)/101 - 0.5)
	}
	if d := distance(logits(t, n.Graph, n.Values, x), want); !(d < 1e-5) {
		t.Errorf("logits differ from ONNX Runtime's by %.2g of the largest", d)
	}
}
