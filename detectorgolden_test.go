package mixnet_test

import (
	"math"
	"regexp"
	"testing"

	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/zoo"
)

// detectorGolden is what bench/golden/detector.py writes. Boxes are in pixels of
// an input of 320×320.
type detectorGolden struct {
	Scales struct {
		Scores float32 `json:"classification_head"`
		Boxes  float32 `json:"regression_head"`
	}
	Maps []struct {
		Size   [2]int
		Logits testkit.Stat `json:"cls_logits"`
		Codes  testkit.Stat `json:"bbox_regression"`
	}
	Boxes   testkit.Stat
	Objects struct {
		Boxes  [][4]float32
		Labels []int
	}
	Losses struct {
		Box   float64 `json:"bbox_regression"`
		Class float64 `json:"classification"`
	}
	DCodes  [][2]float64 `json:"d_codes"`
	DLogits struct {
		Nonzero int
		MeanAbs float64 `json:"mean_abs"`
		RMS     float64
	} `json:"d_logits"`
	Detections int
	Found      []struct {
		Label int
		Score float64
		Box   [4]float64
	}
}

// lastOfHead matches the parameters of the convolutions that end the heads.
var lastOfHead = regexp.MustCompile(`^head\.(classification|regression)_head\.module_list\.\d\.1\.(weight|bias)$`)

// goldenDetector returns torchvision's SSDLite with the parameters of the golden
// file.
func goldenDetector(t *testing.T, g *detectorGolden) *model.Model {
	t.Helper()
	spec, err := zoo.Lookup("torchvision_ssdlite320_mobilenet_v3_large")
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(spec, zoo.Options{}, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	testkit.Fill(m.Graph, m.Values)
	for i, p := range m.Graph.Params {
		scale := float32(1)
		switch head := lastOfHead.FindStringSubmatch(p.Name); {
		case head == nil:
		case head[1] == "classification":
			scale = g.Scales.Scores
		default:
			scale = g.Scales.Boxes
		}
		for j := range m.Values[i] {
			m.Values[i][j] *= scale
		}
	}
	return m
}

// torchvision's SSDLite computes the heads, boxes, losses, gradients and
// detections that torchvision does.
func TestTorchvisionDetectorGolden(t *testing.T) {
	var g detectorGolden
	if err := testkit.ReadJSON("zoo/testdata/golden/detect_torchvision_ssdlite320.json", &g); err != nil {
		t.Fatal(err)
	}
	m := goldenDetector(t, &g)
	spec, err := m.Spec()
	if err != nil {
		t.Fatal(err)
	}
	codes, logits := raw(t, m, 320)
	at, slots := 0, zoo.Slots(m.Options.Classes)
	var maps [][2]int
	for i, want := range g.Maps {
		n := 6 * want.Size[0] * want.Size[1]
		if err := want.Codes.Check(testkit.Float64s(codes[4*at:4*(at+n)]), 1e-4); err != nil {
			t.Errorf("codes of map %d: %v", i, err)
		}
		if err := want.Logits.Check(testkit.Float64s(logits[slots*at:slots*(at+n)]), 1e-4); err != nil {
			t.Errorf("scores of map %d: %v", i, err)
		}
		maps = append(maps, want.Size)
		at += n
	}
	style, _ := zoo.Finds(spec)
	anchors := style.On(maps)
	if at != len(anchors) || at*slots != len(logits) {
		t.Fatalf("%d anchors and %d scores, want %d and %d", len(anchors), len(logits), at, at*slots)
	}
	var corners []float64
	for i, a := range anchors {
		b := detect.Code{Style: detect.Torchvision}.Decode(codes[4*i:], a)
		for _, v := range [...]float32{b.X1, b.Y1, b.X2, b.Y2} {
			corners = append(corners, 320*float64(v))
		}
	}
	if err := g.Boxes.Check(corners, 1e-4); err != nil {
		t.Errorf("boxes: %v", err)
	}
	checkGoldenLoss(t, &g, anchors, codes, logits)
	checkGoldenFound(t, &g, detect.NewDetector(detect.Usual(detect.Torchvision), anchors, slots).Detect(codes, logits))
}

func checkGoldenLoss(t *testing.T, g *detectorGolden, anchors []detect.Anchor, codes, logits []float32) {
	t.Helper()
	var objects []detect.Object
	for i, b := range g.Objects.Boxes {
		objects = append(objects, detect.Object{Box: detect.Box{X1: b[0] / 320, Y1: b[1] / 320, X2: b[2] / 320, Y2: b[3] / 320}, Slot: g.Objects.Labels[i]})
	}
	loss, err := detect.NewLoss[float32](detect.LossConfig{Kind: detect.Softmax}, detect.Torchvision, anchors, len(logits)/len(anchors))
	if err != nil {
		t.Fatal(err)
	}
	dCodes, dLogits := make([]float32, len(codes)), make([]float32, len(logits))
	v := loss.Run(codes, logits, [][]detect.Object{objects}, 1, dCodes, dLogits)
	closeTo(t, "box loss", v.Box, g.Losses.Box, 1e-4*g.Losses.Box)
	closeTo(t, "class loss", v.Class, g.Losses.Class, 1e-4*g.Losses.Class)
	want := make([]float64, len(codes))
	for _, d := range g.DCodes {
		want[int(d[0])] = d[1]
	}
	if err := testkit.Close(dCodes, want, 1e-3); err != nil {
		t.Errorf("gradient of the codes: %v", err)
	}
	nonzero, sum, squares := 0, 0.0, 0.0
	for _, d := range dLogits {
		sum += math.Abs(float64(d))
		squares += float64(d) * float64(d)
		if d != 0 {
			nonzero++
		}
	}
	n := float64(len(dLogits))
	if nonzero != g.DLogits.Nonzero {
		t.Errorf("%d gradients of scores, want %d", nonzero, g.DLogits.Nonzero)
	}
	closeTo(t, "mean gradient of the scores", sum/n, g.DLogits.MeanAbs, 1e-4*g.DLogits.MeanAbs)
	closeTo(t, "rms gradient of the scores", math.Sqrt(squares/n), g.DLogits.RMS, 1e-4*g.DLogits.RMS)
}

func checkGoldenFound(t *testing.T, g *detectorGolden, found []detect.Detection) {
	t.Helper()
	if len(found) != g.Detections {
		t.Errorf("%d detections, want %d", len(found), g.Detections)
	}
	for i, want := range g.Found {
		f := found[i]
		if f.Slot != want.Label {
			t.Errorf("detection %d is of %d, want %d", i, f.Slot, want.Label)
		}
		closeTo(t, "score", float64(f.Score), want.Score, 1e-4)
		for j, v := range [...]float32{f.Box.X1, f.Box.Y1, f.Box.X2, f.Box.Y2} {
			closeTo(t, "corner", 320*float64(v), want.Box[j], 2e-2)
		}
	}
}
