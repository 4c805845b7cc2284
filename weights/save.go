package weights

import (
	"fmt"

	"github.com/mixnet-go/mixnet/graph"
)

// Tensors describes the values of g's parameters for writing, in the order of
// g.Params, each name after the prefix. Load finds values under prefixes such
// as "model/" and "ema/".
func Tensors(prefix string, g *graph.Graph, v graph.Values[float32]) ([]Tensor, error) {
	if len(v) != len(g.Params) {
		return nil, fmt.Errorf("%s has %d parameters, there are values for %d", g.Name, len(g.Params), len(v))
	}
	tensors := make([]Tensor, len(v))
	for i, p := range g.Params {
		if len(v[i]) != p.Len() {
			return nil, fmt.Errorf("%s: %s has %d values, not %d", g.Name, p.Name, p.Len(), len(v[i]))
		}
		tensors[i] = NewTensor(prefix+p.Name, p.Shape, v[i])
	}
	return tensors, nil
}
