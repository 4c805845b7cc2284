package main

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet"
)

// stripes writes n pictures of stripes across or down.
func stripes(t *testing.T, dir string, down bool, n int) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		img := image.NewRGBA(image.Rect(0, 0, 32, 32))
		for y := range 32 {
			for x := range 32 {
				at := y
				if down {
					at = x
				}
				if (at+i)/4%2 == 0 {
					img.SetRGBA(x, y, color.RGBA{uint8(200 + i), 180, uint8(100 + 5*i), 255})
				}
			}
		}
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%d.png", i)))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, img); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	stripes(t, filepath.Join(dir, "stripes", "across"), false, 10)
	stripes(t, filepath.Join(dir, "stripes", "down"), true, 10)
	to := filepath.Join(dir, "model.safetensors")
	var out strings.Builder
	args := []string{"-data", filepath.Join(dir, "stripes"), "-to", to, "-work", filepath.Join(dir, "work"), "-epochs", "2", "-size", "32"}
	if err := run(t.Context(), args, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"epoch 2 of 2: loss ", "fine-tuned: top-1 ", "frozen backbone: top-1 ", "on 4 held-out photos of 2 classes"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in the output:\n%s", want, out.String())
		}
	}
	c, err := mixnet.Open(t.Context(), to, mixnet.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if found, err := c.ClassifyFile(t.Context(), filepath.Join(dir, "stripes", "down", "3.png"), 0); err != nil || len(found) != 2 {
		t.Errorf("the model says %v, %v", found, err)
	}
	// The same command again has nothing left to do.
	var again strings.Builder
	if err := run(t.Context(), args, &again); err != nil || strings.Contains(again.String(), "epoch") {
		t.Errorf("again: %v\n%s", err, again.String())
	}
}
