//go:build !purego

package bf16

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
)

// The generator of the assembly knows the fields that it reads.
func TestGeneratorKnowsFields(t *testing.T) {
	layouts := map[string]reflect.Type{"gemmWords": reflect.TypeFor[gemmArgs](), "finishWords": reflect.TypeFor[finishArgs]()}
	files, err := filepath.Glob("../_gen/bf16/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || layouts[spec.Names[0].Name] == nil {
				return true
			}
			found++
			of := layouts[spec.Names[0].Name]
			for i, e := range spec.Values[0].(*ast.CompositeLit).Elts {
				name, err := strconv.Unquote(e.(*ast.BasicLit).Value)
				if f := of.Field(i); err != nil || f.Name != name || f.Offset != uintptr(8*i) {
					t.Errorf("%s is word %d for the generator, where %v has %s at byte %d", name, i, of, f.Name, f.Offset)
				}
			}
			return true
		})
	}
	if found != len(layouts) {
		t.Errorf("%d layouts found, want %d", found, len(layouts))
	}
}
