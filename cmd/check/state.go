package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// excused are the package-level variables that may change, by folder and name,
// each for a reason. A new one needs a very good one.
var excused = map[string][]string{
	"actor":        {"opened"},                                                                                  // a channel that is closed before anybody sees it
	"actor/buf":    {"pools", "live", "quarantine"},                                                             // byte pools, and for tests what is out of them and what was
	"actor/golden": {"update"},                                                                                  // the flag of go test
	"sim":          {"flagSeed", "flagSeeds", "flagPlan", "flagShards", "flagCheck", "flagShrink", "flagTrace"}, // the same
}

// makers are the calls whose results never change, by import path.
var makers = map[string][]string{
	"errors":    {"New"},
	"net/netip": {"MustParseAddr", "MustParsePrefix"},
	"regexp":    {"MustCompile"},
	"strings":   {"NewReplacer"},
	"sync":      {"OnceValue", "OnceValues"}, // a constant that is computed at its first use
	"time":      {"Date", "Duration", "Unix", "UnixMicro", "UnixMilli"},
}

// state is the rule that a package remembers nothing: two hosts in one process
// share no state, and a simulation can run many worlds. A package-level
// variable is made of constants and never touched again. What happens to it
// under another name (a copy of a slice, a function's argument) is not seen.
func state(t *tree) []finding {
	changed := changes(t)
	var found []finding
	t.sources(func(p *pkg, f *file) {
		if f.generated {
			return
		}
		for _, d := range f.ast.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok || decl.Tok != token.VAR {
				continue
			}
			for _, spec := range decl.Specs {
				if spec, ok := spec.(*ast.ValueSpec); ok {
					found = append(found, variables(t, p, f, spec, changed)...)
				}
			}
		}
	})
	return found
}

// variables judges the variables of one declaration.
func variables(t *tree, p *pkg, f *file, spec *ast.ValueSpec, changed map[types.Object]token.Pos) []finding {
	var found []finding
	names := importNames(f)
	for i, name := range spec.Names {
		if name.Name == "_" || slices.Contains(excused[p.dir], name.Name) {
			continue
		}
		isError := strings.HasPrefix(strings.ToLower(name.Name), "err")
		var value ast.Expr
		if len(spec.Values) == len(spec.Names) {
			value = spec.Values[i]
		}
		switch pos, ok := changed[t.typed.info.Defs[name]]; {
		case ok:
			found = append(found, t.at(name.Pos(), "%s changes at line %d of %s: give it to an actor, or to the value that uses it",
				name.Name, t.line(pos), t.fset.Position(pos).Filename))
		case shared(t, names, spec.Type):
			found = append(found, t.at(name.Pos(), "%s is a lock, a counter or a channel of the whole process: give it to the value that needs it", name.Name))
		case value == nil && len(spec.Values) > 0:
			found = append(found, t.at(name.Pos(), "%s is computed when the program starts: compute it where it is used, or once with sync.OnceValue", name.Name))
		case value != nil && !t.constant(names, value, isError):
			found = append(found, t.at(name.Pos(), "%s is not made of constants: compute it where it is used, or once with sync.OnceValue", name.Name))
		}
	}
	return found
}

// shared reports whether a declared type is there to be changed: channels, and
// what the packages sync and sync/atomic have.
func shared(t *tree, names map[string]string, typ ast.Expr) bool {
	yes := false
	if typ == nil {
		return false
	}
	ast.Inspect(typ, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ChanType:
			yes = true
		case *ast.SelectorExpr:
			if path := t.importOf(names, n.X); path == "sync" || path == "sync/atomic" {
				yes = true
			}
		}
		return !yes
	})
	return yes
}

// constant reports whether a variable's first value is made of constants alone:
// literals, tables of them, conversions, functions, and the makers.
func (t *tree) constant(names map[string]string, x ast.Expr, isError bool) bool {
	switch x := x.(type) {
	case *ast.BasicLit, *ast.FuncLit:
		return true
	case *ast.Ident:
		_, isVar := t.typed.info.Uses[x].(*types.Var)
		return !isVar
	case *ast.SelectorExpr:
		c, ok := t.typed.info.Uses[x.Sel].(*types.Const)
		return ok && c != nil
	case *ast.ParenExpr:
		return t.constant(names, x.X, isError)
	case *ast.UnaryExpr:
		if x.Op == token.AND {
			_, literal := x.X.(*ast.CompositeLit)
			return literal && t.constant(names, x.X, isError)
		}
		return x.Op != token.ARROW && t.constant(names, x.X, isError)
	case *ast.BinaryExpr:
		return t.constant(names, x.X, isError) && t.constant(names, x.Y, isError)
	case *ast.CompositeLit:
		return !shared(t, names, x.Type) && t.constantTable(names, x)
	case *ast.CallExpr:
		return t.constantCall(names, x, isError)
	}
	return false
}

