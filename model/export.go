package model

import (
	"fmt"
	"io"

	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/onnx"
	"github.com/mixnet-go/mixnet/zoo"
)

// ExportONNX writes the model as an ONNX file that describes itself: its
// metadata are those of a weight file, the size of its images is the network's
// where o does not say another. Of o.Objects, the anchors and the number of
// slots are the network's, and an empty Post means what the framework of its
// weights evaluates with. The parameters are read one at a time.
func (s *Stored) ExportONNX(w io.Writer, o onnx.Options) error {
	return exportONNX(w, s.Header, s.Graph, s, s.Quantization, o)
}

// ExportONNX writes the model as an ONNX file that describes itself, as that of
// Stored does.
func (m *Model) ExportONNX(w io.Writer, o onnx.Options) error {
	return exportONNX(w, m.Header, m.Graph, inMemory(m.Values), m.Quantization, o)
}

// inMemory is a source of parameters that are read already.
type inMemory graph.Values[float32]

// Values returns a parameter's values; buf is not used.
func (v inMemory) Values(id graph.ParamID, _ []float32) ([]float32, error) { return v[id], nil }

func exportONNX(w io.Writer, h Header, g *graph.Graph, s onnx.Source, q *graph.Quantization, o onnx.Options) error {
	o.Quantization = q
	h.Input, h.Options.Aux = h.Preprocess(), false
	if o.Height == 0 && o.Width == 0 {
		o.Height, o.Width = h.Input.Size[0], h.Input.Size[1]
	}
	h.Input.Size = [2]int{o.Height, o.Width}
	if o.Objects != nil {
		objects, err := objectsOf(h, g, *o.Objects)
		if err != nil {
			return err
		}
		o.Objects = &objects
	}
	meta, err := h.Metadata()
	if err != nil {
		return err
	}
	delete(meta, keyFormat) // says how weight files lie in memory
	for key, value := range o.Metadata {
		if _, taken := meta[key]; taken {
			return fmt.Errorf("metadata %.100q are the model's own", key)
		}
		meta[key] = value
	}
	o.Metadata = meta
	return onnx.Export(w, g, s, o)
}

// objectsOf completes how boxes are made of the results of a network.
func objectsOf(h Header, g *graph.Graph, o onnx.Objects) (onnx.Objects, error) {
	spec, err := h.Spec()
	if err != nil {
		return o, err
	}
	anchors, ok := zoo.Finds(spec)
	if !ok {
		return o, fmt.Errorf("%s classifies and finds no objects", h.Network)
	}
	maps, err := zoo.Maps(g, h.Input.Size[0], h.Input.Size[1])
	if err != nil {
		return o, err
	}
	o.Anchors, o.Slots = anchors.On(maps), zoo.Slots(h.Options.Classes)
	if o.Post.Style == "" {
		o.Post = detect.Usual(anchors.Style)
	}
	return o, nil
}
