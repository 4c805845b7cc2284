package mixnet_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/mixnet-go/mixnet"

// platforms are those whose packages are looked at: each builds files that
// others do not.
var platforms = []string{"linux/amd64", "linux/arm64", "windows/amd64", "darwin/arm64"}

// goPackage is what "go list" says about a package.
type goPackage struct {
	ImportPath string
	Name       string
	Imports    []string
	Deps       []string
	Module     *struct{ Path string } // nil for the standard library

	imports, deps map[string]bool // on any platform
}

// ours reports whether the package is one of this module.
func (p *goPackage) ours() bool { return p.Module != nil && p.Module.Path == module }

// foreign reports whether it is one of another module.
func (p *goPackage) foreign() bool { return p.Module != nil && p.Module.Path != module }

// internal reports whether users of the module cannot import it.
func (p *goPackage) internal() bool {
	return slices.Contains(strings.Split(p.ImportPath, "/"), "internal")
}

// packages returns the packages of this module and those they link.
func packages(t *testing.T) map[string]*goPackage {
	t.Helper()
	all, err := listed()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var listed = sync.OnceValues(func() (map[string]*goPackage, error) {
	all := map[string]*goPackage{}
	for _, platform := range platforms {
		system, processor := path.Split(platform)
		list := exec.Command("go", "list", "-deps", "-json=ImportPath,Name,Imports,Deps,Module", "./...")
		list.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+path.Clean(system), "GOARCH="+processor)
		out, err := list.Output()
		if err != nil {
			return nil, fmt.Errorf("go list for %s: %w", platform, err)
		}
		for dec := json.NewDecoder(bytes.NewReader(out)); ; {
			var p goPackage
			if err := dec.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, err
			}
			known := all[p.ImportPath]
			if known == nil {
				p.imports, p.deps = map[string]bool{}, map[string]bool{}
				all[p.ImportPath], known = &p, &p
			}
			for _, imp := range p.Imports {
				known.imports[imp] = true
			}
			for _, dep := range p.Deps {
				known.deps[dep] = true
			}
		}
	}
	return all, nil
})

func relative(importPath string) string {
	return strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/")
}

// chain returns packages that each import the next, from one to another.
func chain(all map[string]*goPackage, from, to string) []string {
	links := []string{from}
	for from != to {
		for _, imp := range slices.Sorted(maps.Keys(all[from].imports)) {
			if p := all[imp]; imp == to || p != nil && p.deps[to] {
				from = imp
				break
			}
		}
		links = append(links, relative(from))
	}
	return links
}

// foreign lists the packages of other modules that ours import, and the modules
// that public packages and programs link.
func foreign(all map[string]*goPackage) string {
	var b strings.Builder
	b.WriteString("What packages take from other modules: the packages they import and, of public\npackages and programs, the modules they link, through others too.\n")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		p := all[name]
		if !p.ours() {
			continue
		}
		var lines []string
		for _, imp := range slices.Sorted(maps.Keys(p.imports)) {
			if d := all[imp]; d != nil && d.foreign() {
				lines = append(lines, "  imports "+imp)
			}
		}
		if !p.internal() {
			modules := map[string]bool{}
			for dep := range p.deps {
				if d := all[dep]; d.foreign() {
					modules["  links "+d.Module.Path] = true
				}
			}
			lines = append(lines, slices.Sorted(maps.Keys(modules))...)
		}
		if len(lines) > 0 {
			fmt.Fprintf(&b, "\n%s\n%s\n", name, strings.Join(lines, "\n"))
		}
	}
	return b.String()
}
