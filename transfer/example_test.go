package transfer_test

import (
	"context"
	"fmt"
	"log"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/fashion"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/transfer"
	"github.com/mixnet-go/mixnet/zoo"
)

// Train a network further on images of other classes.
func ExampleFineTune() {
	spec, err := zoo.Lookup("mixnet_tiny")
	if err != nil {
		log.Fatal(err)
	}
	// A network with random weights, to show the calls.
	m, err := model.New(spec, zoo.Options{}, []string{"shirt", "shoe"}, 1)
	if err != nil {
		log.Fatal(err)
	}
	clothes, err := data.OpenIDX(fashion.FS(), "fashion-mnist")
	if err != nil {
		log.Fatal(err)
	}
	few := make([]int, 64)
	for i := range few {
		few[i] = i
	}
	images, err := data.Subset(clothes.Train, few)
	if err != nil {
		log.Fatal(err)
	}
	r, err := recipe.Preset("finetune")
	if err != nil {
		log.Fatal(err)
	}
	r.Epochs = 1
	// data.Open reads such splits from a folder of images.
	tuned, err := transfer.FineTune(context.Background(), m, &data.Splits{Train: images}, transfer.Options{Recipe: r})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(tuned.Model.Classes), "classes, judged by", tuned.Report.Images, tuned.Report.Split, "images")
	for _, m := range tuned.Report.Methods {
		fmt.Println(m.Method)
	}
	// Output:
	// 10 classes, judged by 13 held-out images
	// fine-tuned
	// frozen backbone
	// from scratch
}
