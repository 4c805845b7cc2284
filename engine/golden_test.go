package engine

import (
	"maps"
	"path/filepath"
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
	files, err := filepath.Glob("../zoo/testdata/golden/forward_*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "forward_"), ".json")
		t.Run(name, func(t *testing.T) {
			var golden testkit.Forward
			if err := testkit.ReadJSON(file, &golden); err != nil {
				t.Fatal(err)
			}
			cputest.Each(t, func(t *testing.T) { checkGolden(t, name, &golden) })
		})
	}
}

func checkGolden(t *testing.T, name string, golden *testkit.Forward) {
	spec, err := zoo.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	g, err := spec.Build(zoo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	values := testkit.Values[float32](g)
	for _, run := range golden.Runs {
		if macs, err := g.MACs(run.Shape()); err != nil || macs > 1e9 && cpu.Current() == cpu.Generic {
			continue // ten seconds and more in plain Go; the other size tests the same
		}
		x := testkit.Input[float32](run.Shape())
		blocks := slices.Sorted(maps.Keys(run.Blocks))
		if strings.HasPrefix(name, "torchvision_") {
			blocks = nil // they have other names, and the networks are tested under timm's
		}
		out := outputs(t, g, values, Options{Threads: 2, Outputs: everything(g)}, x, append(blocks, graph.Logits)...)
		for i, block := range blocks {
			if err := testkit.CheckTensor(run.Blocks[block], out[i], forwardTolerance); err != nil {
				t.Errorf("input %v: %s: %v", run.Shape(), block, err)
			}
		}
		if err := testkit.Close(out[len(blocks)].Data, run.Logits, forwardTolerance); err != nil {
			t.Errorf("input %v: logits: %v", run.Shape(), err)
		}
		fused := outputs(t, g, values, Options{Threads: 1}, x, graph.Logits)
		if err := testkit.Close(fused[0].Data, run.Logits, forwardTolerance); err != nil {
			t.Errorf("input %v: logits, blocks fused: %v", run.Shape(), err)
		}
	}
}

// outputs compiles and runs a network once.
func outputs(t *testing.T, g *graph.Graph, v graph.Values[float32], opts Options, x *tensor.Tensor, names ...string) []*tensor.Tensor {
	t.Helper()
	p, err := Compile(g, v, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	out, err := p.Outputs(t.Context(), x, names...)
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
