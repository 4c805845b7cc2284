package mixnet_test

import (
	"flag"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// layers lists, for every package, the packages of this module it imports. A
// package may import only what stands above it: nothing imports backwards.
var layers = []struct {
	pkg     string
	imports []string
}{
	{"tensor", nil},
	{"imagenet", nil},
	{"evaluate/coco", nil},
	{"detect", nil},
	{"input", nil},
	{"internal/atomicfile", nil},
	{"internal/cpu", nil},
	{"internal/cpu/cputest", []string{"internal/cpu"}},
	{"internal/launch", nil},
	{"internal/pages", nil},
	{"internal/par", nil},
	{"internal/chart", []string{"internal/atomicfile"}},
	{"internal/rng", nil},
	{"internal/tfevents", nil},
	{"internal/contact", nil},
	{"internal/filelock", nil},
	{"internal/fetch", nil},
	{"internal/reuse", nil},
	{"internal/parts", []string{"internal/atomicfile"}},
	{"internal/near", nil},
	{"internal/enum", nil},
	{"graph", []string{"tensor", "internal/enum", "internal/rng"}},
	{"internal/kernel", []string{"internal/cpu"}},
	{"internal/guard", nil},
	{"internal/kernel/tile", nil},
	{"internal/kernel/q8", []string{"internal/kernel", "internal/kernel/tile", "internal/cpu"}},
	{"internal/kernel/bf16", []string{"internal/kernel", "internal/kernel/tile", "internal/cpu"}},
	{"internal/testkit", []string{"tensor", "graph", "internal/rng"}},
	{"vision/internal/codec", nil},
	{"vision/internal/pixel", []string{"internal/cpu"}},
	{"vision/internal/bmp", []string{"vision/internal/codec"}},
	{"vision/internal/jpeg", []string{"vision/internal/codec", "vision/internal/pixel"}},
	{"vision/internal/png", []string{"vision/internal/codec"}},
	{"vision/internal/pnm", []string{"vision/internal/codec"}},
	{"vision/internal/tiff", []string{"vision/internal/codec"}},
	{"vision/internal/webp", []string{"vision/internal/codec"}},
	{"vision", []string{
		"input", "vision/internal/codec", "vision/internal/pixel", "vision/internal/bmp", "vision/internal/jpeg",
		"vision/internal/png", "vision/internal/pnm", "vision/internal/tiff", "vision/internal/webp",
	}},
	{"zoo", []string{"detect", "tensor", "graph", "input", "internal/enum", "internal/near"}},
	{"zoo/netfile", []string{"detect", "graph", "input", "zoo", "internal/near"}},
	{"onnx", []string{"detect", "tensor", "graph"}},
	{"internal/stats", nil},
	{"nas", []string{"tensor", "graph", "input", "zoo"}},
	{"nas/store", []string{"nas"}},
	{"nas/spacefile", []string{"graph", "nas", "zoo", "zoo/netfile"}},
	{"weights", []string{"graph", "internal/atomicfile"}},
	{"weights/hub", []string{"weights", "internal/atomicfile", "internal/fetch", "internal/filelock"}},
	{"data/fashion", nil},
	{"data/internal/parquet", []string{"internal/reuse"}},
	{"data", []string{"data/internal/parquet", "imagenet", "tensor", "input", "vision", "internal/pages", "internal/reuse", "internal/rng"}},
	{"data/boxes", []string{"vision", "data", "internal/atomicfile"}},
	{"data/pack", []string{"input", "vision", "data"}},
	{"data/store", []string{"data", "internal/atomicfile", "internal/fetch", "internal/filelock"}},
	{"data/garments", []string{"vision", "data", "data/boxes", "data/fashion", "internal/rng"}},
	{"engine", []string{"tensor", "graph", "internal/enum", "internal/kernel", "internal/kernel/q8", "internal/kernel/bf16", "internal/pages", "internal/par"}},
	{"nas/latency", []string{"tensor", "graph", "zoo", "nas", "engine", "internal/cpu"}},
	{"autodiff", []string{"tensor", "graph", "internal/kernel", "internal/kernel/bf16", "internal/pages", "internal/par", "internal/rng"}},
	{"model", []string{"tensor", "detect", "onnx", "graph", "imagenet", "input", "weights", "zoo", "zoo/netfile"}},
	{"explain", []string{"tensor", "graph", "vision", "model", "engine"}},
	{"report", nil},
	{"pretrained", []string{"model", "weights"}},
	{"pretrained/photo", []string{"model", "pretrained", "weights"}},
	{"pretrained/person", []string{"model", "pretrained", "weights"}},
	{"recipe", []string{"detect", "input", "internal/near"}},
	{"evaluate", []string{"tensor", "data", "internal/rng"}},
	{"quantize", []string{"tensor", "graph", "data", "model", "evaluate", "engine", "internal/stats"}},
	{"train/optim", []string{"recipe", "tensor", "graph", "internal/kernel", "internal/par"}},
	{"train/task", []string{"tensor", "graph", "data"}},
	{"train/objects", []string{"detect", "evaluate/coco", "tensor", "graph", "vision", "zoo", "data", "data/boxes", "train/task"}},
	{"train/classify", []string{"recipe", "tensor", "graph", "data", "evaluate", "train/task"}},
	{"train", []string{
		"detect", "recipe", "tensor", "graph", "data", "weights", "model", "evaluate", "autodiff", "train/classify", "train/optim", "train/task",
		"internal/atomicfile", "internal/cpu", "internal/filelock", "internal/par", "internal/rng", "internal/tfevents",
	}},
	{"nas/supernet", []string{"recipe", "tensor", "graph", "zoo", "nas", "nas/spacefile", "weights", "data", "autodiff", "train", "train/classify", "internal/atomicfile", "internal/filelock"}},
	{"nas/search", []string{"autodiff", "nas/supernet", "recipe", "zoo", "zoo/netfile", "nas", "nas/latency", "nas/spacefile", "nas/store", "data", "model", "train"}},
	{"transfer", []string{"internal/atomicfile", "internal/filelock", "recipe", "graph", "tensor", "input", "data", "model", "evaluate", "engine", "train", "internal/kernel", "internal/par", "internal/rng"}},
	{"", []string{"detect", "tensor", "graph", "input", "vision", "zoo", "zoo/netfile", "weights/hub", "engine", "model", "explain", "pretrained"}},
	{"internal/found", []string{"data", "data/boxes", "evaluate/coco", "train/objects", ""}},
	{"experiment/detection", []string{"internal/found", "internal/stats", "recipe", "zoo", "zoo/netfile", "data/boxes", "evaluate/coco", "model", "train", "train/objects", ""}},
	{"experiment", []string{"internal/stats", "recipe", "graph", "tensor", "input", "zoo", "zoo/netfile", "data", "data/boxes", "experiment/detection", "engine", "evaluate", "model", "nas", "nas/store", "train", "transfer"}},
	{"serve", []string{"input", "vision", "explain", ""}},
}

// unreachable lists what a package must not link, through others either, and
// why. "public" stands for every package that users of the module can import, a
// name ending in "..." for all below it.
var unreachable = []struct {
	from, to, why string
}{
	{"graph", "internal/cpu", "descriptions know nothing of the processor"},
	{"zoo", "internal/cpu", "listing networks needs no kernels"},
	{"recipe", "vision...", "a recipe is data"},
	{"zoo", "vision...", "listing networks decodes no pictures"},
	{"recipe", "internal/cpu", "a recipe is data"},
	{"weights", "internal/cpu", "weights are read and written on any machine"},
	{"model", "internal/cpu", "weights are read and written on any machine"},
	{"engine", "vision...", "the engine takes tensors"},
	{"engine", "data...", "the engine takes tensors"},
	{"engine", "autodiff", "who runs a network does not train it"},
	{"autodiff", "engine", "the executors check each other"},
	{"public", "pretrained/photo", "who does not ask for the photo model does not carry its 10 MB"},
	{"public", "pretrained/person", "who does not ask for the detector does not carry its 6 MB"},
	{"", "train...", "who classifies does not train"},
	{"", "autodiff", "who classifies does not train"},
	{"", "recipe", "who classifies does not train"},
	{"", "transfer", "who classifies does not train"},
	{"", "evaluate", "who classifies judges no network"},
	{"", "quantize", "who classifies quantizes nothing"},
	{"", "data...", "who classifies reads no data sets"},
	{"", "internal/tfevents", "who classifies does not train"},
	{"model", "net/http", "only weights/hub and data/store download"},
	{"engine", "net/http", "only weights/hub and data/store download"},
	{"data", "net/http", "who reads data from a disk links no network"},
	{"train", "net/http", "only weights/hub and data/store download"},
	{"", "serve", "who classifies serves nobody"},
	{"transfer", "net/http", "only weights/hub and data/store download"},
	{"", "modernc.org/...", "who classifies keeps no trials"},
	{"train", "modernc.org/...", "who trains one network keeps no trials"},
	{"nas", "modernc.org/...", "spaces and strategies need no database"},
	{"public", "gonum.org/...", "who uses the library draws no charts"},
	{"public", "github.com/alecthomas/kong", "flags are the command's"},
	{"public", "golang.org/x/term", "the terminal is the command's"},
	{"public", "testing", "what tests use only tests link"},
}

// TestImportOrder keeps the packages in their layers.
func TestImportOrder(t *testing.T) {
	all := packages(t)
	row := map[string]int{}
	for i, l := range layers {
		row[l.pkg] = i
		p := all[path.Join(module, l.pkg)]
		if p == nil {
			t.Errorf("there is no package %q: take it out of the table", l.pkg)
			continue
		}
		for _, dep := range l.imports {
			if above, known := row[dep]; !known || above >= i {
				t.Errorf("%q may import %q, which does not stand above it: move one of them", l.pkg, dep)
			}
			if !p.imports[path.Join(module, dep)] {
				t.Errorf("%q does not import %q: take it out of the table", l.pkg, dep)
			}
		}
	}
	for _, p := range all {
		if !p.ours() || p.Name == "main" || relative(p.ImportPath) == "internal/command" {
			continue // programs, and what they share, may import anything
		}
		name := relative(p.ImportPath)
		i, known := row[name]
		if !known {
			t.Errorf("package %q has no layer: add it to the table", name)
			continue
		}
		for imp := range p.imports {
			if all[imp].ours() && !slices.Contains(layers[i].imports, relative(imp)) {
				t.Errorf("%q must not import %q", name, relative(imp))
			}
		}
	}
}

// TestUnreachable checks what packages link through others.
func TestUnreachable(t *testing.T) {
	all := packages(t)
	for _, rule := range unreachable {
		applies := false
		for _, p := range all {
			if !p.ours() || !is(rule.from, p) {
				continue
			}
			applies = true
			for dep := range p.deps {
				if is(rule.to, all[dep]) {
					t.Errorf("%q links %q: %s", relative(p.ImportPath), strings.Join(chain(all, p.ImportPath, dep), " -> "), rule.why)
				}
			}
		}
		if !applies {
			t.Errorf("there is no package %q: take it out of the table", rule.from)
		}
	}
}

// is reports whether a name in a rule stands for p. No rule is about the
// standard library's internal packages, some of which are named like ours.
func is(name string, p *goPackage) bool {
	of := relative(p.ImportPath)
	if p.Module == nil && p.internal() {
		return false
	}
	if name == "public" {
		return p.Name != "main" && !p.internal()
	}
	if below, ok := strings.CutSuffix(name, "..."); ok {
		below = strings.TrimSuffix(below, "/")
		return of == below || strings.HasPrefix(of, below+"/")
	}
	return of == name
}

const dependencies = "testdata/dependencies.txt"

var update = flag.Bool("update", false, "write "+dependencies)

// TestDependencies compares the packages of other modules that ours import, and
// the modules that they link with those, with the list that is committed. Run
// it with -update to write that.
func TestDependencies(t *testing.T) {
	got := foreign(packages(t))
	if *update {
		if err := os.WriteFile(dependencies, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(dependencies)
	if err != nil {
		t.Fatal(err)
	}
	now, before := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(now), len(before)) {
		if i == len(now) || i == len(before) || now[i] != before[i] {
			t.Fatalf("packages of other modules have changed, in line %d of %s first: go test . -run Dependencies -update, and look at the difference", i+1, dependencies)
		}
	}
}
