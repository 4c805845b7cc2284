// Package model joins a network's description, its parameters, its class names
// and its preprocessing: all that a weight file must hold to be of use.
package model

import (
	"fmt"
	"reflect"

	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/imagenet"
	"github.com/mixnet-go/mixnet/zoo"
)

// Model is a network with its parameters.
type Model struct {
	Header
	Graph  *graph.Graph
	Values graph.Values[float32]
	// Quantization says what is computed with whole numbers of 8 bits; nil where
	// nothing is. Values are then what the whole numbers stand for.
	Quantization *graph.Quantization
}

// New builds a network and initialises its parameters from a seed.
func New(spec zoo.Spec, o zoo.Options, classes []string, seed uint64) (*Model, error) {
	if len(classes) > 0 {
		o.Classes = len(classes)
	}
	h := of(spec)
	h.Options, h.Classes = o, classes
	m, err := build(h)
	if err != nil {
		return nil, err
	}
	m.Values = graph.NewValues[float32](m.Graph)
	m.Graph.Initialize(m.Values, seed)
	return m, nil
}

// of returns the header of a network, with its table if it is not one of the
// zoo.
func of(spec zoo.Spec) Header {
	h := Header{Network: spec.About().Name, spec: spec}
	switch spec.(type) {
	case zoo.Network, zoo.Detector:
		if known, err := zoo.Lookup(h.Network); err != nil || !reflect.DeepEqual(known, spec) {
			h.Table = spec
		}
	}
	return h
}

// build makes the graph of h.spec and completes its header.
func build(h Header) (*Model, error) {
	info, err := zoo.Adapt(h.spec, h.Options)
	if err != nil {
		return nil, err
	}
	h.Options.Classes = info.Classes
	if h.Input.Size == [2]int{} {
		h.Input = info.Input
	}
	h.Input = h.Input.WithDefaults()
	if len(h.Classes) == 0 {
		h.Classes = usualClasses(h.spec, info.Classes)
	}
	g, err := h.spec.Build(h.Options)
	if err != nil {
		return nil, err
	}
	if err := fits(g, h); err != nil {
		return nil, err
	}
	return &Model{Header: h, Graph: g}, nil
}

// usualClasses returns the names of the classes that a network with so many has
// where nothing is said: ImageNet's, or of a detector COCO's.
func usualClasses(spec zoo.Spec, n int) []string {
	_, finds := zoo.Finds(spec)
	switch {
	case finds && n == len(detect.COCO()):
		return detect.COCO()
	case finds && n == len(detect.COCOCategories()):
		return detect.COCOCategories()
	case !finds && n == len(imagenet.Names()):
		return imagenet.Names()
	}
	return nil
}

func fits(g *graph.Graph, h Header) error {
	if g.Channels() != h.Input.Channels {
		return fmt.Errorf("network %s takes %d channels, its preprocessing makes %d", h.Network, g.Channels(), h.Input.Channels)
	}
	if n := h.Options.Classes; len(h.Classes) > 0 && len(h.Classes) != n {
		return fmt.Errorf("network %s has %d classes, %d names are given", h.Network, n, len(h.Classes))
	}
	return nil
}
