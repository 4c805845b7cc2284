package vision

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/input"
)

// benchmarkFiles reads the JPEG files below the folder that the environment
// variable MIXNET_BENCH_IMAGES names, or else the small one in testdata.
func benchmarkFiles(b *testing.B) [][]byte {
	root := os.Getenv("MIXNET_BENCH_IMAGES")
	if root == "" {
		root = filepath.Join(pillowDir, "decode")
	}
	var files [][]byte
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.EqualFold(filepath.Ext(path), ".jpg") || len(files) == 300 {
			return err
		}
		data, err := os.ReadFile(path)
		files = append(files, data)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return files
}

func BenchmarkDecode(b *testing.B) {
	files := benchmarkFiles(b)
	var d Decoder
	var m Image
	i := 0
	for b.Loop() {
		if err := d.Decode(&m, files[i%len(files)], 3); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func BenchmarkEval(b *testing.B) {
	files := benchmarkFiles(b)
	v, err := NewProcessor(input.Preprocess{})
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]float32, v.Len())
	i := 0
	for b.Loop() {
		if _, err := v.FitTo(dst, Picture{File: files[i%len(files)]}); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func BenchmarkTrain(b *testing.B) {
	files := benchmarkFiles(b)
	v, err := NewProcessor(input.Preprocess{Interpolation: input.Bilinear})
	if err != nil {
		b.Fatal(err)
	}
	a := augmentation(b, input.Augment{Crop: input.InceptionCrop, Flip: 0.5})
	rng := rand.New(rand.NewPCG(1, 2))
	dst := make([]float32, v.Len())
	i := 0
	for b.Loop() {
		if _, err := v.AugmentTo(dst, Picture{File: files[i%len(files)]}, a, rng); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func BenchmarkResize(b *testing.B) {
	src := gradient(500, 375)
	for _, filter := range []input.Interpolation{input.Bilinear, input.Bicubic} {
		b.Run(string(filter), func(b *testing.B) {
			var r Resizer
			var dst Image
			for b.Loop() {
				if err := r.Resize(&dst, src, 341, 256, filter); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
