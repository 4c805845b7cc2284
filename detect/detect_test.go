package detect

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

var maps320 = [][2]int{{20, 20}, {10, 10}, {5, 5}, {3, 3}, {2, 2}, {1, 1}}

// golden is what testdata/golden.py wrote.
type golden struct {
	Anchors   int
	First     []float64
	Last      []float64
	Sum       float64
	Logits    []float32
	Codes     []float32
	Encoded   []float64
	Matched   [][][2]int
	BoxLoss   float64      `json:"box_loss"`
	ClassLoss float64      `json:"class_loss"`
	DCodes    [][2]float64 `json:"d_codes"`
	DRMS      float64      `json:"d_logits_rms"`
	DNonzero  int          `json:"d_logits_nonzero"`
	DLogits   [][2]float64 `json:"d_logits"`
	Found     []struct {
		Boxes, Scores []float64
		Labels        []int
	}
}

func readGolden(t *testing.T) *golden {
	t.Helper()
	f, err := os.Open("testdata/golden.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.NewDecoder(z).Decode(&g); err != nil {
		t.Fatal(err)
	}
	return &g
}

// px returns a box of pixels of a 320×320 input.
func px(x1, y1, x2, y2 float32) Box { return Box{x1 / 320, y1 / 320, x2 / 320, y2 / 320} }

const goldenSlots = 5

