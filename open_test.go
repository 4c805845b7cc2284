package mixnet_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/weights/hub"
	"github.com/mixnet-go/mixnet/zoo"
)

// seqFS hides that a file can be read from anywhere.
type seqFS struct{ fs.FS }

func (s seqFS) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	return seqFile{f}, err
}

type seqFile struct{ fs.File }

func (s seqFile) Read(p []byte) (int, error) { return iotest.OneByteReader(s.File).Read(p) }

// A weight file gives the same classifier by whatever way it is opened, and a
// damaged one an error.
func TestOpenWays(t *testing.T) {
	ctx, m := t.Context(), newRandom(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "weights.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	img := pictures(1)[0]
	want, err := newClassifier(t, m, mixnet.Options{}).Logits(ctx, img)
	if err != nil {
		t.Fatal(err)
	}
	ways := map[string]func(content []byte) (*mixnet.Classifier, error){
		"Open": func([]byte) (*mixnet.Classifier, error) { return mixnet.Open(ctx, path, mixnet.OpenOptions{}) },
		"OpenFS": func([]byte) (*mixnet.Classifier, error) {
			return mixnet.OpenFS(os.DirFS(dir), "weights.safetensors", mixnet.Options{})
		},
		"OpenFS, in order": func([]byte) (*mixnet.Classifier, error) {
			return mixnet.OpenFS(seqFS{os.DirFS(dir)}, "weights.safetensors", mixnet.Options{})
		},
		"OpenReader": func(b []byte) (*mixnet.Classifier, error) {
			return mixnet.OpenReader(bytes.NewReader(b), int64(len(b)), mixnet.Options{})
		},
		"Load": func([]byte) (*mixnet.Classifier, error) {
			m, err := mixnet.Load(ctx, path, mixnet.LoadOptions{})
			if err != nil {
				return nil, err
			}
			return mixnet.New(m, mixnet.Options{})
		},
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range ways {
		c, err := open(content)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := c.Logits(ctx, img); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: logits %v, %v; want %v", name, got, err, want)
		}
		if !slices.Equal(c.Classes(), m.Classes) {
			t.Errorf("%s: classes %q", name, c.Classes())
		}
		if err := c.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Truncate(path, int64(len(content)-1)); err != nil {
		t.Fatal(err)
	}
	for name, open := range ways {
		if c, err := open(content[:len(content)-1]); err == nil || c != nil {
			t.Errorf("%s of a file cut short: %v, %v", name, c, err)
		}
	}
	if _, err := mixnet.OpenFS(os.DirFS(dir), "none", mixnet.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	var _ io.Closer = (*mixnet.Classifier)(nil)
}

// Names that are none, and settings that would have no effect, are errors.
func TestOpenNames(t *testing.T) {
	ctx := t.Context()
	t.Setenv("HF_HOME", t.TempDir())
	t.Setenv("HF_HUB_CACHE", "")
	nowhere := hub.Client{Offline: true, Cache: t.TempDir()}
	for _, c := range []struct {
		name string
		o    mixnet.LoadOptions
		want error
	}{
		{name: "no_such_network"},
		{name: "photo"},
		{name: "fashion", o: mixnet.LoadOptions{Network: "mixnet_s"}},
		{name: "mixnet_tiny", want: mixnet.ErrNoWeights},
		{name: "hf-hub:timm/mixnet_s.ft_in1k", o: mixnet.LoadOptions{Hub: nowhere}, want: hub.ErrOffline},
		{name: "hf_hub:someone/else", o: mixnet.LoadOptions{Hub: nowhere}, want: hub.ErrOffline},
		{name: "hf-hub:timm/no_such_network", o: mixnet.LoadOptions{Hub: nowhere}, want: zoo.ErrUnknown},
	} {
		if _, err := mixnet.Load(ctx, c.name, c.o); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("Load(%q, %+v): error %v, want %v", c.name, c.o.Network, err, c.want)
		}
		if _, err := mixnet.Open(ctx, c.name, mixnet.OpenOptions{LoadOptions: c.o}); err == nil {
			t.Errorf("Open(%q, %+v): no error", c.name, c.o.Network)
		}
	}
	m, err := mixnet.Load(ctx, "fashion", mixnet.LoadOptions{})
	if err != nil || len(m.Classes) != 10 {
		t.Errorf("fashion: %v, %v", m, err)
	}
}

// With Mirror a picture's logits are the mean of its own and those of its mirror
// image, alone and in batches; its features are its own.
func TestMirror(t *testing.T) {
	m := newRandom(t)
	img := image.NewGray(image.Rect(0, 0, 28, 28))
	turned := image.NewGray(img.Rect)
	for y := range 28 {
		for x := range 28 {
			img.SetGray(x, y, color.Gray{uint8(9*x + x*y)})
			turned.SetGray(27-x, y, color.Gray{uint8(9*x + x*y)})
		}
	}
	plain, both := newClassifier(t, m, mixnet.Options{}), newClassifier(t, m, mixnet.Options{Mirror: true})
	logits := func(c *mixnet.Classifier, img image.Image) []float32 {
		v, err := c.Logits(t.Context(), img)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	a, b := logits(plain, img), logits(plain, turned)
	if close(a, b) {
		t.Fatalf("%v for the picture and its mirror image, which shows nothing", a)
	}
	want := make([]float32, len(a))
	for i := range want {
		want[i] = (a[i] + b[i]) / 2
	}
	if got := logits(both, img); !close(got, want) {
		t.Errorf("logits %v, want %v", got, want)
	}
	for got, err := range both.LogitsBatch(t.Context(), []mixnet.Picture{mixnet.Image(img), mixnet.Image(turned)}) {
		if err != nil || !close(got, want) {
			t.Errorf("in a batch %v, %v; want %v", got, err, want)
		}
	}
	f, err := plain.Features(t.Context(), img)
	if err != nil {
		t.Fatal(err)
	}
	if g, err := both.Features(t.Context(), img); err != nil || !close(f, g) {
		t.Errorf("other features: %v", err)
	}
}
