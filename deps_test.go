package mixnet_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/mixnet-go/mixnet"

// layers lists, for every package, the packages of this module it may import.
// A package may import only what stands above it: nothing imports backwards.
var layers = []struct {
	pkg     string
	imports []string
}{
	{"tensor", nil},
	{"imagenet", nil},
	{"evaluate/coco", nil},
	{"input", nil},
	{"internal/atomicfile", nil},
	{"internal/cpu", nil},
	{"internal/cpu/cputest", []string{"internal/cpu"}},
	{"internal/pages", nil},
	{"internal/par", nil},
	{"internal/chart", []string{"internal/atomicfile"}},
	{"internal/rng", nil},
	{"internal/tfevents", nil},
	{"internal/near", nil},
	{"graph", []string{"tensor", "internal/rng"}},
	{"internal/kernel", []string{"internal/cpu"}},
	{"internal/testkit", []string{"tensor", "graph", "internal/rng"}},
	{"vision/internal/pixel", []string{"internal/cpu"}},
	{"vision/internal/jpeg", []string{"vision/internal/pixel"}},
	{"vision", []string{"input", "vision/internal/jpeg", "vision/internal/pixel"}},
	{"zoo", []string{"tensor", "graph", "input", "internal/near"}},
	{"weights", []string{"tensor", "graph", "internal/atomicfile"}},
	{"weights/hub", []string{"weights", "internal/atomicfile"}},
	{"data/fashion", nil},
	{"data/internal/parquet", nil},
	{"data", []string{"data/internal/parquet", "tensor", "input", "vision", "internal/rng"}},
	{"engine", []string{"tensor", "graph", "internal/cpu", "internal/kernel", "internal/pages", "internal/par"}},
	{"autodiff", []string{"tensor", "graph", "internal/kernel", "internal/pages", "internal/par", "internal/rng"}},
	{"model", []string{"graph", "imagenet", "input", "weights", "zoo"}},
	{"pretrained", []string{"model", "weights"}},
	{"recipe", []string{"input", "internal/near"}},
	{"evaluate", []string{"tensor", "data", "engine"}},
	{"train", []string{"recipe", "tensor", "graph", "input", "data", "weights", "model", "evaluate", "autodiff", "internal/atomicfile", "internal/cpu", "internal/kernel", "internal/par", "internal/rng", "internal/tfevents"}},
	{"transfer", []string{"recipe", "graph", "tensor", "input", "data", "model", "evaluate", "engine", "train", "internal/kernel", "internal/par", "internal/rng"}},
	{"", []string{"recipe", "tensor", "graph", "vision", "data", "zoo", "weights/hub", "engine", "model", "train", "transfer"}},
}

// TestImportOrder keeps the packages in their layers.
func TestImportOrder(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Name,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	allowed := map[string][]string{}
	for _, l := range layers {
		allowed[l.pkg] = l.imports
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Name       string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := relative(p.ImportPath)
		if p.Name == "main" {
			continue // programs may import anything
		}
		want, known := allowed[name]
		if !known {
			t.Errorf("package %q has no layer: add it to the table", name)
			continue
		}
		for _, imp := range p.Imports {
			if imp != module && !strings.HasPrefix(imp, module+"/") {
				continue
			}
			if dep := relative(imp); !slices.Contains(want, dep) {
				t.Errorf("%q must not import %q", name, dep)
			}
		}
	}
}

func relative(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
}
