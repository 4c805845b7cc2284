package engine

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

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
	p, err := Compile(g, testkit.Values[float32](g), Options{Threads: 2, Blocks: true})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, run := range golden.Runs {
		if macs, err := g.MACs(run.Shape()); err != nil || macs > 1e9 && cpu.Current() == cpu.Generic {
			continue // ten seconds and more in plain Go; the other size tests the same
		}
		names := []string{Logits}
		for block := range run.Blocks {
			names = append(names, block)
		}
		x := testkit.Input[float32](run.Shape())
		out, err := p.Outputs(context.Background(), x, names...)
		if err != nil {
			t.Fatal(err)
		}
		for i, y := range out[1:] {
			if err := testkit.CheckTensor(run.Blocks[names[i+1]], y, forwardTolerance); err != nil {
				t.Errorf("input %v: %s: %v", run.Shape(), names[i+1], err)
			}
		}
		if err := testkit.Close(out[0].Data, run.Logits, forwardTolerance); err != nil {
			t.Errorf("input %v: logits: %v", run.Shape(), err)
		}
		again := tensor.New[float32](out[0].Shape)
		if err := p.Run(context.Background(), again, x); err != nil {
			t.Fatal(err)
		}
		if err := testkit.Close(again.Data, out[0].Data, 0); err != nil {
			t.Errorf("input %v: second run: %v", run.Shape(), err)
		}
	}
}
