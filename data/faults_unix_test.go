//go:build unix

package data

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestPipesAndLinks has a folder with what is no file: opening it would wait for
// ever.
func TestPipesAndLinks(t *testing.T) {
	root := writeFiles(t, "a/0.jpg", "b/0.jpg", "b/1.jpg", "train-labels-idx1-ubyte")
	for _, pipe := range []string{"a/pipe.jpg", "x.tar", "x.parquet", "train-images-idx3-ubyte"} {
		if err := syscall.Mkfifo(filepath.Join(root, pipe), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"a/gone.jpg": "nowhere.jpg", "a/up": "..", "a/null.png": "/dev/null",
		"b/linked.jpg": "../a/0.jpg", "c": "b", "a/deep": "../b",
	} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := counts(s), "train a 4 b 3 c 3"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	checkSays(t, leftOutText(s), []string{"5 × no regular file", "1 × link to nothing (a/gone.jpg)", "1 × link to a folder around it (a/up)"})
	for _, pipe := range []string{"x.tar", "x.parquet", "train-images-idx3-ubyte"} {
		if _, err := Open(filepath.Join(root, pipe)); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("%s: error %v", pipe, err)
		}
	}
	var sample Sample
	if err := sample.ReadFile(filepath.Join(root, "a/pipe.jpg")); err == nil {
		t.Error("a pipe was read as a picture")
	}
}
