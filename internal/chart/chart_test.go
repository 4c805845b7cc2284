package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var example = Chart{
	Title: "Accuracy", X: "multiply-adds", Y: "top-1", Points: true,
	Series: []Series{
		{Name: "one", Points: []Point{{1, 2, "first & last"}, {2, 3, ""}}},
		{Name: "none"},
	},
}

func TestWrite(t *testing.T) {
	var b bytes.Buffer
	if err := example.Write(&b, "png"); err != nil {
		t.Fatal(err)
	}
	if img, err := png.Decode(&b); err != nil || img.Bounds().Dx() < 400 {
		t.Errorf("PNG: %v", err)
	}
	b.Reset()
	if err := example.Write(&b, "svg"); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); !strings.Contains(text, "first &amp; last") {
		t.Error("the label is not in the SVG")
	}
	for dec := xml.NewDecoder(&b); ; {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("SVG: %v", err)
		}
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	if err := example.WriteFile(filepath.Join(dir, "a.SVG")); err != nil {
		t.Error(err)
	}
	if err := example.WriteFile(filepath.Join(dir, "a.bmp")); err == nil {
		t.Error("a BMP chart was written")
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%d files, %v", len(files), err)
	}
}
