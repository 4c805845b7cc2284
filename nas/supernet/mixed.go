package supernet

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

// Mixed is a network whose blocks are weighted sums of options, on the parameters
// of a supernet.
type Mixed struct {
	Path
	gates []gate
}

// gate is where an option's weight enters: the scale and shift of its last batch
// norm.
type gate struct {
	decision, option int
	params           [2]int // of Graph
}

// Mixed returns the network of some options of every decision, all of them for
// nil. The space is one whose blocks are chosen whole, from rows.
func (n *Net) Mixed(options [][]uint8) (*Mixed, error) {
	choices, base, err := n.Space.Choices()
	if err != nil {
		return nil, err
	}
	m := &Mixed{}
	rows := make([][]zoo.Stage, len(choices))
	var layers []layer
	gates := map[string]gate{} // by the beginning of the parameters' names
	parts, index := -1, 0
	for i, c := range choices {
		index++
		if base.Stages[i].Part == zoo.NewPart {
			parts, index = parts+1, 0
		}
		chosen := []uint8{0}
		if c.Decision >= 0 && options != nil {
			chosen = options[c.Decision]
		} else if c.Decision >= 0 {
			chosen = every(len(c.Rows))
		}
		for _, o := range chosen {
			row := c.Rows[o]
			if row.None {
				continue
			}
			prefix := fmt.Sprintf("blocks.%d.%d.option%d.", parts, index, len(rows[i]))
			if c.Decision >= 0 {
				gates[prefix] = gate{decision: c.Decision, option: int(o)}
			}
			place := nas.Place{Stage: c.Stage, Block: c.Block, Row: int(o)}
			if c.Lists {
				place.Row = -1
			}
			rows[i] = append(rows[i], row.Stage)
			layers = append(layers, layer{prefix, place, row.Stage})
		}
	}
	g, err := base.BuildMixed(zoo.Options{}, rows)
	if err != nil {
		return nil, err
	}
	found, err := n.membersOf(g, layers)
	if err != nil {
		return nil, err
	}
	p, err := n.path(nil, found)
	if err != nil {
		return nil, err
	}
	m.Path = *p
	for _, l := range layers {
		gated, ok := gates[l.prefix]
		if !ok {
			continue
		}
		gated.params = lastNorm(g, l.prefix)
		m.gates = append(m.gates, gated)
	}
	return m, nil
}

// every returns the numbers below n.
func every(n int) []uint8 {
	all := make([]uint8, n)
	for i := range all {
		all[i] = uint8(i)
	}
	return all
}

// lastNorm returns the scale and the shift of an option's last batch norm.
func lastNorm(g *graph.Graph, prefix string) (params [2]int) {
	for i, p := range g.Params {
		if strings.HasPrefix(p.Name, prefix) && p.Kind == graph.Gamma {
			params[0] = i
		}
		if strings.HasPrefix(p.Name, prefix) && p.Kind == graph.Beta {
			params[1] = i
		}
	}
	return params
}

// weigh returns the parameters with the options weighted, given those that bind
// returned.
func weigh[T tensor.Float](m *Mixed, v graph.Values[T], z nas.Mixture) graph.Values[T] {
	v = slices.Clone(v)
	for _, g := range m.gates {
		w := T(z[g.decision][g.option])
		for _, p := range g.params {
			scaled := make([]T, len(v[p]))
			for i, x := range v[p] {
				scaled[i] = w * x
			}
			v[p] = scaled
		}
	}
	return v
}

// slopes returns the gradient with respect to the weights of options, from that
// with respect to the weighted parameters. What is not in the network has none.
func slopes[T tensor.Float](m *Mixed, plain, grads graph.Values[T], slope nas.Mixture) {
	for _, g := range m.gates {
		sum := 0.0
		for _, p := range g.params {
			for i, x := range plain[p] {
				sum += float64(x) * float64(grads[p][i])
			}
		}
		slope[g.decision][g.option] = sum
	}
}

// gated reports whether a parameter of the network is one that weights enter by.
func (m *Mixed) gated(p graph.ParamID) bool {
	return slices.ContainsFunc(m.gates, func(g gate) bool { return g.params[0] == int(p) || g.params[1] == int(p) })
}
