package command

import (
	builtin "github.com/mixnet-go/mixnet/pretrained"
	"github.com/mixnet-go/mixnet/pretrained/photo"
)

// builtInModel is a model that comes with the command.
type builtInModel int

const (
	photos builtInModel = iota
	clothes
)

func (b builtInModel) name() string {
	if b == clothes {
		return builtin.Name
	}
	return photo.Name
}

// knows says what the model can name.
func (b builtInModel) knows() string {
	if b == clothes {
		return "clothes on black"
	}
	return "ImageNet's 1,000 classes"
}

// builtInNames returns the names of the models that come with the command.
func builtInNames() []string { return []string{photos.name(), clothes.name()} }
