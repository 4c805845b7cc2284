package data

import (
	"os"
	"testing"

	"github.com/mixnet-go/mixnet/input"
)

// BenchmarkLoader reads the class folders that the environment variable
// MIXNET_BENCH_IMAGES names as training at 224×224 does.
func BenchmarkLoader(b *testing.B) {
	root := os.Getenv("MIXNET_BENCH_IMAGES")
	if root == "" {
		b.Skip("set MIXNET_BENCH_IMAGES to a folder of class folders")
	}
	files, err := Folder(root)
	if err != nil {
		b.Fatal(err)
	}
	l, err := NewLoader(files, Config{
		Preprocess: input.Preprocess{Interpolation: input.Bilinear},
		Augment:    &input.Augment{Crop: input.InceptionCrop, Flip: 0.5},
		Batch:      32, Shuffle: true, Remainder: DropRemainder,
	})
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for range b.N {
		for batch, err := range l.Epoch(b.Context(), 0, 0) {
			if err != nil {
				b.Fatal(err)
			}
			n += len(batch.Labels)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "images/s")
}

// BenchmarkMemoryLoader reads small pictures in memory.
func BenchmarkMemoryLoader(b *testing.B) {
	d := small(10000, 10)
	l, err := NewLoader(d, Config{
		Preprocess: eight, Augment: &input.Augment{Crop: input.PadCrop, Pad: 2, Flip: 0.5},
		Batch: 128, Shuffle: true, Remainder: DropRemainder,
	})
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for range b.N {
		for batch, err := range l.Epoch(b.Context(), 0, 0) {
			if err != nil {
				b.Fatal(err)
			}
			n += len(batch.Labels)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "images/s")
}
