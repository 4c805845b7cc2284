package mixnet_test

import (
	"context"
	"errors"
	"image"
	"image/color"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/vision"
)

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
		"logits": func(ctx context.Context, p []mixnet.Picture) func(func([]float32, error) bool) {
			return c.LogitsBatch(ctx, p)
		},
		"features": func(ctx context.Context, p []mixnet.Picture) func(func([]float32, error) bool) {
			return c.FeaturesBatch(ctx, p)
		},
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

// Single pictures and batches, ended early or not, go through one classifier at
// the same time.
func TestConcurrentUse(t *testing.T) {
	ctx, c := t.Context(), newClassifier(t, newRandom(t), mixnet.Options{Threads: 2, MaxConcurrent: 2})
	images := pictures(12)
	var batch []mixnet.Picture
	var want [][]float32
	for _, img := range images {
		v, err := c.Logits(ctx, img)
		if err != nil {
			t.Fatal(err)
		}
		batch, want = append(batch, mixnet.Image(img)), append(want, v)
	}
	var all sync.WaitGroup
	for g := range 6 {
		all.Go(func() {
			for i, img := range images {
				if v, err := c.Logits(ctx, img); err != nil || !close(v, want[i]) {
					t.Errorf("picture %d: %v, %v; want %v", i, v, err, want[i])
				}
			}
		})
		all.Go(func() {
			i := 0
			for v, err := range c.LogitsBatch(ctx, batch) {
				if err != nil || !close(v, want[i]) {
					t.Errorf("picture %d of a batch: %v, %v; want %v", i, v, err, want[i])
				}
				if i++; i == 2*g+1 {
					break
				}
			}
		})
	}
	all.Wait()
}
