package model

import (
	"bufio"
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/weights"
)

// published are the networks of which timm and torchvision publish weights, as
// those libraries call them, and further names of the zoo
// that they load as. ResNet-101 and -152 are ResNet-50 with more blocks.
var published = map[string][]string{
	"timm/mixnet_s": nil, "timm/mixnet_m": nil, "timm/mixnet_l": nil, "timm/mixnet_xl": nil,
	"timm/tf_mixnet_s": nil, "timm/tf_mixnet_m": nil, "timm/tf_mixnet_l": nil,
	"timm/mobilenetv1_100": nil, "timm/mobilenetv1_125": nil,
	"timm/mobilenetv2_050": nil, "timm/mobilenetv2_100": nil, "timm/mobilenetv2_110d": nil, "timm/mobilenetv2_120d": nil, "timm/mobilenetv2_140": nil,
	"timm/mobilenetv3_large_100": nil, "timm/mobilenetv3_small_050": nil, "timm/mobilenetv3_small_075": nil, "timm/mobilenetv3_small_100": nil,
	"timm/tf_mobilenetv3_large_075": nil, "timm/tf_mobilenetv3_large_100": nil, "timm/tf_mobilenetv3_small_075": nil, "timm/tf_mobilenetv3_small_100": nil,
	"timm/semnasnet_075": {"semnasnet_075.rmsp_in1k"}, "timm/semnasnet_100": {"mnasnet_a1"}, "timm/mnasnet_100": {"mnasnet_b1"},
	"timm/fbnetc_100": nil, "timm/efficientnet_lite0": nil, "timm/tf_efficientnet_lite0": nil, "timm/tf_efficientnet_lite1": nil,
	"timm/tf_efficientnet_lite2": nil, "timm/tf_efficientnet_lite3": nil, "timm/tf_efficientnet_lite4": nil,
	"timm/resnet18": nil, "timm/resnet34": nil, "timm/resnet50": nil,

	"torchvision/mobilenet_v2":       {"mobilenetv2_100"},
	"torchvision/mobilenet_v3_large": {"mobilenetv3_large_100"},
	"torchvision/mobilenet_v3_small": {"mobilenetv3_small_100"},
	"torchvision/mnasnet0_5":         {"mnasnet_050"},
	"torchvision/mnasnet0_75":        {"mnasnet_075"},
	"torchvision/mnasnet1_0":         {"mnasnet_100"},
	"torchvision/mnasnet1_3":         nil,
	"torchvision/shufflenet_v2_x0_5": {"shufflenet_v2_proj_x0_5"},
	"torchvision/shufflenet_v2_x1_0": nil, "torchvision/shufflenet_v2_x1_5": nil, "torchvision/shufflenet_v2_x2_0": nil,
	"torchvision/resnet18": nil, "torchvision/resnet34": nil, "torchvision/resnet50": nil,
}

// Files that timm and torchvision write, .pth and .safetensors, load without
// being told what they are and give the logits that PyTorch computes. The test
// needs a Python with both libraries, named by MIXNET_TORCH_PYTHON.
func TestPublishedFiles(t *testing.T) {
	python := os.Getenv("MIXNET_TORCH_PYTHON")
	if python == "" {
		t.Skip("set MIXNET_TORCH_PYTHON to a Python that has timm and torchvision")
	}
	dir := t.TempDir()
	args := []string{"../bench/golden/state_dicts.py", dir}
	for name := range published {
		args = append(args, name)
	}
	writer := exec.CommandContext(t.Context(), python, args...)
	writer.Stderr = os.Stderr
	names, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(names); lines.Scan(); {
		library, name, _ := strings.Cut(lines.Text(), "/")
		want := name
		if library == "torchvision" && strings.HasPrefix(name, "m") {
			want = "torchvision_" + name
		}
		t.Run(lines.Text(), func(t *testing.T) {
			path := filepath.Join(dir, library, name)
			var logits []float64
			if err := testkit.ReadJSON(path+".json", &logits); err != nil {
				t.Fatal(err)
			}
			for _, ext := range []string{".pth", ".safetensors"} {
				m, err := Open(path+ext, Options{})
				if err != nil {
					t.Fatal(err)
				}
				if m.Network != want {
					t.Errorf("%s%s is taken for %s", name, ext, m.Network)
				}
				checkLogits(t, m, logits)
			}
			for _, network := range published[lines.Text()] {
				m, err := Open(path+".pth", Options{Network: lookup(t, network)})
				if err != nil {
					t.Fatal(err)
				}
				checkLogits(t, m, logits)
			}
			for _, ext := range []string{".pth", ".safetensors"} {
				if err := os.Remove(path + ext); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if err := writer.Wait(); err != nil {
		t.Error(err)
	}
}

// A file with torchvision's names loads as the network that timm calls
// otherwise, and gives torchvision's logits.
func TestTorchvisionNames(t *testing.T) {
	for theirs, networks := range published {
		library, name, _ := strings.Cut(theirs, "/")
		if library != "torchvision" || !strings.HasPrefix(name, "m") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			var golden testkit.Forward
			if err := testkit.ReadJSON("../zoo/testdata/golden/forward_torchvision_"+name+".json", &golden); err != nil {
				t.Fatal(err)
			}
			var tensors []weights.Tensor
			for name, shape := range golden.Shapes {
				size := 1
				for _, d := range shape {
					size *= d
				}
				values := make([]float32, size)
				testkit.Param(values, name, shape)
				tensors = append(tensors, weights.NewTensor(name, shape, values))
			}
			path := filepath.Join(t.TempDir(), name+"-0a1b2c3d.safetensors")
			if err := weights.WriteFile(path, tensors, nil); err != nil {
				t.Fatal(err)
			}
			for _, network := range append([]string{""}, networks...) {
				var o Options
				if network != "" {
					o.Network = lookup(t, network)
				}
				m, err := Open(path, o)
				if err != nil {
					t.Fatal(err)
				}
				if want := cmp.Or(network, "torchvision_"+name); m.Network != want {
					t.Errorf("taken for %s, want %s", m.Network, want)
				}
				checkLogits(t, m, golden.Runs[1].Logits)
			}
		})
	}
}

// checkLogits compares what m computes of the image of 97×130 pixels.
func checkLogits(t *testing.T, m *Model, want []float64) {
	t.Helper()
	program, err := engine.Compile(m.Graph, m.Values, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	x := testkit.Input[float32](tensor.Shape{N: 1, H: 97, W: 130, C: 3})
	out := tensor.New[float32](tensor.Shape{N: 1, H: 1, W: 1, C: len(want)})
	if err := program.Run(t.Context(), out, x); err != nil {
		t.Fatal(err)
	}
	// Random weights in deep networks: PyTorch's own float32 is up to 2e-4 away.
	if err := testkit.Close(out.Data, want, 5e-4); err != nil {
		t.Errorf("as %s: %v", m.Network, err)
	}
}
