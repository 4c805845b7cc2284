package model

import (
	"fmt"
	"io"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/onnx"
)

// ExportONNX writes the model as an ONNX file that describes itself: its
// metadata are those of a weight file, the size of its images is the network's
// where o does not say another. The parameters are read one at a time.
func (s *Stored) ExportONNX(w io.Writer, o onnx.Options) error {
	return exportONNX(w, s.Header, s.Graph, s, o)
}

// ExportONNX writes the model as an ONNX file that describes itself, as that of
// Stored does.
func (m *Model) ExportONNX(w io.Writer, o onnx.Options) error {
	return exportONNX(w, m.Header, m.Graph, inMemory(m.Values), o)
}

// inMemory is a source of parameters that are read already.
type inMemory graph.Values[float32]

// Values returns a parameter's values; buf is not used.
func (v inMemory) Values(id graph.ParamID, _ []float32) ([]float32, error) { return v[id], nil }

func exportONNX(w io.Writer, h Header, g *graph.Graph, s onnx.Source, o onnx.Options) error {
	h.Input, h.Options.Aux = h.Preprocess(), false
	if o.Height == 0 && o.Width == 0 {
		o.Height, o.Width = h.Input.Size[0], h.Input.Size[1]
	}
	h.Input.Size = [2]int{o.Height, o.Width}
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
