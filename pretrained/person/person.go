// Package person embeds SSDLite on MobileNetV2 with weights that find people,
// so that objects are found without a download. The weights take 6.4 MB of a
// program that imports the package; no other package of this module does.
// CARD.md says where they come from and what they are good for.
package person

import (
	_ "embed"
	"strings"

	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/pretrained"
	"github.com/mixnet-go/mixnet/weights"
)

// Name is what the command calls the model.
const Name = pretrained.PersonName

//go:generate go run ./gen -graph ../../../frozen_inference_graph.pb

//go:embed person.safetensors
var file string

// Model returns the model. It takes photos in color, stretched to 300×300
// pixels.
func Model() (*model.Model, error) {
	f, err := weights.NewFile(strings.NewReader(file), int64(len(file)), "pretrained "+Name)
	if err != nil {
		return nil, err
	}
	return model.FromFile(f, model.Options{})
}
