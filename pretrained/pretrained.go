// Package pretrained embeds a MixNet that this library's own command trained
// on the whole of Fashion-MNIST, so that pictures of clothes are classified
// without a download. CARD.md says how it was made and what it is good for.
package pretrained

import (
	"bytes"
	_ "embed"

	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/weights"
)

// Name is what the command calls the model, and PhotoName that of package
// pretrained/photo, which is linked only by those who import it.
const (
	Name      = "fashion"
	PhotoName = "photo"
	// PersonName is that of package pretrained/person.
	PersonName = "person"
)

// The keys of the notes in the model's header.
const (
	NoteData       = "data"
	NoteRecipe     = "recipe" // TOML
	NoteCommand    = "command"
	NoteTime       = "time"
	NoteMachine    = "machine"
	NoteTop1       = "top1"         // per cent of the 10,000 test pictures
	NoteTop1Subset = "top1_builtin" // per cent of the test pictures of package data/fashion
)

//go:generate go run ./gen -run ../runs/fashion -data ../fashion-mnist

//go:embed fashion.safetensors
var file []byte

// Fashion returns the model. It takes grey pictures of 28×28 pixels, and any
// other scaled to that, of one piece of clothing on black.
func Fashion() (*model.Model, error) {
	f, err := weights.NewFile(bytes.NewReader(file), int64(len(file)), "pretrained "+Name)
	if err != nil {
		return nil, err
	}
	return model.FromFile(f, model.Options{})
}
