package mixnet_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/vision"
	"github.com/mixnet-go/mixnet/weights/hub"
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

// A batch has what the pictures have alone, in their order, and each error at
// its picture.
func TestBatch(t *testing.T) {
	ctx, c := t.Context(), newClassifier(t, newRandom(t), mixnet.Options{Threads: 2})
	images := pictures(41)
	dir := t.TempDir()
	var batch []mixnet.Picture
	bad := map[int]error{3: fs.ErrNotExist, 17: vision.ErrFormat, 40: vision.ErrTruncated}
	for i, img := range images {
		content := pngOf(t, img)
		switch i {
		case 3:
			batch = append(batch, mixnet.File(filepath.Join(dir, "none.png")))
			continue
		case 17:
			content = []byte("not a picture")
		case 40:
			content = content[:30]
		}
		switch i % 3 {
		case 0:
			path := filepath.Join(dir, string(rune('A'+i)))
			if err := os.WriteFile(path, content, 0o666); err != nil {
				t.Fatal(err)
			}
			batch = append(batch, mixnet.File(path))
		case 1:
			batch = append(batch, mixnet.Bytes(content))
		default:
			if bad[i] != nil {
				batch = append(batch, mixnet.Bytes(content))
			} else {
				batch = append(batch, mixnet.Image(img))
			}
		}
	}
	one := map[string]func(context.Context, image.Image) ([]float32, error){"logits": c.Logits, "features": c.Features}
	for name, all := range map[string]func(context.Context, []mixnet.Picture) func(func([]float32, error) bool){
		"logits":   func(ctx context.Context, p []mixnet.Picture) func(func([]float32, error) bool) { return c.LogitsBatch(ctx, p) },
		"features": func(ctx context.Context, p []mixnet.Picture) func(func([]float32, error) bool) { return c.FeaturesBatch(ctx, p) },
	} {
		var got [][]float32
		for v, err := range all(ctx, batch) {
			if want := bad[len(got)]; !errors.Is(err, want) {
				t.Fatalf("%s of picture %d: error %v, want %v", name, len(got), err, want)
			}
			got = append(got, v)
		}
		if len(got) != len(images) {
			t.Fatalf("%d results of %d pictures", len(got), len(images))
		}
		for i, v := range got { // kept by the caller: none may change when the next are made
			want, err := one[name](ctx, images[i])
			if err != nil {
				t.Fatal(err)
			}
			if bad[i] == nil && !close(v, want) {
				t.Errorf("%s of picture %d in a batch %v, alone %v", name, i, v, want)
			}
		}
	}
	i := 0
	for found, err := range c.ClassifyBatch(ctx, batch, 1) {
		if err == nil {
			want, err := c.Classify(ctx, images[i], 1)
			if err != nil || found[0].Class != want[0].Class || math.Abs(found[0].Probability-want[0].Probability) > 1e-6 {
				t.Errorf("picture %d in a batch %v, alone %v, %v", i, found, want, err)
			}
		}
		i++
	}
}

// close reports whether a and b are the same up to rounding.
func close(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Abs(float64(x-y)) < 1e-5*(1+math.Abs(float64(y))) })
}

// An image in whose colour something happens.
type watched struct {
	image.Image
	look func()
}

func (w watched) At(x, y int) color.Color {
	w.look()
	return w.Image.At(x, y)
}

// Pictures are prepared as they are asked for, not all at once.
func TestBatchIsBounded(t *testing.T) {
	c := newClassifier(t, newRandom(t), mixnet.Options{Threads: 1})
	img := image.NewGray(image.Rect(0, 0, 1, 1))
	looked := make(chan struct{}, 1000)
	batch := make([]mixnet.Picture, cap(looked))
	for i := range batch {
		batch[i] = mixnet.Image(watched{img, func() { looked <- struct{}{} }})
	}
	for range c.LogitsBatch(t.Context(), batch) {
		break
	}
	if n := len(looked); n > 100 {
		t.Errorf("%d of %d pictures were prepared for the first result", n, len(batch))
	}
}

// When the context ends, so does the batch, with an error for every picture
// left.
func TestBatchCancel(t *testing.T) {
	c := newClassifier(t, newRandom(t), mixnet.Options{Threads: 2})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	batch := make([]mixnet.Picture, 500)
	for i, img := range pictures(len(batch)) {
		batch[i] = mixnet.Image(img)
	}
	good, ended := 0, 0
	for v, err := range c.LogitsBatch(ctx, batch) {
		switch {
		case err == nil && len(v) == 2:
			good++
		case errors.Is(err, context.Canceled) && v == nil:
			ended++
		default:
			t.Fatalf("result %v, error %v", v, err)
		}
		cancel()
	}
	if good == 0 || ended == 0 || good+ended != len(batch) {
		t.Errorf("%d results and %d errors of %d pictures", good, ended, len(batch))
	}
	if _, err := c.Classify(ctx, pictures(1)[0], 1); !errors.Is(err, context.Canceled) {
		t.Errorf("one picture after the end: %v", err)
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
