package recipe_test

import (
	"fmt"

	"github.com/mixnet-go/mixnet/recipe"
)

// A recipe that comes with the package is changed by the keys of its file, and
// settled for a number of images.
func Example() {
	r, err := recipe.Preset("finetune")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, change := range []string{"optimizer.weight_decay=0.02", "augment.flip=0", "epochs=10"} {
		if err := r.Set(change); err != nil {
			fmt.Println(err)
			return
		}
	}
	r, err = r.Complete(600)
	fmt.Printf("%d epochs of batches of %d by %s, rate %.2g, %v\n", r.Epochs, r.Batch, r.Optimizer.Kind, r.Schedule.LR, err)
	// Output: 10 epochs of batches of 32 by adamw, rate 0.00032, <nil>
}

// A mistyped key is an error that names what may have been meant.
func ExampleRecipe_Set() {
	var r recipe.Recipe
	fmt.Println(r.Set("momentum=0.95"))
	// Output: invalid recipe: unknown setting "momentum"; did you mean optimizer.momentum?
}
