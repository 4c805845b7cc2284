package zoo_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/zoo"
)

// Every network computes what PyTorch's does with the same weights: the output
// of every block and the logits, at 97×130 pixels.
func TestForwardEqualsPyTorch(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/forward_*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d golden files: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "forward_"), ".json")
		t.Run(name, func(t *testing.T) {
			var golden testkit.Forward
			if err := testkit.ReadJSON(file, &golden); err != nil {
				t.Fatal(err)
			}
			spec, err := zoo.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			g, err := spec.Build(zoo.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if testing.Short() && g.ParamCount() > 10e6 {
				t.Skip("large, in short mode")
			}
			program, err := engine.Compile(g, testkit.Values[float32](g), engine.Options{Threads: 1, Blocks: true})
			if err != nil {
				t.Fatal(err)
			}
			defer program.Close()
			for _, run := range golden.Runs {
				if run.Input[2] == 224 {
					continue // the same code at four times the cost
				}
				blocks := slices.Sorted(maps.Keys(run.Blocks))
				if strings.HasPrefix(name, "torchvision_") {
					blocks = nil // they have other names, and the networks are tested under timm's
				}
				x := testkit.Input[float32](run.Shape())
				out, err := program.Outputs(t.Context(), x, append(blocks, engine.Logits)...)
				if err != nil {
					t.Fatal(err)
				}
				for i, b := range blocks {
					if err := testkit.CheckTensor(run.Blocks[b], out[i], 1e-4); err != nil {
						t.Errorf("%s: %v", b, err)
					}
				}
				if err := testkit.Close(out[len(blocks)].Data, run.Logits, 1e-4); err != nil {
					t.Errorf("logits: %v", err)
				}
			}
		})
	}
}
