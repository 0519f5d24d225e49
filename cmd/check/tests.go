package main

import "go/ast"

// tests is the rule that a test runs whole, every time, and waits for events
// instead of for time. Sleeping is free where time is virtual, in a file that
// uses testing/synctest.
func tests(t *tree) []finding {
	var found []finding
	for _, p := range t.packages {
		for _, f := range p.files {
			if !f.test {
				continue
			}
			names := importNames(f)
			handles := testHandles(names, f)
			ast.Inspect(f.ast, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				id, ok := sel.X.(*ast.Ident)
				if !ok {
					return true
				}
				switch name := sel.Sel.Name; {
				case handles[id.Name] && (name == "Skip" || name == "Skipf" || name == "SkipNow"):
					found = append(found, t.at(sel.Pos(), "a skipped test proves nothing: make it run everywhere, or delete it"))
				case names[id.Name] == "time" && name == "Sleep" && names["synctest"] != "testing/synctest":
					found = append(found, t.at(sel.Pos(), "a test does not sleep: wait for the event itself, or use virtual time"))
				}
				return true
			})
		}
	}
	return found
}

// testHandles returns the names of the parameters in a file that stand for a
// running test, such as t in func TestX(t *testing.T).
func testHandles(names map[string]string, f *file) map[string]bool {
	handles := map[string]bool{}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		fn, ok := n.(*ast.FuncType)
		if !ok {
			return true
		}
		for _, param := range fn.Params.List {
			typ := param.Type
			if star, ok := typ.(*ast.StarExpr); ok {
				typ = star.X
			}
			sel, ok := typ.(*ast.SelectorExpr)
			if !ok {
				continue
			}
			if id, ok := sel.X.(*ast.Ident); ok && names[id.Name] == "testing" {
				for _, name := range param.Names {
					handles[name.Name] = true
				}
			}
		}
		return true
	})
	return handles
}
