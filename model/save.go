package model

import (
	"fmt"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/weights"
)

// Save writes the model to a safetensors file that describes itself, without
// the auxiliary classifiers that only training uses. Names and layout are
// those of the network's parameters, so PyTorch code can load the file too.
func (m *Model) Save(path string) error { return m.save(path, weights.F32) }

// SaveHalf is Save with the weights of convolutions and fully connected layers
// as 16-bit floating-point numbers (IEEE 754 binary16), rounded to nearest:
// half the bytes. Biases and batch norms keep 32 bits. Weights of 65520 and
// above are an error.
func (m *Model) SaveHalf(path string) error { return m.save(path, weights.F16) }

func (m *Model) save(path string, d weights.DType) error {
	if _, ok := m.spec.(importedGraph); ok {
		return fmt.Errorf("network %s: a graph from an ONNX file that is none of the zoo's cannot be a weight file, which holds a table: keep it as ONNX", m.Network)
	}
	m, err := m.withoutAux()
	if err != nil {
		return err
	}
	meta, err := m.Metadata()
	if err != nil {
		return err
	}
	tensors, err := weights.Tensors("", m.Graph, m.Values)
	if err != nil {
		return err
	}
	for i, p := range m.Graph.Params {
		if d == weights.F32 || p.Kind != graph.Weight {
			continue
		}
		if tensors[i], err = weights.NewHalf(p.Name, p.Shape, m.Values[i], d); err != nil {
			return err
		}
	}
	return weights.WriteFile(path, tensors, meta)
}

// withoutAux returns the model without auxiliary classifiers. It shares the
// values of the other parameters.
func (m *Model) withoutAux() (*Model, error) {
	if !m.Options.Aux {
		return m, nil
	}
	h, err := m.known()
	if err != nil {
		return nil, err
	}
	h.Options.Aux = false
	out, err := build(h)
	if err != nil {
		return nil, err
	}
	index := m.Graph.ParamIndex()
	out.Values = make(graph.Values[float32], len(out.Graph.Params))
	for i, p := range out.Graph.Params {
		out.Values[i] = m.Values[index[p.Name]]
	}
	return out, nil
}
