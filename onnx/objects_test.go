package onnx_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/onnx"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

// answer is what objects.py prints of a file.
type answer struct {
	Engine  string
	Outputs map[string][]float64
}

// answers runs files on an image in other engines.
func answers(t *testing.T, python string, x *tensor.Tensor, files ...string) []answer {
	t.Helper()
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, x.NCHW()); err != nil {
		t.Fatal(err)
	}
	in := filepath.Join(t.TempDir(), "in.bin")
	if err := os.WriteFile(in, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"testdata/objects.py", in, fmt.Sprint(x.Shape.C), fmt.Sprint(x.Shape.H), fmt.Sprint(x.Shape.W)}, files...)
	text, err := exec.CommandContext(t.Context(), python, args...).Output()
	if err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			t.Logf("%s", failed.Stderr)
		}
		t.Fatal(err)
	}
	var all []answer
	for d := json.NewDecoder(bytes.NewReader(text)); d.More(); {
		var a answer
		if err := d.Decode(&a); err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

// Networks that find objects give in other engines the outputs that they give
// here, and where boxes are made of those in the file, the same boxes. The test
// needs a Python with ONNX Runtime, named by MIXNET_ONNX_PYTHON.
func TestRuntimesFindObjects(t *testing.T) {
	python := os.Getenv("MIXNET_ONNX_PYTHON")
	if python == "" {
		t.Skip("MIXNET_ONNX_PYTHON is not set: files are not run by others")
	}
	for name, least := range map[string]float64{
		"mobilenetv2_035_ssdlite96@classes=5":                         0.55,
		"torchvision_ssdlite320_mobilenet_v3_large@size=96,classes=4": 0.205,
	} {
		t.Run(name, func(t *testing.T) {
			g, info, values := network(t, name)
			spec, err := zoo.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			shape := tensor.Shape{N: 1, H: info.Input.Size[0], W: info.Input.Size[1], C: 3}
			heads, err := zoo.NewHeads(g, shape)
			if err != nil {
				t.Fatal(err)
			}
			placed, _ := zoo.Finds(spec)
			anchors := placed.On(heads.Maps)
			post := detect.Usual(placed.Style)
			post.Score, post.IoU, post.Max = least, 0.45, 30
			dir := t.TempDir()
			o := onnx.Options{Height: shape.H, Width: shape.W}
			raw := filepath.Join(dir, "raw.onnx")
			export(t, raw, g, values, o)
			o.Objects = &onnx.Objects{Anchors: anchors, Slots: zoo.Slots(info.Classes), Post: post}
			boxes := filepath.Join(dir, "boxes.onnx")
			export(t, boxes, g, values, o)

			x := testkit.Input[float32](shape)
			p, err := engine.Compile(g, values, engine.Options{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			var results []engine.Result
			for i, name := range heads.Names {
				results = append(results, engine.Result{Name: name, To: heads.Tensors[i]})
			}
			if err := p.RunTo(t.Context(), x, results...); err != nil {
				t.Fatal(err)
			}
			all := answers(t, python, x, raw, boxes)
			found := detect.NewDetector(post, anchors, zoo.Slots(info.Classes)).Detect(heads.Image(0))
			if len(found) < 5 {
				t.Fatalf("only %d boxes to compare", len(found))
			}
			for _, a := range all {
				if _, isRaw := a.Outputs[graph.Boxes(0)]; isRaw {
					compareHeads(t, a, heads)
				} else {
					compareBoxes(t, a, found)
				}
			}
		})
	}
}

func export(t *testing.T, path string, g *graph.Graph, values graph.Values[float32], o onnx.Options) {
	t.Helper()
	var b bytes.Buffer
	if err := onnx.Export(&b, g, memory(values), o); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

// compareHeads compares all raw outputs.
func compareHeads(t *testing.T, a answer, heads *zoo.Heads) {
	t.Helper()
	for i, name := range heads.Names {
		want := heads.Tensors[i].NCHW()
		got := make([]float32, len(a.Outputs[name]))
		for i, v := range a.Outputs[name] {
			got[i] = float32(v)
		}
		if len(got) != len(want) {
			t.Fatalf("%s: %d values of %s, want %d", a.Engine, len(got), name, len(want))
		}
		if d := distance(got, want); !(d < 2e-5) {
			t.Errorf("%s: %s differs by %.2g of the largest", a.Engine, name, d)
		}
	}
}

// compareBoxes compares boxes as sets: rounding may exchange two of almost one
// score, or keep one whose overlap is at the limit.
func compareBoxes(t *testing.T, a answer, found []detect.Detection) {
	t.Helper()
	boxes, scores, classes := a.Outputs[onnx.BoxesName], a.Outputs[onnx.ScoresName], a.Outputs[onnx.ClassesName]
	if n := len(scores); n != len(found) || len(boxes) != 4*n || len(classes) != n {
		t.Fatalf("%s: %d scores, %d corners and %d classes for %d boxes", a.Engine, n, len(boxes), len(classes), len(found))
	}
	missed := 0
	for _, f := range found {
		same := false
		for i := range scores {
			d := math.Abs(scores[i] - float64(f.Score))
			for k, v := range []float32{f.Box.X1, f.Box.Y1, f.Box.X2, f.Box.Y2} {
				d = max(d, math.Abs(boxes[4*i+k]-float64(v)))
			}
			same = same || int(classes[i])+1 == f.Slot && d < 1e-4
		}
		if !same {
			missed++
		}
	}
	if missed > 1 {
		t.Errorf("%s: %d of %d boxes are not there", a.Engine, missed, len(found))
	}
}
