package main

import (
	"go/ast"
	"go/types"
	"strings"
)

// mapOrder finds the places of a machine where the order of a map, which is
// different in every run, can reach its effects: a range over a map whose body
// appends, itself or through a function of the package, and an iterator over a
// map that is not sorted at once.
func mapOrder(t *tree, p *pkg, f *file) []finding {
	var found []finding
	appends := appenders(t, p)
	sorted := map[*ast.CallExpr]bool{} // the iterators that stand inside a slices.Sorted
	names := importNames(f)
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.RangeStmt:
			if (n.Key != nil || n.Value != nil) && isMap(t, n.X) && bodyAppends(t, n.Body, appends) {
				found = append(found, t.at(n.Pos(), "the order of a map must not reach the effects: range over slices.Sorted(maps.Keys(...)), or keep a slice beside the map"))
			}
		case *ast.CallExpr:
			if path, name := t.callee(names, n); path == "slices" && strings.HasPrefix(name, "Sorted") && len(n.Args) > 0 {
				if inner, ok := n.Args[0].(*ast.CallExpr); ok {
					sorted[inner] = true
				}
			} else if path == "maps" && (name == "Keys" || name == "Values" || name == "All") && !sorted[n] {
				found = append(found, t.at(n.Pos(), "maps.%s has no order: put it inside slices.Sorted or slices.SortedFunc", name))
			}
		}
		return true
	})
	return found
}

// callee returns the package and the name of a call to another package.
func (t *tree) callee(names map[string]string, call *ast.CallExpr) (importPath, name string) {
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	return t.importOf(names, sel.X), sel.Sel.Name
}

// isMap reports whether an expression of the module's own types is a map.
func isMap(t *tree, x ast.Expr) bool {
	typ := t.typed.info.TypeOf(x)
	if typ == nil {
		return false
	}
	_, ok := typ.Underlying().(*types.Map)
	return ok
}

// appenders returns the functions and methods of a package that call append, or
// call one that does.
func appenders(t *tree, p *pkg) map[types.Object]bool {
	bodies := map[types.Object]*ast.BlockStmt{}
	for _, f := range p.files {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && !f.test && fn.Body != nil {
				if obj := t.typed.info.Defs[fn.Name]; obj != nil {
					bodies[obj] = fn.Body
				}
			}
		}
	}
	appends := map[types.Object]bool{}
	for grew := true; grew; {
		grew = false
		for obj, body := range bodies {
			if !appends[obj] && bodyAppends(t, body, appends) {
				appends[obj] = true
				grew = true
			}
		}
	}
	return appends
}

// bodyAppends reports whether a block calls append or one of the functions that
// are known to.
func bodyAppends(t *tree, body *ast.BlockStmt, known map[types.Object]bool) bool {
	yes := false
	ast.Inspect(body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return !yes
		}
		if t.builtin(call.Fun, "append") || known[t.calledObject(call)] {
			yes = true
		}
		return !yes
	})
	return yes
}

// calledObject returns the function or method of the module that is called, or
// nil.
func (t *tree) calledObject(call *ast.CallExpr) types.Object {
	fun := ast.Unparen(call.Fun)
	if index, ok := fun.(*ast.IndexExpr); ok { // a generic function, its type spelled out
		fun = index.X
	}
	var obj types.Object
	switch fun := fun.(type) {
	case *ast.Ident:
		obj = t.typed.info.Uses[fun]
	case *ast.SelectorExpr:
		obj = t.typed.info.Uses[fun.Sel]
	}
	if fn, ok := obj.(*types.Func); ok {
		return fn.Origin()
	}
	return nil
}
