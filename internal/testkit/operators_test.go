package testkit

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// Operators holds every type of package graph that is an operator.
func TestOperatorsAreAll(t *testing.T) {
	all, err := Operators()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../graph/*.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			// Kind is the method that every operator has of its own.
			m, ok := d.(*ast.FuncDecl)
			if !ok || m.Recv == nil || m.Name.Name != "Kind" {
				continue
			}
			receiver := m.Recv.List[0].Type
			if p, ok := receiver.(*ast.StarExpr); ok {
				receiver = p.X
			}
			declared++
			if name := receiver.(*ast.Ident).Name; all[name] == nil {
				t.Errorf("no network with a %s", name)
			}
		}
	}
	if declared != len(all) {
		t.Errorf("%d networks, %d operators", len(all), declared)
	}
}
