package engine

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

// forwardTolerance is the error allowed for every block and the logits, as a
// part of each tensor's root mean square.
const forwardTolerance = 1e-4

func TestGoldenNetworks(t *testing.T) {
	files, err := testkit.Golden("forward")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(file.Network, func(t *testing.T) {
			var golden testkit.Forward
			if err := testkit.ReadJSON(file.Path, &golden); err != nil {
				t.Fatal(err)
			}
			spec, err := zoo.Lookup(file.Network)
			if err != nil {
				t.Fatal(err)
			}
			g, err := spec.Build(zoo.Options{})
			if err != nil {
				t.Fatal(err)
			}
			values := testkit.Values[float32](g)
			cputest.Each(t, func(t *testing.T) { checkGolden(t, file.Network, g, values, &golden) })
		})
	}
}

func checkGolden(t *testing.T, name string, g *graph.Graph, values graph.Values[float32], golden *testkit.Forward) {
	apart := compiled(t, g, values, Options{Threads: 2, Outputs: everything(g)})
	fused := compiled(t, g, values, Options{Threads: 1})
	for _, run := range golden.Runs {
		if macs, err := g.MACs(run.Shape()); err != nil || macs > 1e9 && cpu.Current() == cpu.Generic {
			continue // ten seconds and more in plain Go; the other size tests the same
		}
		x := testkit.Input[float32](run.Shape())
		blocks := slices.Sorted(maps.Keys(run.Blocks))
		if strings.HasPrefix(name, "torchvision_") {
			blocks = nil // they have other names, and the networks are tested under timm's
		}
		out, err := apart.Outputs(t.Context(), x, append(blocks, graph.Logits)...)
		if err != nil {
			t.Fatal(err)
		}
		for i, block := range blocks {
			if err := testkit.CheckTensor(run.Blocks[block], out[i], forwardTolerance); err != nil {
				t.Errorf("input %v: %s: %v", run.Shape(), block, err)
			}
		}
		if err := testkit.Close(out[len(blocks)].Data, run.Logits, forwardTolerance); err != nil {
			t.Errorf("input %v: logits: %v", run.Shape(), err)
		}
		if out, err = fused.Outputs(t.Context(), x, graph.Logits); err != nil {
			t.Fatal(err)
		}
		if err := testkit.Close(out[0].Data, run.Logits, forwardTolerance); err != nil {
			t.Errorf("input %v: logits, blocks fused: %v", run.Shape(), err)
		}
	}
}

// compiled returns a Program that lives as long as the test.
func compiled(t *testing.T, g *graph.Graph, v graph.Values[float32], opts Options) *Program {
	t.Helper()
	p, err := Compile(g, v, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// outputs compiles and runs a network once.
func outputs(t *testing.T, g *graph.Graph, v graph.Values[float32], opts Options, x *tensor.Tensor, names ...string) []*tensor.Tensor {
	t.Helper()
	out, err := compiled(t, g, v, opts).Outputs(t.Context(), x, names...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// everything names the outputs and blocks of a graph, but for those of training.
func everything(g *graph.Graph) []string {
	var names []string
	for _, o := range g.Outputs {
		if !o.Training {
			names = append(names, o.Name)
		}
	}
	used := g.Used()
	for _, b := range g.Blocks {
		if used[b.Out] {
			names = append(names, b.Name)
		}
	}
	return names
}
