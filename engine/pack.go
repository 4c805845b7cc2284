package engine

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/par"
)

// packing is what all layers need to pack their weights.
type packing struct {
	values    graph.Values[float32]
	stem      *convLayer // the layer that also takes bytes; nil for none
	mean, std []float32
}

// packer gives one layer the values of its parameters and memory for its
// matrices.
type packer struct {
	*packing
	mem []float32
}

// matrix returns the packed form of w, out rows of in values each, with row i
// multiplied by scale[i]. A nil scale is all ones.
func (p *packer) matrix(w []float32, out, in int, scale []float32) *kernel.Matrix {
	n := kernel.MatrixLen(out, in)
	m := kernel.MatrixIn(p.mem[:n], out, in)
	p.mem = p.mem[n:]
	m.Pack(w)
	if scale != nil {
		m.ScaleOutputs(scale)
	}
	return m
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

// pack packs the weights of all layers.
func (n *network) pack(pool *par.Pool, shared *packing) {
	shared.stem = n.stem
	ends := make([]int, len(n.layers))
	size := 0
	for i, l := range n.layers {
		size += l.matrixLen()
		ends[i] = size
	}
	mem := memory(size)
	pool.Run(len(n.layers), func(i int) {
		from := 0
		if i > 0 {
			from = ends[i-1]
		}
		n.layers[i].pack(&packer{shared, mem[from:ends[i]]})
	})
}
