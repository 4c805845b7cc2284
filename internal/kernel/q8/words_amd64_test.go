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
		field, ok := of.FieldByName(strings.TrimRight(name, "0123456789"))
		offset := field.Offset
		if ok && field.Name != name {
			j, _ := strconv.Atoi(name[len(field.Name):])
			offset += 8 * uintptr(j)
		}
		if !ok || offset != 8*uintptr(i) {
			t.Errorf("%s is word %d for the generator, at %d in %v", name, i, offset, of)
		}
	}
}
