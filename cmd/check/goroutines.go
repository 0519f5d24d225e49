package main

import (
	"go/ast"
	"go/token"
)

// hidden are the names that start a goroutine or wait for one without saying go
// or select, by import path.
var hidden = map[string][]string{
	"context": {"AfterFunc"},
	"sync":    {"Cond", "NewCond", "WaitGroup"},
}

// goroutines is the rule that goroutines are born, and waits take place, in
// package actor only: its tree is complete because nobody else starts one, and
// the simulator can order what happens because nobody else waits.
func goroutines(t *tree) []finding {
	var found []finding
	t.sources(func(p *pkg, f *file) {
		if within(p.dir, "actor") {
			return
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n.(type) {
			case *ast.GoStmt:
				found = append(found, t.at(n.Pos(), "go statements stand in package actor: start a child with Self.Go or Self.Supervise"))
			case *ast.SelectStmt:
				found = append(found, t.at(n.Pos(), "select stands in package actor: give the actor one mailbox and make every input a message"))
			}
			return true
		})
		t.forbid(f, hidden, func(name string, pos token.Pos) {
			found = append(found, t.at(pos, "%s starts or awaits goroutines behind the runtime's back: use a child, a mailbox or a Ref", name))
		})
	})
	return found
}

// forbid visits the uses of names that a table forbids, as "package.Name".
func (t *tree) forbid(f *file, table map[string][]string, visit func(name string, pos token.Pos)) {
	t.qualified(f, func(importPath, name string, pos token.Pos) {
		for _, bad := range table[importPath] {
			if name == bad {
				visit(importPath+"."+name, pos)
			}
		}
	})
}
