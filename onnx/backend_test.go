package onnx_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/onnx"
	"github.com/mixnet-go/mixnet/tensor"
)

// must are tests of ONNX's that read and give images and so have to pass, and
// whole networks.
const must = `test_basic_conv_with_padding test_basic_conv_without_padding test_conv_with_strides_padding test_conv_with_strides_no_padding
test_conv_with_autopad_same test_globalaveragepool test_globalaveragepool_precomputed test_averagepool_2d_strides test_maxpool_2d_strides
test_maxpool_2d_same_upper test_batchnorm_example test_batchnorm_epsilon test_Conv2d_depthwise test_Conv2d_depthwise_padded
test_Conv2d_depthwise_strided test_Conv2d_depthwise_with_multiplier test_BatchNorm2d_eval test_Linear test_MaxPool2d test_ReLU test_Sigmoid test_Softmax
light_resnet50 light_shufflenet light_inception_v2 light_densenet121`

// TestBackend runs ONNX's own tests of operators and its whole networks of
// constant weights, if MIXNET_ONNX_PYTHON names a Python that has them. Those
// that are no networks on images are refused; none fails in another way.
func TestBackend(t *testing.T) {
	python := os.Getenv("MIXNET_ONNX_PYTHON")
	if python == "" {
		t.Skip("MIXNET_ONNX_PYTHON is not set: ONNX's own tests are not run")
	}
	dir := t.TempDir()
	if text, err := exec.Command(python, "testdata/backend.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	cases, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	passed := map[string]bool{}
	var refused, unchecked, wrong int
	for _, c := range cases {
		folder := filepath.Join(dir, c.Name())
		n, err := onnx.OpenFile(filepath.Join(folder, "model.onnx"), onnx.ReadOptions{})
		switch {
		case errors.Is(err, onnx.ErrUnsupported) || errors.Is(err, onnx.ErrFormat):
			refused++
			if strings.Contains(" "+strings.ReplaceAll(must, "\n", " ")+" ", " "+c.Name()+" ") {
				t.Logf("%s: %v", c.Name(), err)
			}
			continue
		case err != nil:
			t.Errorf("%s: %v", c.Name(), err)
			continue
		}
		x, want := floatsOf(t, folder, "input.bin"), floatsOf(t, folder, "output.bin")
		if x == nil || want == nil || c.Name() == "light_squeezenet" { // of logits of 10^10, whose last bits decide a softmax
			unchecked++
			continue
		}
		got, err := outputOf(t, n, x)
		if err != nil {
			t.Errorf("%s: %v", c.Name(), err)
			continue
		}
		if passed[c.Name()] = near(got, want); !passed[c.Name()] {
			wrong++
			t.Errorf("%s: %d values differ from the %d expected", c.Name(), len(got), len(want))
		}
	}
	t.Logf("%d tests: %d pass, %d are refused, %d are read but give nothing to compare", len(cases), len(passed)-wrong, refused, unchecked)
	for _, name := range strings.Fields(must) {
		if !passed[name] {
			t.Errorf("%s does not pass", name)
		}
	}
}

func floatsOf(t *testing.T, folder, name string) []float32 {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		return nil
	}
	v := make([]float32, len(raw)/4)
	if err := binary.Read(bytes.NewReader(raw), binary.LittleEndian, v); err != nil {
		t.Fatal(err)
	}
	return v
}

// outputOf runs a network on N×C×H×W values and returns the first output as such.
func outputOf(t *testing.T, n *onnx.Network, planar []float32) ([]float32, error) {
	t.Helper()
	p, err := engine.Compile(n.Graph, n.Values, engine.Options{Threads: 1})
	if err != nil {
		return nil, err
	}
	defer p.Close()
	c := n.Graph.Channels()
	in := tensor.Shape{N: len(planar) / (c * n.Height * n.Width), H: n.Height, W: n.Width, C: c}
	shapes, err := n.Graph.Shapes(in)
	if err != nil {
		return nil, err
	}
	x, out := tensor.New[float32](in), tensor.New[float32](shapes[n.Graph.Outputs[0].ID])
	permute(planar, x.Data, in, true)
	if err := p.RunTo(t.Context(), x, engine.Result{Name: graph.Logits, To: out}); err != nil {
		return nil, err
	}
	y := make([]float32, len(out.Data))
	if len(n.Notes) > 0 { // a softmax at the end, which is left out
		softmax(out.Data, out.Shape.C)
	}
	permute(y, out.Data, out.Shape, false)
	return y, nil
}

// softmax is that of every c values.
func softmax(v []float32, c int) {
	for ; len(v) > 0; v = v[c:] {
		most, sum := v[0], 0.0
		for _, x := range v[:c] {
			most = max(most, x)
		}
		for i, x := range v[:c] {
			v[i] = float32(math.Exp(float64(x - most)))
			sum += float64(v[i])
		}
		for i := range v[:c] {
			v[i] /= float32(sum)
		}
	}
}

// permute copies between N×C×H×W and N×H×W×C values.
func permute(planar, pixels []float32, s tensor.Shape, toPixels bool) {
	for i := range planar {
		w := i % s.W
		h := i / s.W % s.H
		c := i / (s.W * s.H) % s.C
		j := ((i/(s.W*s.H*s.C)*s.H+h)*s.W+w)*s.C + c
		if toPixels {
			pixels[j] = planar[i]
		} else {
			planar[i] = pixels[j]
		}
	}
}

// near compares as ONNX's tests do: within 1e-3 of the value, or 1e-7.
func near(got, want []float32) bool {
	if len(got) != len(want) {
		return false
	}
	for i, w := range want {
		if d := math.Abs(float64(got[i] - w)); !(d <= 1e-6+1e-3*math.Abs(float64(w))) {
			return false
		}
	}
	return true
}
