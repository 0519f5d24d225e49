package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"strconv"
	"strings"
)

// typed is what the type checker knows about the module's own packages. Other
// packages are empty to it: their names resolve to the import, not to a type.
type typed struct {
	tree     *tree
	info     *types.Info
	packages map[string]*types.Package // by import path; nil while being checked
}

// typeCheck checks every package of the module without its tests. Errors are
// ignored: the compiler reports them, and most come from the empty imports.
func typeCheck(t *tree) *typed {
	c := &typed{
		tree: t,
		info: &types.Info{
			Types:      map[ast.Expr]types.TypeAndValue{},
			Defs:       map[*ast.Ident]types.Object{},
			Uses:       map[*ast.Ident]types.Object{},
			Selections: map[*ast.SelectorExpr]*types.Selection{},
		},
		packages: map[string]*types.Package{},
	}
	for _, p := range t.packages {
		// Import never fails.
		_, _ = c.Import(path.Join(t.module, p.dir))
	}
	return c
}

// Import checks a package of the module, or makes an empty one for any other
// path, as [types.Importer] has it.
func (c *typed) Import(importPath string) (*types.Package, error) {
	if done, ok := c.packages[importPath]; ok && done != nil {
		return done, nil
	}
	_, cycle := c.packages[importPath]
	p := c.tree.own(importPath)
	if p == nil || cycle {
		empty := types.NewPackage(importPath, guessName(importPath))
		empty.MarkComplete()
		if p == nil {
			c.packages[importPath] = empty
		}
		return empty, nil
	}
	c.packages[importPath] = nil
	var files []*ast.File
	for _, f := range p.files {
		if !f.test {
			files = append(files, f.ast)
		}
	}
	config := types.Config{Importer: c, Error: func(error) {}, FakeImportC: true, DisableUnusedImportCheck: true}
	done, _ := config.Check(importPath, c.tree.fset, files, c.info)
	c.packages[importPath] = done
	return done, nil
}

// own returns the package of the module with this import path, or nil.
func (t *tree) own(importPath string) *pkg {
	for _, p := range t.packages {
		if path.Join(t.module, p.dir) == importPath {
			return p
		}
	}
	return nil
}

// guessName returns the name that a package most likely has: the last element
// of its path that is no version, without the "go-" that repositories carry.
func guessName(importPath string) string {
	base := path.Base(importPath)
	if len(base) > 1 && base[0] == 'v' {
		if _, err := strconv.Atoi(base[1:]); err == nil {
			base = path.Base(path.Dir(importPath))
		}
	}
	return strings.TrimPrefix(base, "go-")
}

// importNames returns the packages that a file imports by the names it uses for
// them.
func importNames(f *file) map[string]string {
	names := map[string]string{}
	for _, spec := range f.ast.Imports {
		importPath, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := guessName(importPath)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = importPath
	}
	return names
}

// qualified visits every name that a file takes from another package, such as
// the time and Now of time.Now, whatever the import is called in the file and
// whether the name is called or passed on.
func (t *tree) qualified(f *file, visit func(importPath, name string, pos token.Pos)) {
	names := importNames(f)
	ast.Inspect(f.ast, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if importPath := t.importOf(names, sel.X); importPath != "" {
			visit(importPath, sel.Sel.Name, sel.Pos())
		}
		return true
	})
}

// importOf returns the package that an expression names, or "".
func (t *tree) importOf(names map[string]string, x ast.Expr) string {
	id, ok := x.(*ast.Ident)
	if !ok {
		return ""
	}
	switch obj := t.typed.info.Uses[id].(type) {
	case *types.PkgName:
		return obj.Imported().Path()
	case nil:
		// The checker gave up on the code around; the spelling has to do.
		return names[id.Name]
	}
	return ""
}

// builtin reports whether an expression is one of Go's predeclared functions,
// by name.
func (t *tree) builtin(x ast.Expr, names ...string) bool {
	id, ok := ast.Unparen(x).(*ast.Ident)
	if !ok {
		return false
	}
	if obj := t.typed.info.Uses[id]; obj != nil {
		if _, ok := obj.(*types.Builtin); !ok {
			return false
		}
	}
	for _, name := range names {
		if id.Name == name {
			return true
		}
	}
	return false
}