// constantTable reports whether nothing in a table is the result of a call, a
// conversion and a maker excepted.
func (t *tree) constantTable(names map[string]string, table *ast.CompositeLit) bool {
	yes := true
	ast.Inspect(table, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			yes = yes && t.constantCall(names, n, false)
			return false
		case *ast.CompositeLit:
			if n.Type != nil && shared(t, names, n.Type) {
				yes = false
			}
		}
		return yes
	})
	return yes
}

// constantCall reports whether a call is a conversion of constants, one of the
// makers, new, or a function literal that fills a table: clocks, chance and
// goroutines are not to be had inside it either.
func (t *tree) constantCall(names map[string]string, call *ast.CallExpr, isError bool) bool {
	path, name := t.callee(names, call)
	if slices.Contains(makers[path], name) || isError && path == "fmt" && name == "Errorf" {
		return true
	}
	if fill, ok := call.Fun.(*ast.FuncLit); ok && fill.Type.Results != nil {
		return !slices.ContainsFunc(fill.Type.Results.List, func(f *ast.Field) bool { return shared(t, names, f.Type) })
	}
	conversion := t.typed.info.Types[call.Fun].IsType() || t.builtin(call.Fun, "cap", "len", "max", "min", "new")
	for _, arg := range call.Args {
		conversion = conversion && t.constant(names, arg, isError)
	}
	return conversion
}

// changes finds every package-level variable of the module that is assigned,
// written into, or whose address is taken, with the first place of it.
func changes(t *tree) map[types.Object]token.Pos {
	changed := map[types.Object]token.Pos{}
	mark := func(x ast.Expr) {
		v := t.variable(x)
		if v == nil || v.Pkg() == nil || v.Parent() != v.Pkg().Scope() {
			return
		}
		if _, ok := changed[v]; !ok {
			changed[v] = x.Pos()
		}
	}
	t.sources(func(_ *pkg, f *file) {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, x := range n.Lhs {
					mark(x)
				}
			case *ast.IncDecStmt:
				mark(n.X)
			case *ast.RangeStmt:
				if n.Tok == token.ASSIGN {
					mark(n.Key)
					mark(n.Value)
				}
			case *ast.UnaryExpr:
				if n.Op == token.AND {
					mark(n.X)
				}
			case *ast.CallExpr:
				if t.builtin(n.Fun, "clear", "copy", "delete") && len(n.Args) > 0 {
					mark(n.Args[0])
				}
				if sel, ok := n.Fun.(*ast.SelectorExpr); ok && t.mayChange(sel) {
					mark(sel.X)
				}
			}
			return true
		})
	})
	return changed
}

// mayChange reports whether a method call may change what it is called on,
// because the method has a pointer receiver. Error and Unwrap do not.
func (t *tree) mayChange(sel *ast.SelectorExpr) bool {
	selection := t.typed.info.Selections[sel]
	if selection == nil || selection.Kind() != types.MethodVal || slices.Contains(speaking, sel.Sel.Name) {
		return false
	}
	signature, ok := selection.Obj().Type().(*types.Signature)
	if !ok || signature.Recv() == nil {
		return false
	}
	_, pointer := signature.Recv().Type().(*types.Pointer)
	return pointer
}

// variable returns the variable that an expression is a part of: table for
// table[i].field.
func (t *tree) variable(x ast.Expr) *types.Var {
	for {
		switch e := x.(type) {
		case *ast.Ident:
			v, _ := t.typed.info.Uses[e].(*types.Var)
			return v
		case *ast.SelectorExpr:
			if id, ok := e.X.(*ast.Ident); ok {
				if _, ok := t.typed.info.Uses[id].(*types.PkgName); ok {
					v, _ := t.typed.info.Uses[e.Sel].(*types.Var)
					return v
				}
			}
			x = e.X
		case *ast.IndexExpr:
			x = e.X
		case *ast.SliceExpr:
			x = e.X
		case *ast.StarExpr:
			x = e.X
		case *ast.ParenExpr:
			x = e.X
		default:
			return nil
		}
	}
}