var goldenObjects = [][]Object{
	{{Box: px(20, 30, 120, 200), Slot: 1}, {Box: px(200, 10, 300, 90), Slot: 3}, {Box: px(100, 100, 130, 125), Slot: 4}},
	{{Box: px(5, 5, 310, 300), Slot: 2}},
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// corners are a box's, in pixels.
func corners(b Box) [4]float64 {
	return [4]float64{320 * float64(b.X1), 320 * float64(b.Y1), 320 * float64(b.X2), 320 * float64(b.Y2)}
}

func TestTorchvisionAnchors(t *testing.T) {
	g := readGolden(t)
	anchors := Anchors{Style: Torchvision}.On(maps320)
	if len(anchors) != g.Anchors || len(anchors) != 3234 {
		t.Fatalf("%d anchors, want %d", len(anchors), g.Anchors)
	}
	sum := 0.0
	for i, a := range anchors {
		for j, v := range corners(a.Box()) {
			sum += v
			if i < len(g.First)/4 {
				near(t, "a first anchor", v, g.First[4*i+j], 1e-4)
			}
			if k := i - len(anchors) + len(g.Last)/4; k >= 0 {
				near(t, "a last anchor", v, g.Last[4*k+j], 1e-4)
			}
		}
	}
	near(t, "sum of the corners", sum, g.Sum, 1)
	for i, a := range anchors[:4] {
		code := Code{Torchvision}.Encode(goldenObjects[0][0].Box, a)
		for j, v := range code {
			near(t, "code", float64(v), g.Encoded[4*i+j], 1e-5)
		}
	}
}

func TestTensorFlowAnchors(t *testing.T) {
	a := Anchors{Style: TensorFlow, ReduceLowest: true}
	if n := len(a.On(maps320)); n != 2034 {
		t.Errorf("%d anchors at 320 pixels, want 2034", n)
	}
	if n := len(a.On([][2]int{{19, 19}, {10, 10}, {5, 5}, {3, 3}, {2, 2}, {1, 1}})); n != 1917 {
		t.Errorf("%d anchors at 300 pixels, want 1917", n)
	}
	anchors := a.On(maps320)
	for i, want := range map[int][2]float64{
		0: {0.1, 0.1}, 1: {0.2 * math.Sqrt2, 0.2 / math.Sqrt2}, 2: {0.2 / math.Sqrt2, 0.2 * math.Sqrt2}, // of the first map
		1200: {0.35, 0.35}, 1203: {0.35 * math.Sqrt(3), 0.35 / math.Sqrt(3)}, 1204: {0.35 * math.Sqrt(0.3333), 0.35 / math.Sqrt(0.3333)}, 1205: {0.418330, 0.418330},
		2028: {0.95, 0.95}, 2033: {0.974679, 0.974679},
	} {
		near(t, "width", float64(anchors[i].W), want[0], 1e-6)
		near(t, "height", float64(anchors[i].H), want[1], 1e-6)
	}
	near(t, "center of the first", float64(anchors[0].CX), 0.5/20, 1e-7)
}

func TestTorchvisionMatch(t *testing.T) {
	g := readGolden(t)
	anchors := Anchors{Style: Torchvision}.On(maps320)
	for i, objects := range goldenObjects {
		var got [][2]int
		for a, m := range Match(anchors, objects, Torchvision, nil) {
			if m >= 0 {
				got = append(got, [2]int{a, m})
			}
		}
		if !slices.Equal(got, g.Matched[i]) {
			t.Errorf("image %d: matched %v, want %v", i, got, g.Matched[i])
		}
	}
}

func TestTorchvisionLoss(t *testing.T) {
	g := readGolden(t)
	anchors := Anchors{Style: Torchvision}.On(maps320)
	l, err := NewLoss[float32](LossConfig{Kind: Softmax}, Torchvision, anchors, goldenSlots)
	if err != nil {
		t.Fatal(err)
	}
	dCodes, dLogits := make([]float32, len(g.Codes)), make([]float32, len(g.Logits))
	v := l.Run(g.Codes, g.Logits, goldenObjects, 1, dCodes, dLogits)
	near(t, "box loss", v.Box, g.BoxLoss, 1e-4*g.BoxLoss)
	near(t, "class loss", v.Class, g.ClassLoss, 1e-5*g.ClassLoss)
	nonzero, square := 0, 0.0
	for _, d := range dLogits {
		square += float64(d) * float64(d) / float64(len(dLogits))
		if d != 0 {
			nonzero++
		}
	}
	if nonzero != g.DNonzero {
		t.Errorf("%d gradients of class outputs, want %d", nonzero, g.DNonzero)
	}
	near(t, "rms of the gradient of class outputs", math.Sqrt(square), g.DRMS, 1e-6)
	for _, d := range g.DLogits {
		near(t, "gradient of a class output", float64(dLogits[int(d[0])]), d[1], 1e-6)
	}
	for _, d := range g.DCodes {
		near(t, "gradient of a code", float64(dCodes[int(d[0])]), d[1], 1e-5)
	}
}

func TestTorchvisionDetections(t *testing.T) {
	g := readGolden(t)
	anchors := Anchors{Style: Torchvision}.On(maps320)
	d := NewDetector(Usual(Torchvision), anchors, goldenSlots)
	n := len(anchors)
	for i, want := range g.Found {
		found := d.Detect(g.Codes[i*n*4:][:n*4], g.Logits[i*n*goldenSlots:][:n*goldenSlots])
		if len(found) != len(want.Scores) {
			t.Fatalf("image %d: %d detections, want %d", i, len(found), len(want.Scores))
		}
		for k, f := range found {
			if f.Slot != want.Labels[k] {
				t.Fatalf("image %d, detection %d: slot %d, want %d", i, k, f.Slot, want.Labels[k])
			}
			near(t, "score", float64(f.Score), want.Scores[k], 1e-5)
			for j, v := range corners(f.Box) {
				near(t, "corner", v, want.Boxes[4*k+j], 1e-2)
			}
		}
	}
	if n := testing.AllocsPerRun(10, func() { d.Detect(g.Codes[:n*4], g.Logits[:n*goldenSlots]) }); n != 0 {
		t.Errorf("%v allocations a call", n)
	}
}

// Gradients of all losses against differences, in float64.
func TestLossGradients(t *testing.T) {
	anchors := Anchors{Style: TensorFlow, ReduceLowest: true}.On([][2]int{{4, 4}, {2, 2}, {1, 1}})
	const slots = 4
	objects := [][]Object{
		{{Box: Box{0.1, 0.1, 0.5, 0.6}, Slot: 1}, {Box: Box{0.6, 0.55, 0.9, 0.8}, Slot: 3}, {Box: Box{0, 0.7, 0.4, 1}, Slot: 1, Crowd: true}},
		{},
		{{Box: Box{0.2, 0.2, 0.9, 0.9}, Slot: 2}},
	}
	rng := rand.New(rand.NewPCG(1, 1))
	n := len(anchors)
	codes, logits := make([]float64, 3*n*4), make([]float64, 3*n*slots)
	for i := range codes {
		codes[i] = rng.NormFloat64()
	}
	for i := range logits {
		logits[i] = 2 * rng.NormFloat64()
	}
	for _, c := range []LossConfig{{Kind: Multibox, MinNegatives: 3}, {Kind: Focal}, {Kind: Softmax, BoxWeight: 2, MinNegatives: 1}} {
		l, err := NewLoss[float64](c, TensorFlow, anchors, slots)
		if err != nil {
			t.Fatal(err)
		}
		dCodes, dLogits := make([]float64, len(codes)), make([]float64, len(logits))
		v := l.Run(codes, logits, objects, 1, dCodes, dLogits)
		if v.Positives == 0 || v.Box <= 0 || v.Class <= 0 {
			t.Fatalf("%s: %+v", c.Kind, v)
		}
		a, b := make([]float64, len(codes)), make([]float64, len(logits))
		check := func(x []float64, i int, want float64) {
			const d = 1e-6
			old := x[i]
			x[i] = old + d
			up := l.Run(codes, logits, objects, 1, a, b).Total()
			x[i] = old - d
			down := l.Run(codes, logits, objects, 1, a, b).Total()
			x[i] = old
			near(t, string(c.Kind)+" gradient", want, (up-down)/(2*d), 1e-7)
		}
		for range 150 {
			i, j := rng.IntN(len(codes)), rng.IntN(len(logits))
			check(codes, i, dCodes[i])
			check(logits, j, dLogits[j])
		}
		for i, d := range dCodes {
			if d != 0 {
				check(codes, i, d)
			}
		}
	}
}

// With no objects at all, the worst background anchors teach where the
// configuration says so, and nothing is not a number.
func TestNoObjects(t *testing.T) {
	anchors := Anchors{Style: TensorFlow, ReduceLowest: true}.On(maps320)
	codes, logits := make([]float32, len(anchors)*4), make([]float32, len(anchors)*3)
	dc, dl := make([]float32, len(codes)), make([]float32, len(logits))
	for least, want := range map[int]int{0: 0, 3: 9} {
		l, err := NewLoss[float32](LossConfig{Kind: Multibox, MinNegatives: least}, TensorFlow, anchors, 3)
		if err != nil {
			t.Fatal(err)
		}
		v := l.Run(codes, logits, [][]Object{{}}, 1, dc, dl)
		n := 0
		for _, d := range dl {
			if d != 0 {
				n++
			}
		}
		if n != want || v.Total() != v.Total() {
			t.Errorf("at least %d negatives: %d gradients, %+v", least, n, v)
		}
	}
}

func TestMatch(t *testing.T) {
	anchors := []Anchor{{0.25, 0.25, 0.5, 0.5}, {0.75, 0.75, 0.5, 0.5}, {0.8, 0.2, 0.1, 0.1}}
	// Both objects have the first anchor for their best.
	objects := []Object{{Box: Box{0, 0, 0.3, 0.3}, Slot: 1}, {Box: Box{0, 0, 0.2, 0.4}, Slot: 2}}
	if m := Match(anchors, objects, TensorFlow, nil); !slices.Equal(m, []int{0, Background, Background}) {
		t.Errorf("TensorFlow: %v", m)
	}
	if m := Match(anchors, objects, Torchvision, nil); !slices.Equal(m, []int{1, Background, Background}) {
		t.Errorf("torchvision: %v", m)
	}
	crowd := []Object{{Box: Box{0.5, 0.5, 1, 0.8}, Slot: 1, Crowd: true}}
	if m := Match(anchors, crowd, TensorFlow, nil); !slices.Equal(m, []int{Background, Ignored, Background}) {
		t.Errorf("a crowd: %v", m)
	}
}

func TestCodeInverse(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, style := range []Style{TensorFlow, Torchvision} {
		for range 1000 {
			a := Anchor{rng.Float32(), rng.Float32(), 0.05 + rng.Float32(), 0.05 + rng.Float32()}
			b := Box{rng.Float32(), rng.Float32(), 0, 0}
			b.X2, b.Y2 = b.X1+0.02+rng.Float32(), b.Y1+0.02+rng.Float32() // at most 21 times the anchor: torchvision cuts at 62.5
			code := Code{style}.Encode(b, a)
			got := Code{style}.Decode(code[:], a)
			for i, v := range corners(got) {
				near(t, "corner", v, corners(b)[i], 1e-3)
			}
		}
	}
}

// What is kept overlaps no better one of its class by more than the limit, and
// what is not kept does.
func TestSuppression(t *testing.T) {
	anchors := Anchors{Style: TensorFlow, ReduceLowest: true}.On([][2]int{{8, 8}, {4, 4}})
	const slots = 3
	rng := rand.New(rand.NewPCG(5, 5))
	codes, logits := make([]float32, len(anchors)*4), make([]float32, len(anchors)*slots)
	for i := range codes {
		codes[i] = float32(rng.NormFloat64())
	}
	for i := range logits {
		logits[i] = float32(rng.NormFloat64())
	}
	post := Post{Style: TensorFlow, Score: 0.3, IoU: 0.5, PerClass: 1000, Max: 1000}
	found := slices.Clone(NewDetector(post, anchors, slots).Detect(codes, logits))
	kept := 0
	for i, a := range anchors {
		for s := 1; s < slots; s++ {
			score := sigmoid(logits[i*slots+s])
			if score <= 0.3 {
				continue
			}
			b := Code{TensorFlow}.Decode(codes[i*4:][:4], a)
			covered := false
			own := false
			for _, f := range found {
				if f.Slot != s {
					continue
				}
				if f.Score == score {
					own = true
				} else if f.Score > score && IoU(f.Box, b.Clip()) > 0.45 {
					covered = true
				}
			}
			if own {
				kept++
			} else if !covered && b.Clip().Area() > 0 {
				t.Errorf("anchor %d, slot %d: left out, though no better one covers it", i, s)
			}
		}
	}
	if kept != len(found) || kept == 0 {
		t.Errorf("%d kept, %d found", kept, len(found))
	}
	post.Agnostic = true
	agnostic := NewDetector(post, anchors, slots).Detect(codes, logits)
	for i, a := range agnostic {
		for _, b := range agnostic[:i] {
			if IoU(a.Box, b.Box) > 0.5 {
				t.Errorf("%v and %v overlap", a, b)
			}
		}
	}
}

// COCO's category numbers have ten gaps.
func TestCOCONames(t *testing.T) {
	var unused []int
	for i, name := range COCOCategories() {
		if name == "" {
			unused = append(unused, i+1)
		}
	}
	if want := []int{12, 26, 29, 30, 45, 66, 68, 69, 71, 83}; len(COCO()) != 80 || len(COCOCategories()) != 90 || !slices.Equal(unused, want) {
		t.Errorf("%d names, not used: %v", len(COCO()), unused)
	}
}
