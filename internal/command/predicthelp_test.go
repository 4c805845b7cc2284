package command

import (
	"image"
	"image/color"
	"path/filepath"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/zoo"
)

// from returns the part of a set that begins at an example.
func from(t *testing.T, d data.Dataset, first int) data.Dataset {
	t.Helper()
	s, err := data.Subset(d, []int{first})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// flipped is an image with left and right exchanged.
type flipped struct{ image.Image }

func (f flipped) At(x, y int) color.Color {
	b := f.Bounds()
	return f.Image.At(b.Min.X+b.Max.X-1-x, y)
}

// newWeights returns a file with a network of the zoo that is not trained.
func newWeights(t *testing.T, network string) string {
	t.Helper()
	spec, err := zoo.Lookup(network)
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(spec, zoo.Options{}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "new.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}
