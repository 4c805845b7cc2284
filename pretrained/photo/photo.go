// Package photo embeds EfficientNet-Lite0 with its ImageNet weights, so that
// photos are named among 1,000 classes, and networks for other classes are
// fine-tuned, without a download. The weights take 9.6 MB of a program that
// imports the package; no other package of this module does. CARD.md says where
// they come from and what they are good for.
package photo

import (
	_ "embed"
	"strings"

	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/pretrained"
	"github.com/mixnet-go/mixnet/weights"
)

// Name is what the command calls the model.
const Name = pretrained.PhotoName

//go:generate go run ./gen -weights ../../../efficientnet-lite0-57934424.pth -photos ../../../shared/data

//go:embed photo.safetensors
var file string

// Model returns the model. It takes photos in color, scaled to 256 and cropped
// to 224×224 pixels.
func Model() (*model.Model, error) {
	f, err := weights.NewFile(strings.NewReader(file), int64(len(file)), "pretrained "+Name)
	if err != nil {
		return nil, err
	}
	return model.FromFile(f, model.Options{})
}
