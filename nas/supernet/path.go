package supernet

import (
	"fmt"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/tensor"
)

// Path is the network of one architecture on the parameters of a supernet.
type Path struct {
	Arch   nas.Arch
	Graph  *graph.Graph
	shared []graph.ParamID // by parameter of Graph; NoParam for running statistics
	parts  []region
}

// Path returns the network of an architecture. Choices that leave a block out
// keep the blocks after it in their places; a canonical architecture has them at
// the end of a stage.
func (n *Net) Path(a nas.Arch) (*Path, error) {
	built, err := n.build(a)
	if err != nil {
		return nil, err
	}
	return n.path(a, built)
}

// path finds the parts of the parameters.
func (n *Net) path(a nas.Arch, built *built) (*Path, error) {
	p := &Path{Arch: a, Graph: built.graph, shared: make([]graph.ParamID, len(built.members)), parts: make([]region, len(built.members))}
	for i, m := range built.members {
		p.shared[i] = graph.NoParam
		if !m.param.Trainable() {
			continue
		}
		id, ok := n.index[m.key]
		if !ok {
			return nil, fmt.Errorf("%s: %s: the supernet of %s has no %s", built.graph.Name, m.param.Name, n.Space.Name(), m.key)
		}
		r := region{whole: dims(n.Graph.Params[id].Shape), of: dims(m.param.Shape)}
		r.from[0] = m.from
		if m.crop {
			r.from[2], r.from[3] = (r.whole[2]-r.of[2])/2, (r.whole[3]-r.of[3])/2
		}
		if !r.within() {
			return nil, fmt.Errorf("%s: %s of shape %v is no part of %s of shape %v", built.graph.Name, m.param.Name, m.param.Shape, m.key, n.Graph.Params[id].Shape)
		}
		p.shared[i], p.parts[i] = id, r
	}
	return p, nil
}

// bind returns the path's parameters as parts of the supernet's: the same memory
// where they lie together there, and else copies, which gather fills and scatter
// adds back. Running statistics are the path's own.
func bind[T tensor.Float](p *Path, of graph.Values[T]) graph.Values[T] {
	v := make(graph.Values[T], len(p.shared))
	for i, param := range p.Graph.Params {
		if p.shared[i] != graph.NoParam {
			if at, ok := p.parts[i].contiguous(); ok {
				v[i] = of[p.shared[i]][at:][:param.Len():param.Len()]
				continue
			}
		}
		v[i] = make([]T, param.Len())
	}
	return v
}

// eachCopy calls f for the parameters that bind has copied.
func (p *Path) eachCopy(f func(i int, r *region)) {
	for i := range p.shared {
		if p.shared[i] == graph.NoParam {
			continue
		}
		if _, ok := p.parts[i].contiguous(); !ok {
			f(i, &p.parts[i])
		}
	}
}

// gather brings copies up to date.
func gather[T tensor.Float](p *Path, v, of graph.Values[T]) {
	p.eachCopy(func(i int, r *region) {
		r.each(func(own, shared, n int) { copy(v[i][own:own+n], of[p.shared[i]][shared:]) })
	})
}

// scatter adds copied gradients to the supernet's.
func scatter[T tensor.Float](p *Path, v, to graph.Values[T]) {
	p.eachCopy(func(i int, r *region) {
		r.each(func(own, shared, n int) {
			for j := range n {
				to[p.shared[i]][shared+j] += v[i][own+j]
			}
		})
	})
}
