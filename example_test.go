package mixnet_test

import (
	"context"
	"embed"
	"fmt"
	"image/png"
	"log"
	"math"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/pretrained"
)

//go:embed testdata/clothes/*.png
var clothes embed.FS

// Name what is in a photo with published weights, which are fetched on first
// use.
func ExampleOpen() {
	ctx := context.Background()
	c, err := mixnet.Open(ctx, "mixnet_s.ft_in1k", mixnet.OpenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	found, err := c.ClassifyFile(ctx, "photo.jpg", 3)
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range found {
		fmt.Printf("%5.1f %%  %s\n", 100*p.Probability, p.Label)
	}
}

// The small model of package pretrained knows clothes and needs no download.
func ExampleClassifier_ClassifyFile() {
	ctx := context.Background()
	c, err := mixnet.Open(ctx, "fashion", mixnet.OpenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	found, err := c.ClassifyFile(ctx, "testdata/clothes/boot.png", 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, %.1f\n", found[0].Label, found[0].Probability)
	// Output: ankle boot, 0.9
}

// An image of the standard library's kind, here decoded from an embedded file.
func ExampleClassifier_Classify() {
	c := openFashion()
	defer c.Close()
	f, err := clothes.Open("testdata/clothes/trouser.png")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		log.Fatal(err)
	}
	found, err := c.Classify(context.Background(), img, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found[0].Label)
	// Output: trouser
}

// Any number of pictures, prepared while the network is busy with others. One
// that cannot be read stops nothing.
func ExampleClassifier_ClassifyBatch() {
	c := openFashion()
	defer c.Close()
	pictures := []mixnet.Picture{
		mixnet.File("testdata/clothes/bag.png"),
		mixnet.File("testdata/clothes/README.md"),
		mixnet.File("testdata/clothes/other_boot.png"),
	}
	for found, err := range c.ClassifyBatch(context.Background(), pictures, 1) {
		if err != nil {
			fmt.Println("not a picture")
			continue
		}
		fmt.Println(found[0].Label)
	}
	// Output:
	// bag
	// not a picture
	// ankle boot
}

// Pictures with the same thing on them have similar features.
func ExampleClassifier_FeaturesFile() {
	c := openFashion()
	defer c.Close()
	var f [3][]float32
	for i, name := range []string{"boot", "other_boot", "bag"} {
		var err error
		if f[i], err = c.FeaturesFile(context.Background(), "testdata/clothes/"+name+".png"); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("a boot is more like another than like a bag:", cosine(f[0], f[1]) > cosine(f[0], f[2]))
	// Output: a boot is more like another than like a bag: true
}

// cosine returns the cosine of the angle between two vectors.
func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return ab / math.Sqrt(aa*bb)
}

func openFashion() *mixnet.Classifier {
	m, err := pretrained.Fashion()
	if err != nil {
		log.Fatal(err)
	}
	c, err := mixnet.New(m, mixnet.Options{})
	if err != nil {
		log.Fatal(err)
	}
	return c
}
