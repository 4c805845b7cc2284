package model

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/weights"
)

// keyQuantization is the metadata of a file whose weights are whole numbers:
// quantized as JSON.
const keyQuantization = reserved + "quantization"

// quantized is a graph.Quantization by names.
type quantized struct {
	// Exact rounds every result to its code.
	Exact bool `json:"exact,omitempty"`
	// Results are the codes of nodes. Of several nodes with one name the second is
	// called NAME#1, and so on.
	Results map[string]code `json:"results"`
	// Weights are the scales of parameters that are stored as I8.
	Weights map[string][]float32 `json:"weights"`
}

// code is a graph.Code.
type code struct {
	Scale float32 `json:"scale"`
	Zero  uint8   `json:"zero"`
}

// nodeNames returns a name of its own for each node.
func nodeNames(g *graph.Graph) []string {
	names, seen := make([]string, len(g.Nodes)), map[string]int{}
	for i, n := range g.Nodes {
		names[i] = n.Name
		if k := seen[n.Name]; k > 0 {
			names[i] += "#" + strconv.Itoa(k)
		}
		seen[n.Name]++
	}
	return names
}

// addQuantization adds q, of g, to the metadata of a file.
func addQuantization(meta map[string]string, g *graph.Graph, q *graph.Quantization) error {
	out := quantized{Exact: q.Exact, Results: map[string]code{}, Weights: map[string][]float32{}}
	names := nodeNames(g)
	for id, c := range q.Codes {
		out.Results[names[id]] = code{c.Scale, c.Zero}
	}
	for id, scales := range q.Scales {
		out.Weights[g.Params[id].Name] = scales
	}
	text, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("model header: %s: %w", keyQuantization, err)
	}
	meta[keyQuantization] = string(text)
	return nil
}

// parseQuantization reads what the metadata of a file say of g's; nil where they
// say nothing.
func parseQuantization(meta map[string]string, g *graph.Graph) (*graph.Quantization, error) {
	text, ok := meta[keyQuantization]
	if !ok {
		return nil, nil
	}
	var in quantized
	if err := decode(text, &in); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", weights.ErrFormat, keyQuantization, err)
	}
	q := &graph.Quantization{Exact: in.Exact, Codes: make(map[graph.ID]graph.Code, len(in.Results)), Scales: make(map[graph.ParamID][]float32, len(in.Weights))}
	for i, name := range nodeNames(g) {
		if c, ok := in.Results[name]; ok {
			q.Codes[graph.ID(i)] = graph.Code(c)
			delete(in.Results, name)
		}
	}
	for i, p := range g.Params {
		if scales, ok := in.Weights[p.Name]; ok {
			q.Scales[graph.ParamID(i)] = scales
			delete(in.Weights, p.Name)
		}
	}
	for name := range in.Results {
		return nil, fmt.Errorf("%w: %s: the network has no layer %.100q", weights.ErrFormat, keyQuantization, name)
	}
	for name := range in.Weights {
		return nil, fmt.Errorf("%w: %s: the network has no weights %.100q", weights.ErrFormat, keyQuantization, name)
	}
	if err := q.Check(g); err != nil {
		return nil, fmt.Errorf("%w: %w", weights.ErrFormat, err)
	}
	return q, nil
}

// codes returns a parameter as the whole numbers that it is of its scales.
func codes(p graph.Param, v, scales []float32) ([]int8, error) {
	out, n := make([]int8, len(v)), len(v)/len(scales)
	for i, x := range v {
		c, ok := graph.WeightCode(x, scales[i/n])
		if !ok {
			return nil, fmt.Errorf("%s: value %d, %g, is not a whole number, at most %d, of its scale %g", p.Name, i, x, graph.MaxWeightCode, scales[i/n])
		}
		out[i] = c
	}
	return out, nil
}
