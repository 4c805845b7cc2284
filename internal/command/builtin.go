package command

import (
	"github.com/mixnet-go/mixnet/model"
	builtin "github.com/mixnet-go/mixnet/pretrained"
	"github.com/mixnet-go/mixnet/pretrained/person"
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
func builtInNames() []string { return []string{photos.name(), clothes.name(), person.Name} }

// linked returns the model of a name that the command links and the library does
// not; nil for other names, and where there is a file of the name.
func linked(name string) (*model.Model, error) {
	if exists(name) {
		return nil, nil
	}
	switch name {
	case photo.Name:
		return photo.Model()
	case person.Name:
		return person.Model()
	}
	return nil, nil
}
