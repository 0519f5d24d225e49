package main

import "go/ast"

// theRecover is the one file that may stop a panic.
const theRecover = "actor/run.go"

// recovers is the rule that a panic is caught in one place, which decides how
// far it falls. Caught anywhere else it would leave no trace in the tree.
func recovers(t *tree) []finding {
	var found []finding
	t.sources(func(_ *pkg, f *file) {
		if f.name == theRecover {
			return
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && t.builtin(call.Fun, "recover") {
				found = append(found, t.at(n.Pos(), "recover stands in %s only: let the panic end the actor, its supervisor reports it", theRecover))
			}
			return true
		})
	})
	return found
}
