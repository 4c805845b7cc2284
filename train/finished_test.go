package train

import (
	"testing"

	"github.com/mixnet-go/mixnet/recipe"
)

func TestFinished(t *testing.T) {
	r := recipe.Recipe{Epochs: 10, Patience: 2}
	history := []Epoch{{Best: true}, {}, {Best: true}, {}}
	if (length{recipe: &r}).finished(history) {
		t.Error("one epoch without progress ended the run")
	}
	if !(length{recipe: &r}).finished(append(history, Epoch{})) {
		t.Error("two epochs without progress did not end the run")
	}
	// Seven of ten epochs are on images that grow: patience begins with the eighth.
	r.Sizes = recipe.Sizes{Pixels: []int{8, 16}, Order: recipe.Progressive, Ramp: 0.7}
	if history = make([]Epoch, 8); (length{recipe: &r}).finished(history[:7]) || (length{recipe: &r}).finished(history) || !(length{recipe: &r}).finished(append(history, Epoch{})) {
		t.Error("patience does not wait for the last size")
	}
	if r.Patience = 0; (length{recipe: &r}).finished(make([]Epoch, 9)) || !(length{recipe: &r}).finished(make([]Epoch, 10)) {
		t.Error("without patience a run does not end after its epochs")
	}
}
