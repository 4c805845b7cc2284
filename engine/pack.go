package engine

import (
	"slices"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/par"
)

// packer gives layers the values of their parameters.
type packer struct {
	values    graph.Values[float32]
	stem      *convLayer // the layer that also takes bytes; nil for none
	mean, std []float32
	buf       []float32
}

// concat returns a copy of the values of several parameters, one after the
// other, valid until the next call.
func (p *packer) concat(ids []graph.ParamID) []float32 {
	p.buf = p.buf[:0]
	for _, id := range ids {
		p.buf = append(p.buf, p.values[id]...)
	}
	return p.buf
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

// pack packs the weights of all layers. proto holds the values and the normalisation.
func (n *network) pack(pool *par.Pool, proto packer) {
	proto.stem = n.stem
	packers := slices.Repeat([]packer{proto}, pool.Threads())
	pool.Each(len(n.layers), func(worker, i int) { n.layers[i].pack(&packers[worker]) })
}
