package vision_test

import (
	"fmt"
	"image/png"
	"log"
	"math/rand/v2"
	"os"

	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/vision"
)

func ExampleDecode() {
	file, err := os.ReadFile("testdata/foreign/jpeg-exif-short-II.jpg")
	if err != nil {
		log.Fatal(err)
	}
	info, err := vision.Inspect(file)
	if err != nil {
		log.Fatal(err)
	}
	img, err := vision.Decode(file)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Format, "turned by EXIF orientation", info.Orientation)
	fmt.Println(img.W, "×", img.H, "pixels,", img.C, "channels")
	// Output:
	// jpeg turned by EXIF orientation 6
	// 21 × 27 pixels, 3 channels
}

// A service sets the decoder's limits, and a context for each request.
func ExampleDecoder() {
	file, err := os.ReadFile("testdata/foreign/png-2-8.png")
	if err != nil {
		log.Fatal(err)
	}
	d := vision.Decoder{MaxPixels: 500}
	var img vision.Image
	fmt.Println(d.Decode(&img, file, 3))
	// Output:
	// png: image is too large: 27×21 pixels, the limit is 500 in all
}

// Images are standard ones, and standard ones become images.
func ExampleFromImage() {
	file, err := os.Open("testdata/foreign/png-2-8.png")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	standard, err := png.Decode(file)
	if err != nil {
		log.Fatal(err)
	}
	img, err := vision.FromImage(standard, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(img.Bounds(), img.At(0, 0))
	// Output:
	// (0,0)-(27,21) {126}
}

// A processor makes the input of a network, and says where in it each place of
// the picture is.
func ExampleProcessor() {
	v, err := vision.NewProcessor(input.Preprocess{Size: [2]int{100, 100}, CropPct: 1})
	if err != nil {
		log.Fatal(err)
	}
	picture := vision.Picture{Pixels: vision.NewImage(400, 200, 3)}
	cat := vision.Box{X0: 150, Y0: 20, X1: 200, Y1: 120}

	values := make([]float32, v.Len())
	fit, err := v.FitTo(values, picture)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(values), "values, the cat is at", fit.Box(cat))

	augment, err := vision.NewAugmentation(input.Augment{Crop: input.PadCrop, Pad: 8, Flip: 1})
	if err != nil {
		log.Fatal(err)
	}
	moved, err := v.AugmentTo(values, picture, &augment, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("mirrored and moved, at", moved.Box(cat))
	// Output:
	// 30000 values, the cat is at {25 10 50 60}
	// mirrored and moved, at {55 8 80 58}
}
