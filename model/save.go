package model

import (
	"fmt"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/weights"
)

// Save writes the model to a safetensors file that describes itself, without
// the auxiliary classifiers that only training uses. Names and layout are
// those of the network's parameters, so PyTorch code can load the file too.
// Weights of a quantized model are whole numbers, I8, and their scales stand in
// the metadata.
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
	if m.Quantization != nil && d != weights.F32 {
		return fmt.Errorf("network %s is quantized: its weights have 8 bits already", m.Network)
	}
	m, err := m.withoutAux()
	if err != nil {
		return err
	}
	meta, err := m.Metadata()
	if err != nil {
		return err
	}
	if m.Quantization != nil {
		if err := addQuantization(meta, m.Graph, m.Quantization); err != nil {
			return err
		}
	}
	tensors, err := weights.Tensors("", m.Graph, m.Values)
	if err != nil {
		return err
	}
	for i, p := range m.Graph.Params {
		if scales := m.scales(graph.ParamID(i)); scales != nil {
			whole, err := codes(p, m.Values[i], scales)
			if err != nil {
				return err
			}
			tensors[i] = weights.NewTensor(p.Name, p.Shape, whole)
			continue
		}
		if d == weights.F32 || p.Kind != graph.Weight {
			continue
		}
		if tensors[i], err = weights.NewHalf(p.Name, p.Shape, m.Values[i], d); err != nil {
			return err
		}
	}
	return weights.WriteFile(path, tensors, meta)
}

// scales returns those of a parameter that is whole numbers; nil for others.
func (m *Model) scales(id graph.ParamID) []float32 {
	if m.Quantization == nil {
		return nil
	}
	return m.Quantization.Scales[id]
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
	if m.Quantization != nil {
		meta := map[string]string{}
		if err := addQuantization(meta, m.Graph, m.Quantization); err != nil {
			return nil, err
		}
		out.Quantization, err = parseQuantization(meta, out.Graph)
	}
	return out, err
}
