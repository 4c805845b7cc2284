package photo

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/model"
)

func open(t *testing.T) (*model.Model, *mixnet.Classifier) {
	t.Helper()
	m, err := Model()
	if err != nil {
		t.Fatal(err)
	}
	c, err := mixnet.New(m, mixnet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return m, c
}

// The photos in testdata, and what is on them.
var photos = map[string]string{
	"dragonfly.jpg": "dragonfly",
	"hot_dog.jpg":   "hotdog",
	"parrot.jpg":    "macaw",
	"sunflower.jpg": "daisy",
}

func TestPhotos(t *testing.T) {
	_, c := open(t)
	for file, want := range photos {
		found, err := c.ClassifyFile(t.Context(), filepath.Join("testdata", file), 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := found[0]; got.Label != want || got.Probability < 0.5 {
			t.Errorf("%s: %s with %.2f, want %s", file, got.Label, got.Probability, want)
		}
	}
}

// pattern is the picture of that name in testdata/golden.py.
func pattern() image.Image {
	const side = 224
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			at := func(c int) uint8 { return uint8((7*y + 13*x + 29*c + x*y%31*5) % 256) }
			img.SetRGBA(x, y, color.RGBA{at(0), at(1), at(2), 255})
		}
	}
	return img
}

// TestLogits compares with PyTorch: with the weights as they are stored up to
// the arithmetic of 32 bits, and with the original ones up to the rounding of
// weights to 16. Rounding moves each weight by up to 2^-11 of itself, hence the
// result of a layer by less than that, one independently of another: those of n
// layers add up to about the root of n.
func TestLogits(t *testing.T) {
	m, c := open(t)
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden []struct {
		Input            string
		Original, Stored []float64
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden) != len(photos)+1 {
		t.Fatalf("%d inputs", len(golden))
	}
	layers := 0
	for _, p := range m.Graph.Params {
		if p.Kind == graph.Weight {
			layers++
		}
	}
	for _, g := range golden {
		var logits []float32
		if g.Input == "pattern" {
			logits, err = c.Logits(t.Context(), pattern())
		} else {
			logits, err = c.LogitsFile(t.Context(), filepath.Join("testdata", g.Input))
		}
		if err != nil {
			t.Fatal(err)
		}
		if d, limit := difference(logits, g.Stored), 1e-5; !(d < limit) {
			t.Errorf("%s: differs by %.2g from PyTorch with the same weights, want less than %.2g", g.Input, d, limit)
		}
		if d, limit := difference(logits, g.Original), math.Sqrt(float64(layers))*0x1p-11; !(d < limit) {
			t.Errorf("%s: differs by %.2g from PyTorch with weights in 32 bits, want less than %.2g", g.Input, d, limit)
		}
		if a, b := slices.Index(logits, slices.Max(logits)), slices.Index(g.Original, slices.Max(g.Original)); a != b {
			t.Errorf("%s: class %d, PyTorch says %d", g.Input, a, b)
		}
	}
}

// difference is the root mean square of differences over that of b.
func difference(a []float32, b []float64) float64 {
	var diff, all float64
	for i, v := range a {
		d := float64(v) - b[i]
		diff, all = diff+d*d, all+b[i]*b[i]
	}
	return math.Sqrt(diff / all)
}

// TestCard checks the card against the model.
func TestCard(t *testing.T) {
	m, _ := open(t)
	card, err := os.ReadFile("CARD.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, fact := range []string{
		fmt.Sprintf("(`%s`), %d parameters, %d bytes", m.Network, m.Graph.ParamCount(), len(file)),
		m.Notes["source"], m.Notes["license"], m.Notes["data"], m.Notes["top1"] + " %",
	} {
		if !strings.Contains(string(card), fact) {
			t.Errorf("the card does not say %q", fact)
		}
	}
	if most := 10_000_000; len(file) > most {
		t.Errorf("%d bytes: want at most %d", len(file), most)
	}
	if len(m.Classes) != 1000 {
		t.Errorf("%d classes", len(m.Classes))
	}
}
