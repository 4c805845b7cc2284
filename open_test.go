package mixnet_test

import (
	"context"
	"image"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet"
)

// A program made straight from a weight file computes what one made of its
// parameters in memory does, and a damaged file is an error.
func TestOpenReadsWeightFile(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "weights.safetensors")
	if err := newExample().Save(path); err != nil {
		t.Fatal(err)
	}
	loaded, err := mixnet.Load(ctx, path, mixnet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	inMemory, err := mixnet.New(loaded, mixnet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer inMemory.Close()
	opened, err := mixnet.Open(ctx, path, mixnet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	img := image.NewGray(image.Rect(0, 0, 40, 30))
	for i := range img.Pix {
		img.Pix[i] = uint8(i * i)
	}
	want, err := inMemory.Logits(ctx, img)
	if err != nil {
		t.Fatal(err)
	}
	got, err := opened.Logits(ctx, img)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("logits %v, want %v: %v", got, want, err)
	}

	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-1); err != nil {
		t.Fatal(err)
	}
	if _, err := mixnet.Open(ctx, path, mixnet.Options{}); err == nil {
		t.Error("a file cut short: no error")
	}
}
