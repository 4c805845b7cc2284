package testkit

import (
	"fmt"

	"github.com/mixnet-go/mixnet/graph"
)

// OperatorChannels is the channels of the images that the networks of Operators
// take.
const OperatorChannels = 8

// Operators returns a small network around every operator of package graph, by
// the name of the operator's type.
func Operators() (map[string]*graph.Graph, error) {
	all := map[string]*graph.Graph{}
	for name, op := range map[string]func(b *graph.Builder, x graph.ID) graph.ID{
		"Input": func(_ *graph.Builder, x graph.ID) graph.ID { return x },
		"Conv": func(b *graph.Builder, x graph.ID) graph.ID {
			return b.Conv("op", x, graph.ConvSpec{Out: 6, Kernel: 3, Stride: 2})
		},
		"MixConv": func(b *graph.Builder, x graph.ID) graph.ID {
			return b.MixConv("op", x, graph.MixSpec{Kernels: []int{3, 5}})
		},
		"Linear": func(b *graph.Builder, x graph.ID) graph.ID {
			return b.Linear("op", b.GlobalPool("pool", x), 6, true)
		},
		"BatchNorm":  func(b *graph.Builder, x graph.ID) graph.ID { return b.BatchNorm("op", x) },
		"Activate":   func(b *graph.Builder, x graph.ID) graph.ID { return b.Activate("op", x, graph.Swish) },
		"GlobalPool": func(b *graph.Builder, x graph.ID) graph.ID { return b.GlobalPool("op", x) },
		"Scale":      func(b *graph.Builder, x graph.ID) graph.ID { return b.Scale("op", x, b.GlobalPool("pool", x)) },
		"Add":        func(b *graph.Builder, x graph.ID) graph.ID { return b.Add("op", x, x) },
		"Dropout":    func(b *graph.Builder, x graph.ID) graph.ID { return b.Dropout("op", x, 0.5) },
		"DropPath":   func(b *graph.Builder, x graph.ID) graph.ID { return b.DropPath("op", x, 0.5) },
		"Concat":     func(b *graph.Builder, x graph.ID) graph.ID { return b.Concat("op", x, x) },
		"Slice":      func(b *graph.Builder, x graph.ID) graph.ID { return b.Slice("op", x, 2, 5) },
		"Shuffle":    func(b *graph.Builder, x graph.ID) graph.ID { return b.Shuffle("op", x, 2) },
		"Shift":      func(b *graph.Builder, x graph.ID) graph.ID { return b.Shift("op", x, 1, -1) },
		"Pool": func(b *graph.Builder, x graph.ID) graph.ID {
			return b.Pool("op", x, graph.Pool{Max: true, Kernel: 2, Stride: 2})
		},
	} {
		b := graph.NewBuilder(name, OperatorChannels)
		b.Output(graph.Logits, op(b, b.Input()))
		g, err := b.Build()
		if err != nil {
			return nil, fmt.Errorf("operator %s: %w", name, err)
		}
		all[name] = g
	}
	return all, nil
}

// Unknown returns a network with an operator that no package knows. Only a
// package that embeds one of graph's can make such a one.
func Unknown() (*graph.Graph, error) {
	b := graph.NewBuilder("unknown", OperatorChannels)
	b.Output(graph.Logits, b.Activate("op", b.Input(), graph.ReLU))
	g, err := b.Build()
	if err != nil {
		return nil, err
	}
	out := &g.Nodes[len(g.Nodes)-1]
	out.Op = unknown{out.Op}
	return g, nil
}

type unknown struct{ graph.Op }

func (unknown) Kind() string { return "unknown" }
