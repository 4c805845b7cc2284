package mixnet_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/vision"
	"github.com/mixnet-go/mixnet/zoo"
)

// newRandom returns a network of two classes with random weights.
func newRandom(t *testing.T) *model.Model {
	t.Helper()
	spec, err := zoo.Lookup("mixnet_tiny")
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(spec, zoo.Options{}, []string{"shirt", "shoe"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newClassifier(t *testing.T, m *model.Model, o mixnet.Options) *mixnet.Classifier {
	t.Helper()
	c, err := mixnet.New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// pictures returns n images of various sizes.
func pictures(n int) []image.Image {
	all := make([]image.Image, n)
	for i := range all {
		img := image.NewGray(image.Rect(0, 0, 20+7*i%40, 60-5*i%30))
		for j := range img.Pix {
			img.Pix[j] = uint8(j*j + i*j + 31*i)
		}
		all[i] = img
	}
	return all
}

func pngOf(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// An image, its file and the file's content are the same picture.
func TestInputsAgree(t *testing.T) {
	ctx, c := t.Context(), newClassifier(t, newRandom(t), mixnet.Options{})
	img := pictures(3)[2]
	content := pngOf(t, img)
	path := filepath.Join(t.TempDir(), "picture")
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]struct {
		image func(context.Context, image.Image) ([]float32, error)
		file  func(context.Context, string) ([]float32, error)
		bytes func(context.Context, []byte) ([]float32, error)
	}{"logits": {c.Logits, c.LogitsFile, c.LogitsBytes}, "features": {c.Features, c.FeaturesFile, c.FeaturesBytes}} {
		a, errA := f.image(ctx, img)
		b, errB := f.file(ctx, path)
		d, errD := f.bytes(ctx, content)
		if err := errors.Join(errA, errB, errD); err != nil {
			t.Fatal(err)
		}
		if len(a) == 0 || !slices.Equal(a, b) || !slices.Equal(a, d) {
			t.Errorf("%s of an image, its file and the file's bytes: %v, %v, %v", name, a, b, d)
		}
	}
	decoded, err := vision.Decode(content)
	if err != nil {
		t.Fatal(err)
	}
	want, err := c.Logits(ctx, img)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Logits(ctx, decoded); err != nil || !slices.Equal(got, want) {
		t.Errorf("a decoded picture: %v, %v; want %v", got, err, want)
	}
	a, errA := c.Classify(ctx, img, 0)
	b, errB := c.ClassifyFile(ctx, path, 0)
	d, errD := c.ClassifyBytes(ctx, content, 0)
	if err := errors.Join(errA, errB, errD); err != nil || len(a) != 2 || !slices.Equal(a, b) || !slices.Equal(a, d) {
		t.Errorf("predictions %v, %v, %v: %v", a, b, d, err)
	}
}

// Features times the classifier are the logits: both are of the same pass.
func TestFeaturesAreTheClassifiersInput(t *testing.T) {
	ctx, m := t.Context(), newRandom(t)
	c := newClassifier(t, m, mixnet.Options{})
	img := pictures(1)[0]
	f, errF := c.Features(ctx, img)
	l, errL := c.Logits(ctx, img)
	if err := errors.Join(errF, errL); err != nil {
		t.Fatal(err)
	}
	index := m.Graph.ParamIndex()
	weight, bias := m.Values[index["classifier.weight"]], m.Values[index["classifier.bias"]]
	for i, got := range l {
		want, scale := float64(bias[i]), math.Abs(float64(bias[i]))
		for j, v := range f {
			p := float64(v) * float64(weight[i*len(f)+j])
			want, scale = want+p, scale+math.Abs(p)
		}
		if math.Abs(float64(got)-want) > scale*float64(len(f))*0x1p-24 {
			t.Errorf("logit %d is %g, features and weights make %g", i, got, want)
		}
	}
}

// Pictures over the limits take no memory.
func TestLimits(t *testing.T) {
	ctx := t.Context()
	c := newClassifier(t, newRandom(t), mixnet.Options{MaxPixels: 100, MaxFileBytes: 300})
	small, large := image.NewGray(image.Rect(0, 0, 10, 10)), image.NewGray(image.Rect(0, 0, 101, 1))
	if _, err := c.Logits(ctx, small); err != nil {
		t.Error(err)
	}
	path := filepath.Join(t.TempDir(), "noise.bmp")
	if err := os.WriteFile(path, slices.Repeat([]byte("BM"), 151), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"image":    func() error { _, err := c.Logits(ctx, large); return err },
		"bytes":    func() error { _, err := c.ClassifyBytes(ctx, pngOf(t, large), 1); return err },
		"file":     func() error { _, err := c.FeaturesFile(ctx, path); return err },
		"infinite": func() error { _, err := c.Features(ctx, image.NewUniform(color.White)); return err },
		"device":   func() error { _, err := c.FeaturesFile(ctx, "/dev/zero"); return err },
	} {
		if err := call(); !errors.Is(err, vision.ErrTooLarge) && !(name == "device" && errors.Is(err, fs.ErrNotExist)) {
			t.Errorf("%s: error %v, want ErrTooLarge", name, err)
		}
	}
	if _, err := c.Classify(ctx, nil, 1); err == nil {
		t.Error("no image: no error")
	}
	if _, err := c.ClassifyBytes(ctx, nil, 1); err == nil {
		t.Error("no bytes: no error")
	}
}

// Weights that make no number are an error, not a class.
func TestNotFinite(t *testing.T) {
	m := newRandom(t)
	m.Values[m.Graph.ParamIndex()["classifier.bias"]][1] = float32(math.NaN())
	c := newClassifier(t, m, mixnet.Options{})
	img := pictures(1)[0]
	if found, err := c.Classify(t.Context(), img, 0); !errors.Is(err, mixnet.ErrNotFinite) {
		t.Errorf("classes %v, error %v", found, err)
	}
	for v, err := range c.LogitsBatch(t.Context(), []mixnet.Picture{mixnet.Image(img)}) {
		if !errors.Is(err, mixnet.ErrNotFinite) || v != nil {
			t.Errorf("in a batch: logits %v, error %v", v, err)
		}
	}
	if _, err := c.Features(t.Context(), img); err != nil {
		t.Errorf("features, which are finite: %v", err)
	}
}
