package engine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/pages"
	"github.com/mixnet-go/mixnet/internal/par"
)

// Source gives the values of a network's parameters, one at a time, so that a
// program can be made of a file without all of it in memory.
type Source interface {
	// Values returns the values of parameter id in PyTorch's layout. It may
	// read them into buf, which has room for them, or return others that it
	// keeps. They are not changed, and no longer needed when the same buf is
	// passed again. It is called by several goroutines at the same time.
	Values(id graph.ParamID, buf []float32) ([]float32, error)
}

// InMemory is the Source of values that are all in memory. It needs no buffer.
type InMemory graph.Values[float32]

// Values returns the values of a parameter.
func (v InMemory) Values(id graph.ParamID, _ []float32) ([]float32, error) {
	if int(id) >= len(v) {
		return nil, fmt.Errorf("parameter %d of %d", id, len(v))
	}
	return v[id], nil
}

// packing is what all layers need to pack their weights.
type packing struct {
	reader
	mean, std []float32
	threads   int
}

// packer gives one layer the values of its parameters and memory for its
// matrices.
type packer struct {
	*packing
	mem     []float32
	buf     *[]float32 // values as they are read
	scratch *[]float32 // of packing
}

// take returns the next n elements of the layer's memory.
func (p *packer) take(n int) []float32 {
	mem := p.mem[:n:n]
	p.mem = p.mem[n:]
	return mem
}

// reader reads parameters and checks their sizes.
type reader struct {
	g      *graph.Graph
	source Source
	quant  *graph.Quantization // nil for none
	halves bool                // results and weights are bfloat16
}

// read returns the values of a parameter, valid until buf is used again.
func (r *reader) read(id graph.ParamID, buf *[]float32) ([]float32, error) {
	p := &r.g.Params[id]
	n := p.Len()
	if _, ok := r.source.(InMemory); !ok {
		*buf = slices.Grow((*buf)[:0], n)[:n]
	}
	v, err := r.source.Values(id, *buf)
	if err != nil {
		return nil, fmt.Errorf("parameter %s: %w", p.Name, err)
	}
	if len(v) != n {
		return nil, fmt.Errorf("parameter %s has %d values, want %v", p.Name, len(v), p.Shape)
	}
	return v, nil
}

// copyOf returns the values of a parameter in memory of their own.
func (r *reader) copyOf(id graph.ParamID) ([]float32, error) {
	var buf []float32
	v, err := r.read(id, &buf)
	return slices.Clone(v), err
}

// weightReader yields the values of several parameters one after the other.
type weightReader struct {
	p    *packer
	ids  []graph.ParamID
	rest []float32
}

func (p *packer) weights(ids []graph.ParamID) *weightReader { return &weightReader{p: p, ids: ids} }

// next returns the next n values, valid until the call after. They lie in one
// parameter: a group of a convolution has a weight tensor of its own or a part
// of the only one.
func (r *weightReader) next(n int) ([]float32, error) { return r.nextIn(r.p.buf, n) }

// nextIn is next with the memory to read a parameter into.
func (r *weightReader) nextIn(buf *[]float32, n int) (v []float32, err error) {
	for len(r.rest) == 0 {
		if len(r.ids) == 0 {
			return nil, errors.New("too few weights")
		}
		if r.rest, err = r.p.read(r.ids[0], buf); err != nil {
			return nil, err
		}
		r.ids = r.ids[1:]
	}
	if n > len(r.rest) {
		return nil, fmt.Errorf("%d weights, want %d", len(r.rest), n)
	}
	v, r.rest = r.rest[:n], r.rest[n:]
	return v, nil
}

// matrix returns the next out rows of in values packed, row i multiplied by
// scale[i] and input k from place perm[k] of a row. A nil scale is all ones, a
// nil perm changes nothing.
func (r *weightReader) matrix(out, in int, scale []float32, perm []int) (*kernel.Matrix, error) {
	mem, buf := r.p.take(kernel.MatrixLen(out, in)), r.p.buf
	place := mem
	if perm == nil && len(r.rest) == 0 && len(r.ids) > 0 && r.p.g.Params[r.ids[0]].Len() == out*in {
		buf = &place // the parameter is the whole matrix: read it to where it stays
	}
	w, err := r.nextIn(buf, out*in)
	if err != nil {
		return nil, err
	}
	if perm != nil {
		ordered := make([]float32, out*in)
		kernel.GatherRows(ordered, in, w, in, out, perm)
		w = ordered
	}
	m := kernel.MatrixIn(mem, out, in)
	*r.p.scratch = slices.Grow((*r.p.scratch)[:0], kernel.ScratchLen(in))[:kernel.ScratchLen(in)]
	m.PackScaled(w, scale, *r.p.scratch)
	return m, nil
}

// takeBytes lets the first convolution take images as bytes too, if it can.
func (n *network) takeBytes() {
	if n.first = n.findEncoder(); n.first != nil {
		return
	}
	if n.stem = n.findStem(); n.stem != nil {
		n.stem.form = &windowConv{stem: true, half: n.stem.y.half}
	}
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
func (n *network) pack(pool *par.Pool, shared *packing) error {
	shared.threads = pool.Threads()
	ends := make([]int, len(n.layers))
	size := 0
	for i, l := range n.layers {
		size += l.packedLen()
		ends[i] = size
	}
	mem := pages.Make[float32](size)
	bufs, scratch := make([][]float32, pool.Threads()), make([][]float32, pool.Threads())
	errs := make([]error, len(n.layers))
	pool.Each(len(n.layers), func(worker, i int) {
		from := 0
		if i > 0 {
			from = ends[i-1]
		}
		p := &packer{shared, mem[from:ends[i]], &bufs[worker], &scratch[worker]}
		if errs[i] = n.layers[i].pack(p); errs[i] == nil && len(p.mem) > 0 {
			errs[i] = fmt.Errorf("layer %d: %d elements of packed weights too few", i, len(p.mem)) // a mistake in packedLen
		}
	})
	return errors.Join(errs...)
}
