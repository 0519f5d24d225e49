package main

import (
	"go/ast"
	"go/token"
	"strconv"
	"strings"
)

// impure are the imports, with everything below them, that let a machine wait,
// lock, look outside or talk.
var impure = []string{"context", "log", "net", "os", "sync"}

// machines is the rule that machines are pure: a file whose name ends in
// machine.go, and every file of muxer, decides and does nothing else.
func machines(t *tree) []finding {
	var found []finding
	t.sources(func(p *pkg, f *file) {
		if !pure(p, f) {
			return
		}
		found = append(found, impureImports(t, f)...)
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if what := concurrent(n); what != "" {
				found = append(found, t.at(n.Pos(), "a machine has no %s: take the input as an event and give the output as an effect", what))
			}
			return true
		})
		t.forbid(f, clocks, func(name string, pos token.Pos) {
			found = append(found, t.at(pos, "a machine has no clock: the time is the argument of Step, the next one the answer of Deadline, not %s", name))
		})
		found = append(found, mapOrder(t, p, f)...)
	})
	return found
}

// pure reports whether the rule holds for a file. Test helpers of muxer run
// machines; they are none.
func pure(p *pkg, f *file) bool {
	return strings.HasSuffix(f.name, "machine.go") || within(p.dir, "muxer") && !strings.HasSuffix(p.dir, "test")
}

// impureImports returns the imports of a machine that it must do without.
func impureImports(t *tree, f *file) []finding {
	var found []finding
	for _, spec := range f.ast.Imports {
		importPath, _ := strconv.Unquote(spec.Path.Value)
		if within(importPath, impure...) {
			found = append(found, t.at(spec.Pos(), "a machine does not import %s: let the actor that drives it do this", importPath))
		}
	}
	return found
}

// concurrent names the part of the language that a node uses and a machine
// must not, or "".
func concurrent(n ast.Node) string {
	switch n := n.(type) {
	case *ast.GoStmt:
		return "goroutine"
	case *ast.SelectStmt:
		return "select"
	case *ast.ChanType:
		return "channel type"
	case *ast.SendStmt:
		return "send"
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			return "receive"
		}
	}
	return ""
}
