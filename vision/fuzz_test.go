package vision

import (
	"bytes"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/input"
)

func FuzzJPEG(f *testing.F) { fuzzFormat(f, JPEG) }
func FuzzPNG(f *testing.F)  { fuzzFormat(f, PNG) }
func FuzzGIF(f *testing.F)  { fuzzFormat(f, GIF) }
func FuzzWebP(f *testing.F) { fuzzFormat(f, WebP) }
func FuzzBMP(f *testing.F)  { fuzzFormat(f, BMP) }
func FuzzTIFF(f *testing.F) { fuzzFormat(f, TIFF) }
func FuzzPNM(f *testing.F)  { fuzzFormat(f, PNM) }

// fuzzFormat decodes and preprocesses whatever it is given, beginning with files
// of a format: the whole, a part, and the network's input.
func fuzzFormat(f *testing.F, format Format) {
	seeds := [][]byte{pngHeader(50000, 50000), jpegHeader(300, 300), webpHeader(300, 300), gifHeader(300, 300), bmpHeader(300, 300)}
	for _, pattern := range []string{filepath.Join(pillowDir, "decode", "*"), filepath.Join(crcDir, "*"), filepath.Join(foreignDir, "*")} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			if !strings.HasSuffix(file, ".ref.png") {
				seeds = append(seeds, data)
			}
		}
	}
	for _, s := range seeds {
		if is, err := Sniff(s); err == nil && is == format {
			f.Add(s)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := NewProcessor(input.Preprocess{Size: [2]int{16, 16}})
		if err != nil {
			t.Fatal(err)
		}
		v.Decoder.MaxPixels = 1 << 16
		dst := make([]float32, v.Len())
		_, evalErr := v.FitTo(dst, Picture{File: data})
		if evalErr != nil && !known(evalErr) {
			t.Fatalf("unnamed error, or named twice: %v", evalErr)
		}
		var whole Image
		if err := v.Decoder.Decode(&whole, data, 3); err != nil {
			return
		}
		if err := whole.Check(); err != nil {
			t.Fatal(err)
		}
		if evalErr != nil {
			t.Fatalf("the whole decodes, its middle does not: %v", evalErr)
		}
		info, err := v.Decoder.Inspect(data)
		if err != nil {
			t.Fatal(err)
		}
		var part, want Image
		r := image.Rect(info.W/3, info.H/4, info.W/3+(info.W+1)/2, info.H/4+(info.H+1)/2)
		if err := v.Decoder.Region(&part, data, info, r, 3); err != nil {
			t.Fatal(err)
		}
		want.reset(r.Dx(), r.Dy(), 3)
		copyRegion(&want, &whole, r)
		if !bytes.Equal(part.Pix, want.Pix) {
			t.Fatalf("region %v differs from that part of the whole", r)
		}
	})
}
