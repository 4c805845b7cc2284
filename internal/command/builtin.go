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
	people
)

func (b builtInModel) name() string {
	switch b {
	case clothes:
		return builtin.Name
	case people:
		return person.Name
	}
	return photo.Name
}

// knows says what the model can name or find.
func (b builtInModel) knows() string {
	switch b {
	case clothes:
		return "clothes on black"
	case people:
		return "people"
	}
	return "ImageNet's 1,000 classes"
}

// builtInNames returns the names of the models that come with the command.
func builtInNames() []string { return []string{photos.name(), clothes.name(), people.name()} }

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
