package main

import (
	"image"
	"image/draw"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const photos = "../../pretrained/photo/testdata"

// A part of a photo is more like the photo than other photos are.
func TestRun(t *testing.T) {
	f, err := os.Open(filepath.Join(photos, "parrot.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := jpeg.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	middle := image.NewRGBA(img.Bounds().Inset(img.Bounds().Dx() / 10))
	draw.Draw(middle, middle.Bounds(), img, middle.Bounds().Min, draw.Src)
	query := filepath.Join(t.TempDir(), "query.jpg")
	to, err := os.Create(query)
	if err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(to, middle, nil); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := run(t.Context(), []string{"-in", photos, "-k", "3", query}, &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !strings.HasSuffix(lines[0], "parrot.jpg") {
		t.Errorf("found\n%s", out.String())
	}
	if err := run(t.Context(), nil, &out); err == nil {
		t.Error("no photo: no error")
	}
}
