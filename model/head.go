package model

import (
	"maps"

	"github.com/mixnet-go/mixnet/graph"
)

// WithClasses returns a model of the same network for other classes: all
// parameters are copied but those of the classifier, which start anew from the
// seed. It is where fine-tuning starts.
func (m *Model) WithClasses(classes []string, seed uint64) (*Model, error) {
	h, err := m.known()
	if err != nil {
		return nil, err
	}
	h.Classes = classes
	h.Options.Classes = len(classes)
	h.Notes = maps.Clone(m.Notes)
	out, err := build(h)
	if err != nil {
		return nil, err
	}
	out.Values = graph.NewValues[float32](out.Graph)
	out.Graph.Initialize(out.Values, seed)
	heads := map[graph.ParamID]bool{}
	for _, id := range out.Graph.HeadParams() {
		heads[id] = true
	}
	for i := range out.Values {
		if !heads[graph.ParamID(i)] {
			copy(out.Values[i], m.Values[i])
		}
	}
	return out, nil
}

// IsHead reports whether a parameter belongs to a classifier, by name.
func (m *Model) IsHead(name string) bool {
	for _, id := range m.Graph.HeadParams() {
		if m.Graph.Params[id].Name == name {
			return true
		}
	}
	return false
}
