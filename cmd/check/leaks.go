package main

import (
	"go/ast"
	"path"
	"regexp"
)

// testName matches the functions that go test runs.
var testName = regexp.MustCompile(`^(Test|Fuzz|Benchmark|Example)`)

// leaks is the rule that every package with tests fails when one of them leaves
// a goroutine behind.
func leaks(t *tree) []finding {
	var found []finding
	for _, p := range t.packages {
		if path.Base(p.dir) == "pb" {
			continue
		}
		var first *ast.FuncDecl
		checked := false
		for _, f := range p.files {
			if !f.test {
				continue
			}
			for _, d := range f.ast.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok || fn.Recv != nil {
					continue
				}
				if fn.Name.Name == "TestMain" {
					checked = checked || callsGoleak(f, fn)
				} else if first == nil && testName.MatchString(fn.Name.Name) {
					first = fn
				}
			}
		}
		if first != nil && !checked {
			found = append(found, t.at(first.Pos(), "%s has tests but no leak check: add func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }", p.dir))
		}
	}
	return found
}

// callsGoleak reports whether a function uses the leak checker.
func callsGoleak(f *file, fn *ast.FuncDecl) bool {
	names, yes := importNames(f), false
	ast.Inspect(fn, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok && names[id.Name] == "go.uber.org/goleak" {
				yes = true
			}
		}
		return true
	})
	return yes
}
