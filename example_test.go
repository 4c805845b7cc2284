package mixnet_test

import (
	"context"
	"fmt"
	"image"
	_ "image/jpeg"
	"log"
	"os"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/fashion"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/zoo"
)

// Name what is in a photo with published weights, which are fetched on first
// use.
func ExampleOpen() {
	ctx := context.Background()
	m, err := mixnet.Open(ctx, "mixnet_s.ft_in1k", mixnet.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	photo, err := os.ReadFile("photo.jpg")
	if err != nil {
		log.Fatal(err)
	}
	found, err := m.ClassifyFile(ctx, photo, 3)
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range found {
		fmt.Printf("%5.1f %%  %s\n", 100*p.Probability, p.Label)
	}
}

// A network with random weights, to show the calls.
func newExample() *model.Model {
	spec, err := zoo.Lookup("mixnet_tiny")
	if err != nil {
		log.Fatal(err)
	}
	m, err := model.New(spec, zoo.Options{}, []string{"shirt", "shoe"}, 1)
	if err != nil {
		log.Fatal(err)
	}
	return m
}

func ExampleModel_Classify() {
	m, err := mixnet.New(newExample(), mixnet.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	img := image.NewGray(image.Rect(0, 0, 64, 48))
	found, err := m.Classify(context.Background(), img, 0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(found), "classes, the likeliest first:", found[0].Probability >= found[1].Probability)
	// Output: 2 classes, the likeliest first: true
}

func ExampleModel_Features() {
	m, err := mixnet.New(newExample(), mixnet.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	features, err := m.Features(context.Background(), image.NewGray(image.Rect(0, 0, 28, 28)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(features), "features")
	// Output: 192 features
}

// Train a network further on images of other classes.
func ExampleFineTune() {
	splits, err := data.OpenIDX(fashion.FS(), "fashion-mnist")
	if err != nil {
		log.Fatal(err)
	}
	few := make([]int, 64)
	for i := range few {
		few[i] = i
	}
	images, err := data.Subset(splits.Train, few)
	if err != nil {
		log.Fatal(err)
	}
	recipe, err := recipe.Preset("finetune")
	if err != nil {
		log.Fatal(err)
	}
	recipe.Epochs = 1
	tuned, err := mixnet.FineTune(context.Background(), newExample(), images, mixnet.FineTuneOptions{Recipe: recipe})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(tuned.Classes), "classes")
	// Output: 10 classes
}
