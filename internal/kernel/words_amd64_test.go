//go:build !purego

package kernel

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
)

// fieldAt returns the name of the field of a struct that a byte belongs to.
func fieldAt(of reflect.Type, at uintptr) string {
	for i := range of.NumField() {
		if f := of.Field(i); f.Offset <= at && at < f.Offset+f.Type.Size() {
			return f.Name
		}
	}
	return ""
}

// The generator of the assembly knows the offsets of the fields it reads.
func TestGeneratorKnowsFields(t *testing.T) {
	layouts := map[string]reflect.Type{
		"argWords": reflect.TypeFor[dwArgs](), "rowWords": reflect.TypeFor[dwRow](), "passWords": reflect.TypeFor[dwPass](),
		"gradWords": reflect.TypeFor[dwGradArgs](), "gradRowWords": reflect.TypeFor[dwGradRows](),
	}
	found := 0
	files, err := filepath.Glob("_gen/dw/*.go")
	if err != nil {
		t.Fatal(err)
	}
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
				if err != nil {
					t.Fatal(err)
				}
				if field := fieldAt(of, uintptr(8*i)); field != name && field != "_" { // _ is the assembly's own
					t.Errorf("%s: %s is word %d for the generator, where %v has %q", spec.Names[0].Name, name, i, of, field)
				}
			}
			return false
		})
	}
	if found != len(layouts) {
		t.Errorf("%d layouts found, want %d", found, len(layouts))
	}
}
