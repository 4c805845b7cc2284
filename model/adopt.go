package model

import (
	"errors"
	"fmt"
	"slices"

	"github.com/mixnet-go/mixnet/graph"
)

// Adopted says which parameters a model has of another one, by name.
type Adopted struct {
	// Taken are those that were copied, Fresh those that the other model lacks
	// or has in another shape, and Unused what is the other's alone.
	Taken, Fresh, Unused []string
	// Numbers is how many numbers were copied.
	Numbers int64
}

// ErrForeign says that a model has no parameter of another one.
var ErrForeign = errors.New("no parameter is the same")

// Adopt copies the parameters of another model that have the same name and
// shape: a classifier's into a detector on it, or a detector's into one for
// other classes. Where the classes differ, what tells them apart is not copied,
// whatever its shape. The mean and the deviation of the input are the other
// model's from then on. The error wraps [ErrForeign].
func (m *Model) Adopt(from *Model) (Adopted, error) {
	skip := map[string]bool{}
	if !slices.Equal(m.Classes, from.Classes) {
		for _, id := range m.classParams() {
			skip[m.Graph.Params[id].Name] = true
		}
	}
	has := map[string]int{}
	for i, p := range from.Graph.Params {
		has[p.Name] = i
	}
	var a Adopted
	for i, p := range m.Graph.Params {
		j, ok := has[p.Name]
		if !ok || skip[p.Name] || !slices.Equal(p.Shape, from.Graph.Params[j].Shape) {
			a.Fresh = append(a.Fresh, p.Name)
			continue
		}
		delete(has, p.Name)
		copy(m.Values[i], from.Values[j])
		a.Taken = append(a.Taken, p.Name)
		a.Numbers += int64(len(m.Values[i]))
	}
	for _, p := range from.Graph.Params {
		if _, left := has[p.Name]; left {
			a.Unused = append(a.Unused, p.Name)
		}
	}
	if len(a.Taken) == 0 {
		return a, fmt.Errorf("%w: %s begins with %s, %s with %s", ErrForeign, m.Network, m.Graph.Params[0].Name, from.Network, from.Graph.Params[0].Name)
	}
	in, other := m.Preprocess(), from.Preprocess()
	if in.Channels == other.Channels {
		in.Mean, in.Std = other.Mean, other.Std
		m.Input = in
	}
	return a, nil
}

// classParams returns the parameters of the layers that tell classes apart: the
// classifier's, or those of the scores of a network that finds objects.
func (m *Model) classParams() []graph.ParamID {
	if m.Graph.Levels() == 0 {
		return m.Graph.HeadParams()
	}
	var ids []graph.ParamID
	for i := range m.Graph.Levels() {
		if o, ok := m.Graph.Find(graph.Scores(i)); ok {
			ids = append(ids, m.Graph.Nodes[o.ID].Op.Params()...)
		}
	}
	return ids
}
