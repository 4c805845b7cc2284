//go:build !purego

package q8

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// The generator of the assembly knows the fields that it reads.
func TestGeneratorKnowsFields(t *testing.T) {
	layouts := map[string]reflect.Type{
		"gemmWords": reflect.TypeFor[gemmArgs](), "dwWords": reflect.TypeFor[dwArgs](), "quadWords": reflect.TypeFor[quadArgs](),
	}
	files, err := filepath.Glob("../_gen/q8/*.go")
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
			if ok && layouts[spec.Names[0].Name] != nil {
				found++
				checkWords(t, spec.Values[0].(*ast.CompositeLit).Elts, layouts[spec.Names[0].Name])
			}
			return true
		})
	}
	if found != len(layouts) {
		t.Errorf("%d layouts found, want %d", found, len(layouts))
	}
}

func checkWords(t *testing.T, words []ast.Expr, of reflect.Type) {
	t.Helper()
	for i, e := range words {
		name, err := strconv.Unquote(e.(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		// The words of an array are its name and their number.
		field := fieldAt(of, uintptr(8*i))
		if field != "_" && field != strings.TrimRight(name, "0123456789") { // _ is the assembly's own
			t.Errorf("%s is word %d for the generator, where %v has %q", name, i, of, field)
		}
	}
}

// fieldAt returns the name of the field of a struct that a byte belongs to.
func fieldAt(of reflect.Type, at uintptr) string {
	for i := range of.NumField() {
		if f := of.Field(i); f.Offset <= at && at < f.Offset+f.Type.Size() {
			return f.Name
		}
	}
	return ""
}
