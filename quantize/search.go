package quantize

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/tensor"
)

// images yields the images that biases are corrected by, one at a time.
func (r *run) images(ctx context.Context) iter.Seq2[*tensor.Tensor, error] {
	return func(yield func(*tensor.Tensor, error) bool) {
		n := 0
		for batch, err := range r.loader.Epoch(ctx, 0, 0) {
			if err != nil {
				yield(nil, err)
				return
			}
			one := batch.Images
			size := len(one.Data) / one.Shape.N
			one.Shape.N = 1
			for data := range slices.Chunk(batch.Images.Data, size) {
				if n == biasImages {
					return
				}
				one.Data = data
				if n++; !yield(&one, nil) {
					return
				}
			}
		}
	}
}

// absurd is the largest correction in units of the standard deviation that the
// values of a result have; more says that something else is wrong.
const absurd = 3

// correction returns what corrects the biases of a model's units.
func (r *run) correction(m *model.Model, units map[graph.ID]*unit) func(graph.ID, *tensor.Tensor) ([]float32, error) {
	return func(id graph.ID, mean *tensor.Tensor) ([]float32, error) {
		u := units[id]
		if u == nil || u.shift == graph.NoParam {
			return nil, nil
		}
		out, err := meanOutput(m.Graph, u.conv, m.Values, mean)
		if err != nil {
			return nil, err
		}
		u.preActivation(m.Graph, m.Values, out)
		want, limit := r.seen[u.pre].mean(), absurd*r.seen[u.pre].h.deviation()
		add := make([]float32, len(out))
		for c := range add {
			if d := want[c] - out[c]; d <= limit && -d <= limit {
				add[c] = float32(d)
				m.Values[u.shift][c] += add[c]
			}
		}
		return add, nil
	}
}

// search builds models with ever more layers in floats until one agrees with the
// network as it was.
func (r *run) search(ctx context.Context) (*Result, error) {
	var err error
	if r.before, err = r.verdict(ctx, r.m, StageBefore); err != nil {
		return nil, err
	}
	order := slices.SortedStableFunc(slices.Values(r.scheme.units), func(a, b *unit) int { return cmp.Compare(b.noise, a.noise) })
	kept := func(u *unit) bool { return r.kept[u] != "" }
	order = slices.DeleteFunc(order, kept)
	limit := int(most * float64(len(order)))
	for round := 0; ; {
		m := r.build()
		again, err := r.correct(ctx, m)
		if err != nil {
			return nil, err
		}
		if again {
			continue
		}
		after, err := r.verdict(ctx, m, StageAfter)
		if err != nil {
			return nil, err
		}
		if limit == 0 || len(order) == 0 || r.enough(after) {
			return r.result(ctx, m, after)
		}
		order = slices.DeleteFunc(order, kept)
		n := min(limit, len(order), 1<<round)
		for _, u := range order[:n] {
			r.kept[u] = ReasonNoise
		}
		order, limit, round = order[n:], limit-n, round+1
	}
}

// enough reports whether a verdict is close enough to that before.
func (r *run) enough(after *verdict) bool {
	if r.m.Graph.Classes() == 0 {
		s := after.noise(r.before)
		return s.noise <= (1-r.o.Agreement)*s.signal
	}
	return after.agreement(r.before).Value >= r.o.Agreement
}

// named returns the units whose names are given.
func (s *scheme) named(names []string) (map[*unit]Reason, error) {
	found := map[*unit]Reason{}
	for _, name := range names {
		any := false
		for _, u := range s.units {
			if n := s.g.Nodes[u.conv].Name; n == name || strings.HasPrefix(n, name+".") {
				found[u], any = ReasonAsked, true
			}
		}
		if !any {
			return nil, fmt.Errorf("there is no layer %q to keep in floats", name)
		}
	}
	return found, nil
}
