package train_test

import (
	"context"
	"fmt"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/fashion"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/zoo"
)

// images returns some of the built-in pictures of clothes.
func images(n int) (data.Dataset, error) {
	splits, err := data.OpenIDX(fashion.FS(), "fashion-mnist")
	if err != nil {
		return nil, err
	}
	index := make([]int, n)
	for i := range index {
		index[i] = i
	}
	return data.Subset(splits.Train, index)
}

// A run: a network, a recipe and data. With a Dir, it would be recorded in that
// folder, and a second Run of the same Config would go on where the first was
// interrupted.
func Example() {
	set, err := images(96)
	if err != nil {
		fmt.Println(err)
		return
	}
	network, err := zoo.Lookup("mixnet_tiny")
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := model.New(network, zoo.Options{}, set.Classes(), 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := recipe.Preset("small")
	if err == nil {
		err = r.Set("epochs=2")
	}
	if err == nil {
		err = r.Set("batch=32")
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	run, err := train.Run(context.Background(), train.Config{
		Model: m, Recipe: r, Train: set,
		OnEpoch: func(e train.Epoch) {
			fmt.Printf("epoch %d: %d steps, the loss is a number: %t\n", e.Epoch, e.Step, e.Get("train_loss") > 0)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("done:", run.Done())
	// Output:
	// epoch 1: 3 steps, the loss is a number: true
	// epoch 2: 6 steps, the loss is a number: true
	// done: true
}

// A loop of one's own makes steps with a Stepper, at rates of its own.
func ExampleStepper() {
	set, err := images(64)
	if err != nil {
		fmt.Println(err)
		return
	}
	network, err := zoo.Lookup("mixnet_tiny")
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := model.New(network, zoo.Options{}, set.Classes(), 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	loader, err := data.NewLoader(set, data.Config{Preprocess: m.Preprocess(), Batch: 16, Shuffle: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := recipe.Recipe{Epochs: 1, Batch: 16, Optimizer: recipe.Optimizer{Kind: recipe.SGD}, Schedule: recipe.Schedule{LR: 0.01}}
	s, err := train.NewStepper(train.StepConfig{Graph: m.Graph, Values: m.Values, Recipe: r, Shape: loader.Shape()})
	if err != nil {
		fmt.Println(err)
		return
	}
	for b, err := range loader.Epoch(context.Background(), 0, 0) {
		if err == nil {
			_, err = s.Step(b, 0.01)
		}
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(s.Steps(), "steps")
	// Output: 4 steps
}
