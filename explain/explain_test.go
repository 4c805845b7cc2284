package explain_test

import (
	"errors"
	"image/color"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/explain"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/vision"
	"github.com/mixnet-go/mixnet/zoo"
)

// filled returns a network with the reference parameters.
func filled(t *testing.T, name string) *model.Model {
	t.Helper()
	spec, err := zoo.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(spec, zoo.Options{}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	testkit.Fill(m.Graph, m.Values)
	return m
}

// The maps are PyTorch's, and their mean plus the bias is the logit.
func TestGolden(t *testing.T) {
	var cases []struct {
		Model  string
		Input  [4]int // N, C, H, W
		Size   [2]int
		Maps   map[string][]float64
		Logits []float64
	}
	if err := testkit.ReadJSON("testdata/cam.json", &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range cases {
		e, err := explain.New(filled(t, c.Model), 1)
		if err != nil {
			t.Errorf("%s: %v", c.Model, err)
			continue
		}
		r, err := e.Run(t.Context(), testkit.Input[float32](tensor.Shape{N: 1, C: c.Input[1], H: c.Input[2], W: c.Input[3]}))
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range c.Maps {
			class, err := strconv.Atoi(name)
			if err != nil {
				t.Fatal(err)
			}
			m, err := r.Map(class)
			if err != nil {
				t.Fatal(err)
			}
			if m.H != c.Size[0] || m.W != c.Size[1] {
				t.Errorf("%s: a map of %d×%d, want %v", c.Model, m.H, m.W, c.Size)
			}
			if err := testkit.Close(m.Values, want, 1e-4); err != nil {
				t.Errorf("%s: class %d: %v", c.Model, class, err)
			}
			mean := 0.0
			for _, v := range m.Values {
				mean += float64(v) / float64(len(m.Values))
			}
			if got, logit := mean+float64(m.Bias), float64(r.Logits[class]); math.Abs(got-logit) > 1e-4*(1+math.Abs(logit)) {
				t.Errorf("%s: class %d: the map's mean and bias are %v, the logit %v", c.Model, class, got, logit)
			}
		}
		e.Close()
	}
}

// Networks with more between pooling and logits are refused by name, with the
// layer that lies there.
func TestNotLinear(t *testing.T) {
	_, err := explain.New(filled(t, "mobilenetv3_large_100"), 1)
	if !errors.Is(err, explain.ErrNotLinear) || !strings.Contains(err.Error(), "mobilenetv3_large_100") || !strings.Contains(err.Error(), "between pooling and classifier") {
		t.Errorf("%v", err)
	}
}

func TestArguments(t *testing.T) {
	e, err := explain.New(filled(t, "mixnet_tiny"), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.Run(t.Context(), testkit.Input[float32](tensor.Shape{N: 2, C: 1, H: 28, W: 28})); err == nil {
		t.Error("a batch of two was taken")
	}
	r, err := e.Run(t.Context(), testkit.Input[float32](tensor.Shape{N: 1, C: 1, H: 28, W: 28}))
	if err != nil {
		t.Fatal(err)
	}
	for _, class := range []int{-1, 10} {
		if _, err := r.Map(class); err == nil {
			t.Errorf("a map of class %d of 10", class)
		}
	}
}

// Between the centers of its cells a map is linear, beyond the outer ones
// constant.
func TestAt(t *testing.T) {
	m := explain.Map{H: 2, W: 2, Values: []float32{0, 1, 2, 3}}
	for _, c := range []struct{ x, y, want float64 }{
		{0.25, 0.25, 0}, {0.75, 0.25, 1}, {0.25, 0.75, 2}, {0.5, 0.5, 1.5}, {0, 0, 0}, {1, 1, 3}, {0.5, 0, 0.5},
	} {
		if got := m.At(c.x, c.y); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("at %v, %v: %v, want %v", c.x, c.y, got, c.want)
		}
	}
}

// What speaks for a class is red, what speaks against it blue, the rest grey.
func TestOverlay(t *testing.T) {
	img := &vision.Image{W: 3, H: 1, C: 3, Pix: []uint8{100, 100, 100, 100, 100, 100, 100, 100, 100}}
	out := explain.Overlay(img, explain.Map{H: 1, W: 3, Values: []float32{2, 0, -1}})
	if b := out.Bounds(); b.Dx() != 3*224 || b.Dy() != 224 {
		t.Fatalf("size %v", b)
	}
	at := func(cell int) color.RGBA { return out.RGBAAt(224*cell+112, 100) }
	// 0.3·100 + 0.7·(235, 40, 20) at full strength, 0.65 and 0.35 at half.
	for cell, want := range []color.RGBA{{195, 58, 44, 255}, {100, 100, 100, 255}, {76, 97, 147, 255}} {
		got := at(cell)
		if d := math.Abs(float64(got.R)-float64(want.R)) + math.Abs(float64(got.G)-float64(want.G)) + math.Abs(float64(got.B)-float64(want.B)); d > 6 {
			t.Errorf("cell %d is %v, want about %v", cell, got, want)
		}
	}
	grey := &vision.Image{W: 300, H: 300, C: 1, Pix: make([]uint8, 300*300)}
	if out := explain.Overlay(grey, explain.Map{H: 1, W: 1, Values: []float32{0}}); out.Bounds().Dx() != 300 || out.RGBAAt(5, 5) != (color.RGBA{0, 0, 0, 255}) {
		t.Errorf("of nothing: %v, %v", out.Bounds(), out.RGBAAt(5, 5))
	}
}
