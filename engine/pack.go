package engine

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/par"
)

// packer gives layers the values of their parameters.
type packer struct {
	values    graph.Values[float32]
	stem      *convLayer // the layer that also takes bytes; nil for none
	mean, std []float32
}

// weightReader yields the values of several parameters one after the other.
type weightReader [][]float32

func (p *packer) weights(ids []graph.ParamID) weightReader {
	r := make(weightReader, len(ids))
	for i, id := range ids {
		r[i] = p.values[id]
	}
	return r
}

// next returns the next n values. They lie in one parameter: a group of a
// convolution has a weight tensor of its own or a part of the only one.
func (r *weightReader) next(n int) []float32 {
	for len((*r)[0]) == 0 {
		*r = (*r)[1:]
	}
	out := (*r)[0][:n]
	(*r)[0] = (*r)[0][n:]
	return out
}

// findStem returns the layer that can take the image as bytes: a convolution
// in one group that alone reads the input.
func (n *network) findStem() (stem *convLayer) {
	for _, l := range n.layers {
		reads, _ := l.args()
		for _, v := range reads {
			if root, _ := v.storage(); root != n.input {
				continue
			}
			c, ok := l.(*convLayer)
			if !ok || stem != nil || v != n.input || v != c.x || isPointwise(c.op) || len(c.op.Groups) != 1 {
				return nil
			}
			stem = c
		}
	}
	return stem
}

// pack packs the weights of all layers. p holds the values and the normalisation.
func (n *network) pack(pool *par.Pool, p packer) {
	p.stem = n.stem
	pool.Run(len(n.layers), func(i int) { n.layers[i].pack(&p) })
}
