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
	{"internal/cpu", nil},
	{"internal/par", nil},
	{"graph", []string{"tensor"}},
	{"internal/kernel", []string{"internal/cpu"}},
	{"internal/testkit", []string{"tensor", "graph"}},
	{"vision/internal/jpeg", nil},
	{"vision", []string{"tensor", "internal/par", "vision/internal/jpeg"}},
	{"zoo", []string{"tensor", "graph", "vision"}},
	{"weights", []string{"tensor", "graph"}},
	{"weights/hub", []string{"weights", "internal/atomicfile"}},
	{"data", []string{"tensor", "vision", "imagenet", "internal/par"}},
	{"data/fashion", nil},
	{"engine", []string{"tensor", "graph", "internal/cpu", "internal/kernel", "internal/par"}},
	{"autodiff", []string{"tensor", "graph", "internal/cpu", "internal/kernel", "internal/par"}},
	{"train", []string{"tensor", "graph", "zoo", "vision", "data", "weights", "engine", "autodiff", "internal/kernel", "internal/par"}},
	{"", []string{"tensor", "graph", "zoo", "vision", "data", "imagenet", "weights", "weights/hub", "engine", "train"}},
}

// TestImportOrder keeps the packages in their layers.
func TestImportOrder(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
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
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := relative(p.ImportPath)
		if strings.HasPrefix(name, "cmd/") || strings.HasPrefix(name, "bench") {
			continue
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
