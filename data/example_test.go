package data_test

import (
	"context"
	"fmt"
	"log"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/fashion"
	"github.com/mixnet-go/mixnet/input"
)

func openFashion() *data.Splits {
	// data.Open does the same for a folder.
	s, err := data.OpenIDX(fashion.FS(), "fashion-mnist")
	if err != nil {
		log.Fatal(err)
	}
	return s
}

// The parts of the set that comes with the library.
func ExampleOpenIDX() {
	s := openFashion()
	fmt.Println(s.Train.Len(), "training and", s.Test.Len(), "test pictures of", len(s.Classes()), "classes")
	fmt.Println("the first is of class", s.Classes()[s.Train.Label(0)])
	// Output:
	// 10000 training and 2000 test pictures of 10 classes
	// the first is of class ankle boot
}

// What the pictures of a set are for: some are held out to choose by, such as
// the best epoch, and the result is judged on others.
func ExampleSplits_Plan() {
	roles, err := openFashion().Plan(data.Policy{Val: 0.1})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(roles.Fit.Len(), roles.FitName)
	fmt.Println(roles.Choose.Len(), roles.ChooseName)
	fmt.Println(roles.Judge.Len(), roles.JudgeName)
	// Output:
	// 9000 training images
	// 1000 images held out to choose by
	// 2000 test images
}

// A set in batches, decoded and prepared by several goroutines and yet always
// the same.
func ExampleLoader() {
	loader, err := data.NewLoader(openFashion().Train, data.Config{
		Preprocess: input.Preprocess{Size: [2]int{28, 28}, Channels: 1, CropPct: 1, Interpolation: input.Bilinear},
		Augment:    &input.Augment{Crop: input.PadCrop, Pad: 2, Flip: 0.5},
		Batch:      64, Shuffle: true, Remainder: data.DropRemainder, Seed: 1,
	})
	if err != nil {
		log.Fatal(err)
	}
	images := 0
	for batch, err := range loader.Epoch(context.Background(), 0, 0) {
		if err != nil {
			log.Fatal(err)
		}
		images += len(batch.Labels)
	}
	fmt.Println(loader.Steps(), "batches of", loader.Shape(), "with", images, "pictures")
	// Output: 156 batches of 64×28×28×1 with 9984 pictures
}
