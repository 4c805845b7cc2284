package model

import (
	"errors"
	"fmt"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/weights"
	"github.com/mixnet-go/mixnet/zoo"
)

// Stored is a model whose parameters are still in its weight file. They are
// read one at a time, so that a program can be made of it without a second
// copy of them in memory.
type Stored struct {
	Header
	Graph  *graph.Graph
	source *weights.Source
	file   *weights.File
}

// OpenStored is Open without reading the parameters. Close it after use.
func OpenStored(path, network string) (*Stored, error) {
	f, err := weights.Open(path)
	if err != nil {
		return nil, err
	}
	s, err := NewStored(f, network)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return s, nil
}

// NewStored is OpenStored for a file that is already open; Close closes it.
func NewStored(f *weights.File, network string) (*Stored, error) {
	h, found, err := ReadHeader(f)
	if err != nil {
		return nil, err
	}
	var spec zoo.Spec
	switch {
	case network != "":
		if h.Network != network {
			h = Header{}
		}
		spec, err = zoo.Lookup(network)
	case found:
		spec, err = h.Spec()
	default:
		spec, err = infer(f)
	}
	if err != nil {
		return nil, err
	}
	if h.Options.Classes == 0 {
		h.Options.Classes = classes(f, spec)
	}
	m, err := build(spec, h)
	if err != nil {
		return nil, err
	}
	source, _, err := weights.NewSource(m.Graph, f, weights.Options{})
	if err != nil {
		return nil, err
	}
	return &Stored{Header: m.Header, Graph: m.Graph, source: source, file: f}, nil
}

// Values reads a parameter into buf, whose length must be the parameter's, and
// returns it. It makes s a source of package engine.
func (s *Stored) Values(id graph.ParamID, buf []float32) ([]float32, error) {
	return s.source.Values(id, buf)
}

// Load reads all parameters.
func (s *Stored) Load() (*Model, error) {
	m := &Model{Header: s.Header, Graph: s.Graph, Values: graph.NewValues[float32](s.Graph)}
	for i, v := range m.Values {
		if _, err := s.Values(graph.ParamID(i), v); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Close closes the weight file.
func (s *Stored) Close() error { return s.file.Close() }
